/**
 * Jobs as those see them who submit, cancel and wait for them. The KV bucket is the truth (J1), so a job
 * that was accepted is there whether or not a coordinator lives; coordinators take it from there.
 */
import { createHash, randomUUID } from 'node:crypto';
import { DreyError } from '../contracts/errors.ts';
import type { Job, JobRecord, JobStatus, JobWork } from '../contracts/jobs.ts';
import { buckets, subjects } from '../contracts/subjects.ts';
import { json, type Bus, type KeyValue } from './port.ts';

const finalStates: ReadonlySet<JobStatus> = new Set(['completed', 'failed', 'cancelled']);
export const isFinal = (job: Job): boolean => finalStates.has(job.status);

/** Resolves when the job is kept. */
export async function submitJob(bus: Bus, work: JobWork, requestedBy: string): Promise<Job> {
  const record = pendingJob(randomUUID(), work, requestedBy);
  await (await bus.keyValue(buckets.jobs)).create(record.job.id, json.encode(record));
  return record.job;
}

/** The same for a job whose id says what it is for: however many ask for it, it is made once. False = it was there. */
export async function submitJobOnce(bus: Bus, id: string, work: JobWork, requestedBy: string): Promise<boolean> {
  try {
    await (await bus.keyValue(buckets.jobs)).create(id, json.encode(pendingJob(id, work, requestedBy)));
    return true;
  } catch (fault) {
    if (fault instanceof DreyError && fault.code === 'conflict') return false;
    throw fault;
  }
}

/** An id made of what it stands for: the same everywhere, in the form of a UUID. */
export function idOf(...parts: readonly string[]): string {
  const hex = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function pendingJob(id: string, work: JobWork, requestedBy: string): JobRecord {
  const job: Job = {
    id,
    type: work.type,
    status: 'pending',
    progress: 0,
    message: 'waiting for a coordinator',
    resultId: null,
    error: null,
    requestedBy,
    createdAt: new Date().toISOString(),
    startedAt: null,
    completedAt: null,
    jobData: dataOf(work),
  };
  return { job, work, cancelRequested: null, lease: null, checkpoint: null };
}

/** What the public face shows of the request; the long lists stay in the work itself. */
function dataOf(work: JobWork): Record<string, unknown> {
  if (work.type === 'snapshot_create') {
    const { title, mode, scope } = work.request;
    return { title, mode, scope: scope.kind, ...(work.origin === undefined ? {} : { origin: work.origin }) };
  }
  const { pvIds, pvNames, reason } = work.request;
  const selected = pvIds === undefined && pvNames === undefined ? null : (pvIds?.length ?? 0) + (pvNames?.length ?? 0);
  return { snapshotId: work.snapshotId, selected, reason };
}

/** Asks for an end. A job nobody has begun ends at once; a running one when its coordinator has stopped it. Cancelling twice is no error. */
export async function requestCancel(bus: Bus, id: string, by: string): Promise<Job> {
  const jobs = await bus.keyValue(buckets.jobs);
  for (let attempt = 0; attempt < 20; attempt++) {
    const { record, revision } = await recordOf(jobs, id);
    if (record.job.status === 'cancelled' || (record.cancelRequested !== null && !isFinal(record.job))) return record.job;
    if (isFinal(record.job)) throw new DreyError('conflict', `job ${id} has ${record.job.status} already, it cannot be cancelled`);
    const cancelRequested = { by, at: new Date().toISOString() };
    const untouched = record.lease === null && record.checkpoint === null;
    const job: Job = untouched
      ? { ...record.job, status: 'cancelled', message: `cancelled by ${by} before it began`, completedAt: cancelRequested.at }
      : { ...record.job, message: `${by} asked for its end` };
    try {
      await jobs.update(id, json.encode({ ...record, job, cancelRequested } satisfies JobRecord), revision);
    } catch (fault) {
      if (fault instanceof DreyError && fault.code === 'conflict') continue;
      throw fault;
    }
    if (untouched) bus.publish(subjects.jobEvent(id), json.encode(job));
    return job;
  }
  throw new DreyError('unavailable', `job ${id} changes too fast to be cancelled, try again`);
}

/** What a job was asked to do, whole. */
export async function workOf(bus: Bus, id: string): Promise<JobWork> {
  return (await recordOf(await bus.keyValue(buckets.jobs), id)).record.work;
}

async function recordOf(jobs: KeyValue, id: string): Promise<{ record: JobRecord; revision: number }> {
  // D1: what is no id is no job, and no key of a bucket either.
  const entry = /^[A-Za-z0-9-]{1,64}$/.test(id) ? await jobs.get(id) : undefined;
  if (entry === undefined) throw new DreyError('notFound', `there is no job ${id.slice(0, 64)}; finished ones are kept for 30 days`);
  return { record: json.decode<JobRecord>(entry.value), revision: entry.revision };
}

export interface Jobs {
  /** Newest first. */
  list(): Job[];
  /** `notFound` when there is none. */
  get(id: string): Promise<Job>;
  /** Resolves when the job has ended, in whatever way. `timeout` when it has not by then, `notFound` when it was pruned. */
  finished(id: string, timeoutMs: number): Promise<Job>;
  /** Every change, progress included. Returns how to stop listening. */
  onChange(listener: (job: Job) => void): () => void;
  stop(): Promise<void>;
}

/** Keeps all jobs in memory: records from the bucket, progress in between from events. */
export async function watchJobs(bus: Bus): Promise<Jobs> {
  const bucket = await bus.keyValue(buckets.jobs);
  const jobs = new Map<string, Job>();
  const listeners = new Set<(job: Job) => void>();
  const waiters = new Map<string, Set<(job: Job | undefined) => void>>();

  const settle = (id: string, job: Job | undefined): void => {
    for (const waiter of waiters.get(id) ?? []) waiter(job);
    waiters.delete(id);
  };
  const set = (job: Job): void => {
    jobs.set(job.id, job);
    for (const listener of [...listeners]) listener(job);
    if (isFinal(job)) settle(job.id, job);
  };

  const progress = bus.subscribe(subjects.jobEvents, (message) => {
    const told = json.decode<Job>(message.body);
    const known = jobs.get(told.id);
    // The bucket decides about states; an event only fills in the progress between two of them.
    if (known?.status !== 'running' || told.status !== 'running' || told.progress < known.progress) return;
    set({ ...known, progress: told.progress, message: told.message });
  });
  const watch = await new Promise<{ stop(): Promise<void> }>((resolve, reject) => {
    let ready = (): void => {};
    const standing = new Promise<void>((done) => (ready = done));
    bucket
      .watch({
        entry: (id, value) => {
          if (value !== undefined) return set(json.decode<JobRecord>(value).job);
          jobs.delete(id);
          settle(id, undefined);
        },
        ready: () => ready(),
      })
      .then((subscription) => standing.then(() => resolve(subscription)), reject);
  }).catch(async (fault: unknown) => {
    await progress.stop();
    throw fault;
  });

  const get = async (id: string): Promise<Job> => jobs.get(id) ?? (await recordOf(bucket, id)).record.job;
  return {
    list: () => [...jobs.values()].sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : a.id < b.id ? 1 : -1)),
    get,
    finished: async (id, timeoutMs) => {
      const now = await get(id);
      if (isFinal(now)) return now;
      return new Promise<Job>((resolve, reject) => {
        const waiter = (job: Job | undefined): void => {
          clearTimeout(timer);
          if (job === undefined) reject(new DreyError('notFound', `job ${id} was removed before it ended`));
          else resolve(job);
        };
        const timer = setTimeout(() => {
          waiters.get(id)?.delete(waiter);
          const last = jobs.get(id) ?? now;
          reject(new DreyError('timeout', `job ${id} has not ended within ${timeoutMs} ms; it is ${last.status} (${last.progress} %): ${last.message}`));
        }, timeoutMs);
        waiters.set(id, (waiters.get(id) ?? new Set()).add(waiter));
        const meanwhile = jobs.get(id);
        if (meanwhile && isFinal(meanwhile)) settle(id, meanwhile);
      });
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: async () => {
      await Promise.all([progress.stop(), watch.stop()]);
    },
  };
}
