/**
 * Watches the channels that triggers are on, of those that are open here. At each pulse the rows of triggers
 * alone are held against what they were; what fires is stored in a stream, under an id made of trigger and
 * IOC time, so that a store that is tried again is no second firing.
 */
import { json, type Bus, type Subscription } from '../../bus/port.ts';
import { firstSight, look, type Seen, type TriggerMemory } from '../../automation/trigger-rule.ts';
import type { CaEvent, ChannelAccess } from '../../channel-access/port.ts';
import type { Firing, WatchedTrigger } from '../../contracts/automation.ts';
import { subjects } from '../../contracts/subjects.ts';
import { ReadOutcome } from '../../contracts/values.ts';
import type { ChannelTable } from './channel-table.ts';
import { pause, untilDone, type Retry } from './retry.ts';

export interface TriggersDeps extends Retry {
  readonly bus: Bus;
  readonly channelAccess: Pick<ChannelAccess, 'columns' | 'monitored'>;
  readonly table: Pick<ChannelTable, 'rowOf'>;
}

export interface Triggers extends Subscription {
  tell(event: CaEvent): void;
}

/** Events may be lost: what is to be watched is asked for again now and then. */
const askEveryMs = 30_000;
/** Nobody answered, as while everything starts: until somebody does nothing fires. */
const askAgainMs = 250;
const askWithinMs = 5_000;
/** Firings that wait for the bus; a trigger that fires faster than that is a mistake. */
const mostWaiting = 1_000;

interface Watched {
  readonly trigger: WatchedTrigger;
  memory: TriggerMemory | undefined;
  /** Counters of the row when it was looked at last. */
  row: number;
  sequence: number;
  beside: number;
}

export function watchTriggers(deps: TriggersDeps): Triggers {
  const { bus, channelAccess, table, clock, log } = deps;
  const { columns } = channelAccess;
  let watched: Watched[] = [];
  let asking: Promise<void> | undefined;
  let askAgain = false;
  let timer: unknown;
  let stopped = false;

  const waiting: Firing[] = [];
  let storing: Promise<void> | undefined;
  const storeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const firing = waiting[0]!;
      await untilDone(`firing of trigger ${firing.trigger}`, () => bus.store(subjects.firing(firing.trigger), json.encode(firing), { id: `${firing.trigger} ${firing.timeNs}` }), deps);
      waiting.shift();
    }
  };
  const fire = (firing: Firing): void => {
    if (waiting.length >= mostWaiting) return void log.error({ trigger: firing.trigger, waiting: waiting.length }, 'too many firings wait for the bus: one is dropped');
    waiting.push(firing);
    storing ??= storeAll().catch((error: unknown) => log.warn({ err: error, waiting: waiting.length }, 'firings could not be stored before the host stopped')).finally(() => (storing = undefined));
  };

  const seenIn = (row: number): Seen | undefined => {
    const values = channelAccess.monitored(Int32Array.of(row));
    if (values.outcome[0] !== ReadOutcome.ok) return undefined;
    const bytes = values.bytes.get(0);
    return { value: values.text.get(0) ?? (bytes === undefined ? values.num[0]! : Buffer.from(bytes).toString('base64')), timeNs: values.timeNs[0]! };
  };

  const lookAt = (one: Watched): void => {
    const row = table.rowOf(one.trigger.channel);
    if (row < 0) {
      // Another host's now: what it was when it left here says nothing when it comes back.
      one.memory = undefined;
      one.row = row;
      return;
    }
    const sequence = columns.sequence[row]!;
    const beside = columns.beside[row]!;
    if (row === one.row && sequence === one.sequence && beside === one.beside) return;
    Object.assign(one, { row, sequence, beside });
    const seen = seenIn(row);
    if (seen === undefined) return;
    if (one.memory === undefined) {
      one.memory = firstSight(seen);
      return;
    }
    const { fires, memory } = look(one.trigger.on, one.trigger.holdoffMs, one.memory, seen);
    one.memory = memory;
    if (fires) fire({ trigger: one.trigger.id, timeNs: String(seen.timeNs), value: typeof seen.value === 'string' ? seen.value.slice(0, 100) : seen.value });
  };
  const lookAtAll = (): void => {
    for (const one of watched) lookAt(one);
  };

  const ask = async (): Promise<void> => {
    do {
      askAgain = false;
      const { triggers } = json.decode<{ triggers: WatchedTrigger[] }>(await bus.request(subjects.automationTriggers, json.encode({}), askWithinMs));
      const before = new Map(watched.map((one) => [JSON.stringify(one.trigger), one]));
      watched = triggers.map((trigger) => before.get(JSON.stringify(trigger)) ?? { trigger, memory: undefined, row: -1, sequence: 0, beside: 0 });
      lookAtAll();
    } while (askAgain && !stopped);
  };
  const sync = (): void => {
    if (stopped) return;
    askAgain = true;
    asking ??= ask().catch((error: unknown) => {
      log.debug({ err: error }, 'triggers could not be asked for; those known stay watched');
      if (!stopped) askIn(askAgainMs);
    }).finally(() => (asking = undefined));
  };
  const askIn = (ms: number): void => {
    clock.clearTimeout(timer);
    timer = clock.setTimeout(() => {
      askIn(askEveryMs);
      sync();
    }, ms);
  };

  const subscription = bus.subscribe(subjects.automationEvent, sync);
  const unlisten = bus.onState((state) => state === 'connected' && sync());
  askIn(askEveryMs);
  sync();
  return {
    tell: (event) => {
      if (event.kind === 'pulse' && watched.length > 0) lookAtAll();
    },
    stop: async () => {
      stopped = true;
      clock.clearTimeout(timer);
      unlisten();
      await subscription.stop();
      // What has fired is not lost for a host that stops in order.
      await Promise.race([storing, pause(1_000, clock, new AbortController().signal)]);
    },
  };
}
