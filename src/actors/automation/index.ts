/** What coordinators do unasked: schedules, triggers, retention, webhooks. Every one of them does all of it; the bus sees to it that nothing is lost or doubled. */
import type { Hosts } from '../../bus/hosts.ts';
import type { Bus, Subscription } from '../../bus/port.ts';
import { createTitleValues } from '../../bus/title-values.ts';
import type { JobRecord } from '../../contracts/jobs.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Persistence } from '../../persistence/port.ts';
import { deliver } from './deliveries.ts';
import { createFire } from './fire.ts';
import { takeFirings } from './firings.ts';
import { tellHappenings } from './happenings.ts';
import { applyRetention } from './retention.ts';
import { watchRules } from './rules.ts';
import { runSchedules } from './schedules.ts';

export interface AutomationDeps {
  readonly bus: Bus;
  readonly persistence: Persistence;
  readonly hosts: Hosts;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Automation extends Subscription {
  /** Of a job that has ended here. Never rejects. */
  jobEnded(record: JobRecord): Promise<void>;
}

export async function startAutomation({ bus, persistence, hosts, clock, log }: AutomationDeps): Promise<Automation> {
  const parts: Subscription[] = [];
  const rules = await watchRules({ bus, store: persistence.rules, clock, log });
  parts.push(rules);
  const titleValues = createTitleValues({
    bus, hosts,
    channelOf: (name) => persistence.catalogue.resolve({ kind: 'names', pvNames: [name] }).then(({ channels }) => channels[0], () => undefined),
    onFault: (err, pvs) => log.warn({ err, pvs }, 'values for a title could not be read'),
  });
  const fire = createFire({ bus, persistence, titleValues });
  parts.push(
    runSchedules({ rules, fire, clock, log }),
    await takeFirings({ bus, rules, fire, log }),
    await tellHappenings({ bus, rules, snapshots: persistence.snapshots, clock, log }),
    await deliver({ bus, rules, store: persistence.rules, clock, log }),
  );
  return {
    jobEnded: async ({ job, work }) => {
      if (job.status !== 'completed' || work.type !== 'snapshot_create' || work.origin === undefined) return;
      const rule = rules.schedules().find(({ id }) => `schedule:${id}` === work.origin!.rule);
      // The next snapshot of the schedule will see to what is left now.
      if (rule !== undefined) await applyRetention({ bus, persistence, log }, rule).catch((error: unknown) => log.warn({ schedule: rule.name, err: error }, 'retention could not be applied'));
    },
    stop: async () => void (await Promise.all(parts.splice(0).reverse().map((part) => part.stop()))),
  };
}
