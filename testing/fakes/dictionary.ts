/** Stands in for the coordinator and gateway that ioc-hosts ask for their channels: the dictionary and directory, on a real bus. */
import { subjects } from '../../src/contracts/subjects.ts';
import { json, type Bus, type Subscription } from '../../src/bus/port.ts';

export interface FakeDictionary extends AsyncDisposable {
  /** Changes the catalogue and says so, as the gateway does. Ids stay with their names. */
  set(names: readonly string[]): void;
  id(name: string): number;
  ids(names: readonly string[]): Int32Array;
  /** name -> IOC, as reported so far. */
  readonly found: ReadonlyMap<string, string>;
  /** Where a channel was last, before anybody found it. */
  place(name: string, ioc: string): void;
}

export function fakeDictionary(bus: Bus, names: readonly string[] = []): FakeDictionary {
  const idOf = new Map<string, number>();
  const nameOf: string[] = [];
  const found = new Map<string, string>();
  let current: readonly string[] = [];
  let revision = 0;

  const adopt = (next: readonly string[]): void => {
    for (const name of next) {
      if (idOf.has(name)) continue;
      idOf.set(name, nameOf.length + 1);
      nameOf.push(name);
    }
    current = next;
    revision++;
  };
  adopt(names);

  const subscriptions: Subscription[] = [
    bus.answer(subjects.catalogueChannels, async (body) => {
      const { after, limit } = json.decode<{ after: number; limit: number }>(body);
      const all = current.map((name) => [idOf.get(name)!, name, found.get(name) ?? null] as const).sort((a, b) => a[0] - b[0]);
      const rest = all.filter(([id]) => id > after);
      return json.encode({ revision, channels: rest.slice(0, limit), more: rest.length > limit });
    }),
    bus.answer(subjects.directoryUpdate, async (body) => {
      const update = json.decode<{ found: Record<string, number[]> }>(body);
      for (const [ioc, ids] of Object.entries(update.found)) for (const id of ids) found.set(nameOf[id - 1]!, ioc);
      bus.publish(subjects.directoryEvent, json.encode({ found: update.found }));
      return json.encode({});
    }),
  ];
  const id = (name: string): number => idOf.get(name) ?? 0;
  return {
    set: (next) => {
      adopt(next);
      bus.publish(subjects.catalogueEvent, json.encode({ revision }));
    },
    id,
    ids: (wanted) => Int32Array.from(wanted, id),
    found,
    place: (name, ioc) => void found.set(name, ioc),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(subscriptions.map((subscription) => subscription.stop()));
    },
  };
}
