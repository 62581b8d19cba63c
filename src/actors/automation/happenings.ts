/**
 * What webhooks are to be told. Jobs are read from their bucket, which is the truth (J1), so that one that
 * ended while no coordinator lived is told of at the next start. Every coordinator stores every message;
 * the stream drops the duplicates.
 */
import { idOf, isFinal, watchJobs } from '../../bus/jobs.ts';
import { json, type Bus, type Subscription } from '../../bus/port.ts';
import type { WebhookEvent, WebhookMessage } from '../../contracts/automation.ts';
import type { IocView } from '../../contracts/iocs.ts';
import type { Job } from '../../contracts/jobs.ts';
import { subjects } from '../../contracts/subjects.ts';
import { backoffMs } from '../../kernel/backoff.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { SnapshotStore } from '../../persistence/port.ts';
import type { Rules } from './rules.ts';

export interface HappeningsDeps {
  readonly bus: Bus;
  readonly rules: Rules;
  readonly snapshots: Pick<SnapshotStore, 'get'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Well within the window in which the stream knows duplicates. */
const lookBackMs = 30 * 60_000;
const mostAttempts = 20;
const pauses = { baseMs: 200, maxMs: 10_000 };

interface Happening {
  readonly event: WebhookEvent;
  /** Tells this happening from every other. */
  readonly key: string;
  readonly at: string;
  readonly data: () => Promise<unknown>;
}

export async function tellHappenings({ bus, rules, snapshots, clock, log }: HappeningsDeps): Promise<Subscription> {
  const iocStates = new Map<string, string>();
  const told = new Set<string>();
  let stopped = false;

  const store = async ({ event, key, at, data }: Happening): Promise<void> => {
    const hooks = rules.webhooks().filter(({ definition, createdDate }) => definition.enabled && definition.events.includes(event) && createdDate <= at);
    if (hooks.length === 0) return;
    const known = await data();
    for (const hook of hooks) {
      const message: WebhookMessage = { id: idOf('webhook', hook.id, event, key), event, at, data: known };
      await bus.store(subjects.delivery(hook.id), json.encode(message), { id: message.id });
    }
  };
  const tell = async (happening: Happening): Promise<void> => {
    const key = `${happening.event} ${happening.key}`;
    if (told.has(key)) return;
    told.add(key);
    for (let attempt = 0; !stopped; attempt++) {
      try {
        return await store(happening);
      } catch (error) {
        if (attempt === mostAttempts) return log.error({ event: happening.event, key: happening.key, err: error }, 'webhooks could not be told of something');
        await new Promise<void>((resume) => clock.setTimeout(resume, backoffMs(attempt, pauses, Math.random())));
      }
    }
  };

  const onJob = (job: Job): void => {
    const at = job.completedAt;
    if (!isFinal(job) || at === null || clock.now() - Date.parse(at) > lookBackMs) return;
    const say = (event: WebhookEvent, data: () => Promise<unknown>): void => void tell({ event, key: job.id, at, data });
    if (job.type === 'snapshot_restore') say('restore.ended', async () => ({ job }));
    else if (job.status === 'completed' && job.resultId !== null) say('snapshot.taken', async () => ({ job, snapshot: await snapshots.get(job.resultId!) }));
    if (job.status === 'failed') say('job.failed', async () => ({ job }));
  };

  const onIoc = (ioc: IocView): void => {
    const state = `${ioc.state} ${ioc.circuit}`;
    const before = iocStates.get(ioc.name);
    iocStates.set(ioc.name, state);
    // Channels come and go in the same events. What it was before this process began is not known.
    if (before === state || before === undefined) return;
    void tell({ event: 'ioc.state', key: `${ioc.name} ${ioc.since} ${state}`, at: new Date(clock.now()).toISOString(), data: async () => ({ ioc }) });
  };

  await rules.refresh().catch(() => {});
  const jobs = await watchJobs(bus);
  jobs.onChange(onJob);
  for (const job of jobs.list()) onJob(job);
  const iocs = bus.subscribe(subjects.iocEvents, ({ body }) => onIoc(json.decode<IocView>(body)));
  // Long since in the stream; what comes again is a duplicate there.
  const forget = (): void => {
    told.clear();
    forgetTimer = clock.setTimeout(forget, lookBackMs);
  };
  let forgetTimer = clock.setTimeout(forget, lookBackMs);
  return {
    stop: async () => {
      stopped = true;
      clock.clearTimeout(forgetTimer);
      await Promise.all([jobs.stop(), iocs.stop()]);
    },
  };
}
