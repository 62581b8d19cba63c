/** Triggers on this side of the bus: tells ioc-hosts what to watch, and makes jobs of what fired. Firings come from a work queue, so that each is taken by one coordinator, and by another if that one dies. */
import { json, type Bus, type Subscription, type WorkMessage } from '../../bus/port.ts';
import type { Firing, WatchedTrigger } from '../../contracts/automation.ts';
import { streams, subjects } from '../../contracts/subjects.ts';
import type { Log } from '../../kernel/log.ts';
import type { Fire } from './fire.ts';
import type { Rules } from './rules.ts';

export interface FiringsDeps {
  readonly bus: Bus;
  readonly rules: Rules;
  readonly fire: Fire;
  readonly log: Log;
}

const ackWaitMs = 30_000;
const concurrency = 16;

export async function takeFirings({ bus, rules, fire, log }: FiringsDeps): Promise<Subscription> {
  const enabled = () => rules.triggers().filter(({ definition }) => definition.enabled);

  const take = async ({ body }: WorkMessage): Promise<void> => {
    const { trigger: id, timeNs, value } = json.decode<Firing>(body);
    let rule = enabled().find((one) => one.id === id);
    if (rule === undefined) {
      // Perhaps made a moment ago.
      await rules.refresh();
      rule = enabled().find((one) => one.id === id);
    }
    if (rule === undefined) return void log.info({ trigger: id }, 'a trigger fired that is disabled or deleted by now: no snapshot is taken');
    await fire(rule, { at: new Date(Number(BigInt(timeNs) / 1_000_000n)), key: timeNs, note: `${rule.definition.pvName} was ${value}` });
  };

  const answering = bus.answer(
    subjects.automationTriggers,
    async () => {
      await rules.refresh();
      const triggers = enabled().map(({ id, definition: { channel, on, holdoffMs } }): WatchedTrigger => ({ id, channel, on, holdoffMs }));
      return json.encode({ triggers });
    },
    { queue: 'coordinators' },
  );
  const taking = await bus.work(streams.firings, { name: 'coordinators', filter: subjects.allFirings, ackWaitMs, concurrency }, take);
  return { stop: async () => void (await Promise.all([answering.stop(), taking.stop()])) };
}
