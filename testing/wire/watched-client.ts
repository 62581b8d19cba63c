import { inspect } from 'node:util';
import type { CaEvent, CaOptions } from '../../src/channel-access/port.ts';
import { WireClient, type StartFinder } from '../../src/channel-access/wire/main/client.ts';
import { loopbackEnvironment } from './environment.ts';

type Of<Kind extends CaEvent['kind']> = CaEvent & { readonly kind: Kind };

export interface WatchedClient extends AsyncDisposable {
  readonly access: WireClient;
  /** Everything so far. */
  readonly events: readonly CaEvent[];
  /** Names that were searched, in order. */
  readonly asked: readonly string[];
  /** "NAME at IOC" of what was to be reviewed for duplicates. */
  readonly reviewed: readonly string[];
  /** Where every name is found from now on, until it is found elsewhere; undefined: nowhere. */
  found(where: (name: string) => string | undefined): void;
  /** Says what the beacon listener would. */
  beacon(ioc: string, what: 'new' | 'restarted' | 'missing'): void;
  /** Resolves with the first event of this kind, past or future, that fits. */
  event<Kind extends CaEvent['kind']>(kind: Kind, fits?: (event: Of<Kind>) => boolean): Promise<Of<Kind>>;
  /** Resolves when `holds`, asked after every event, says so. */
  until(saying: string, holds: () => boolean): Promise<void>;
  /** Forgets past events, so that `event` waits for the next. */
  forget(): void;
}

const withinMs = 10_000;

/** A client whose names are found at once, without a search, wherever the test says. */
export function watchedClient(where: (name: string) => string | undefined, change: Partial<CaOptions> = {}): WatchedClient {
  let place = where;
  let research = (): void => {};
  let beacon = (_ioc: string, _what: 'new' | 'restarted' | 'missing'): void => {};
  const finder: StartFinder = (_environment, listener) => {
    beacon = (ioc, what) => listener.beacon(ioc, what);
    const searched = new Map<number, string>();
    research = () => setImmediate(() => {
      const found = [...searched].flatMap(([id, name]) => {
        const ioc = place(name);
        return ioc === undefined ? [] : [{ id, ioc }];
      });
      for (const { id } of found) searched.delete(id);
      if (found.length > 0) listener.found(Int32Array.from(found, ({ id }) => id), found.map(({ ioc }) => ioc));
    });
    return {
      add(ids, names) {
        ids.forEach((id, i) => searched.set(id, names[i]!));
        asked.push(...names);
        research();
      },
      remove: (ids) => ids.forEach((id) => searched.delete(id)),
      urge: () => {},
      review: (_ids, names, ioc) => void reviewed.push(...names.map((name) => `${name} at ${ioc}`)),
      stop: async () => {},
    };
  };
  const asked: string[] = [];
  const reviewed: string[] = [];
  const access = new WireClient({
    environment: loopbackEnvironment([]), threads: 1, capacity: 20_000, echoIdleMs: 300, echoTimeoutMs: 300, ...change,
  }, finder);

  let events: CaEvent[] = [];
  const waiting = new Set<() => void>();
  access.listen((event) => {
    events.push(event);
    for (const look of waiting) look();
  });

  const until = <T>(saying: string, look: () => T | undefined): Promise<T> => new Promise((resolve, reject) => {
    const check = (): void => {
      const seen = look();
      if (seen === undefined) return;
      clearTimeout(timer);
      waiting.delete(check);
      resolve(seen);
    };
    const timer = setTimeout(() => {
      waiting.delete(check);
      reject(new Error(`waited ${withinMs} ms for ${saying}; came: ${inspect(events.slice(-20))}`));
    }, withinMs);
    waiting.add(check);
    check();
  });

  return {
    access,
    asked,
    reviewed,
    get events() {
      return events;
    },
    found(next) {
      place = next;
      research();
    },
    beacon: (ioc, what) => beacon(ioc, what),
    event: (kind, fits = () => true) => until(kind, () => events.find((event): event is Of<typeof kind> => event.kind === kind && fits(event as Of<typeof kind>))),
    until: async (saying, holds) => void (await until(saying, () => (holds() ? true : undefined))),
    forget: () => void (events = []),
    [Symbol.asyncDispose]: () => access.stop(),
  };
}
