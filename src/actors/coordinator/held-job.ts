/**
 * A job that this process holds: its record is changed by compare-and-set, one change after the other, and
 * its lease renewed. When another coordinator has taken it, everything done for it here ends (the fence).
 */
import { json, type Bus, type KeyValue } from '../../bus/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import type { Job, JobRecord } from '../../contracts/jobs.ts';
import { subjects } from '../../contracts/subjects.ts';
import { backoffMs } from '../../kernel/backoff.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fenced, type JobRun } from '../../kernel/job-run.ts';
import type { Log } from '../../kernel/log.ts';
import { isOpen, type Me } from './claims.ts';

export const leaseMs = 10_000;
const renewMs = 3_000;
const pauses = { baseMs: 100, maxMs: 2_000 };

export interface HeldJob extends JobRun {
  /** What the watch says of this job. */
  seen(record: JobRecord | undefined): void;
  /** Lets go of it, so that it can be taken up elsewhere at once. */
  release(): Promise<void>;
}

export interface HeldJobOptions {
  readonly bus: Bus;
  readonly jobs: KeyValue;
  readonly clock: Clock;
  readonly log: Log;
  readonly me: Me;
}

/** Undefined when another was faster. */
export async function claimJob(options: HeldJobOptions, found: JobRecord, foundRevision: number): Promise<HeldJob | undefined> {
  const { bus, jobs, clock, log, me } = options;
  const { id } = found.job;
  const lease = () => ({ owner: me.owner, until: clock.now() + leaseMs });
  let record: JobRecord = {
    ...found,
    job: { ...found.job, status: 'running', startedAt: found.job.startedAt ?? new Date(clock.now()).toISOString() },
    lease: lease(),
  };
  let revision: number;
  try {
    revision = await jobs.update(id, json.encode(record), foundRevision);
  } catch (fault) {
    if (fault instanceof DreyError && fault.code === 'conflict') return undefined;
    throw fault;
  }

  const fence = new AbortController();
  const cancelListeners: ((by: string) => void)[] = [];
  let cancelled = record.cancelRequested;
  let renewal: unknown;
  const hear = (cancel: JobRecord['cancelRequested']): void => {
    if (cancel === null || cancelled !== null) return;
    cancelled = cancel;
    for (const listener of cancelListeners) listener(cancel.by);
  };
  const lose = (by: string): Fenced => {
    clock.clearTimeout(renewal);
    const fenced = new Fenced(id, by);
    if (!fence.signal.aborted) log.warn({ job: id, by }, 'this job has been taken over, nothing more is done for it here');
    fence.abort(fenced);
    return fenced;
  };

  /** One compare-and-set; repeated with what others changed meanwhile, as long as the lease is ours. */
  const change = async (edit: (now: JobRecord) => JobRecord): Promise<void> => {
    for (let attempt = 0; ; attempt++) {
      fence.signal.throwIfAborted();
      const next = edit(record);
      try {
        revision = await jobs.update(id, json.encode(next), revision);
        record = next;
        return;
      } catch (fault) {
        if (!(fault instanceof DreyError)) throw fault;
        try {
          if (fault.code === 'conflict') {
            const entry = await jobs.get(id);
            const theirs = entry && json.decode<JobRecord>(entry.value);
            if (entry === undefined || theirs?.lease?.owner !== me.owner) throw lose(theirs?.lease?.owner ?? 'nobody');
            revision = entry.revision;
            // A cancel is all that others may write into a record we hold; or it is our own change, whose answer was lost.
            record = { ...record, cancelRequested: theirs.cancelRequested };
            hear(theirs.cancelRequested);
            continue;
          }
        } catch (inner) {
          if (!(inner instanceof DreyError)) throw inner;
        }
        if (fault.code !== 'conflict' && fault.code !== 'unavailable' && fault.code !== 'timeout') throw fault;
        await new Promise<void>((resume) => clock.setTimeout(resume, backoffMs(attempt, pauses, Math.random())));
      }
    }
  };
  let queue: Promise<unknown> = Promise.resolve();
  const queued = (edit: (now: JobRecord) => JobRecord): Promise<void> => {
    const mine = queue.then(() => change(edit));
    queue = mine.catch(() => {});
    return mine;
  };
  const renew = (): void => {
    renewal = clock.setTimeout(() => {
      void queued((now) => (isOpen(now) ? { ...now, lease: lease() } : now)).then(renew, () => {});
    }, renewMs);
  };
  renew();

  const tell = (job: Job): void => {
    if (bus.state === 'connected') bus.publish(subjects.jobEvent(id), json.encode(job));
  };
  tell(record.job);

  return {
    get record() {
      return record;
    },
    signal: fence.signal,
    save: async ({ job, checkpoint }) => {
      await queued((now) => {
        const next = { ...now, job: { ...now.job, ...job }, ...(checkpoint === undefined ? {} : { checkpoint }) };
        // A job that has ended is nobody's, and needs nothing to go on with.
        return isOpen(next) ? { ...next, lease: lease() } : { ...next, lease: null, checkpoint: null };
      });
      if (!isOpen(record)) clock.clearTimeout(renewal);
      tell(record.job);
    },
    progress: (percent, message) => tell({ ...record.job, progress: percent, message }),
    onCancel: (listener) => {
      cancelListeners.push(listener);
      if (cancelled !== null) listener(cancelled.by);
    },
    seen: (theirs) => {
      if (theirs === undefined) return void lose('nobody: it was removed');
      if (theirs.lease !== null && theirs.lease.owner !== me.owner && isOpen(theirs)) return void lose(theirs.lease.owner);
      hear(theirs.cancelRequested);
    },
    release: async () => {
      clock.clearTimeout(renewal);
      const letGo = isOpen(record) ? queued((now) => (isOpen(now) ? { ...now, lease: null } : now)) : queue;
      // While the bus is away nothing can be let go of: the lease runs out by itself.
      await Promise.race([letGo.catch(() => {}), new Promise<void>((resume) => clock.setTimeout(resume, 1_000))]);
      fence.abort(new Fenced(id, 'nobody: this coordinator stops'));
    },
  };
}
