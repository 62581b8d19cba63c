/** Jobs: handed in, shown, waited for, cancelled. The bucket on the bus is the truth (J1). */
import { z } from 'zod';
import { isFinal, requestCancel, submitJob, type Jobs } from '../../bus/jobs.ts';
import type { Bus } from '../../bus/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import type { Job, JobStatus, JobWork } from '../../contracts/jobs.ts';
import { mayCancel, type Caller } from '../access.ts';
import type { Audit } from '../audit.ts';

export const acceptedJob = z.object({ jobId: z.string(), message: z.string() });
export const longestWaitMs = 60_000;

export interface JobFilter {
  readonly status?: JobStatus | undefined;
  readonly type?: Job['type'] | undefined;
  readonly limit: number;
}

export function createJobOperations({ bus, jobs, audit }: { bus: Bus; jobs: Jobs; audit: Audit }) {
  // The watched copy stands still while the bus is away: no answer is better than an old one.
  const check = (): void => {
    if (bus.state !== 'connected') throw new DreyError('unavailable', `jobs cannot be seen: the bus is ${bus.state}`);
  };

  const show = async (id: string): Promise<Job> => {
    check();
    return jobs.get(id);
  };

  /** The job as it stands when it ends, or after `ms`, or when nobody listens any more. */
  const waited = async (id: string, ms: number, signal: AbortSignal): Promise<Job> => {
    check();
    const gone = new Promise<'gone'>((resolve) => {
      if (signal.aborted) resolve('gone');
      signal.addEventListener('abort', () => resolve('gone'), { once: true });
    });
    const ended = jobs.finished(id, ms).catch((error: unknown) => {
      if (error instanceof DreyError && error.code === 'timeout') return 'late' as const;
      throw error;
    });
    const outcome = await Promise.race([ended, gone]);
    ended.catch(() => {});
    return typeof outcome === 'string' ? jobs.get(id) : outcome;
  };

  return {
    show,

    submit: async (caller: Caller, work: JobWork): Promise<z.output<typeof acceptedJob>> => {
      const { id } = await submitJob(bus, work, caller.who);
      return { jobId: id, message: `accepted; GET /v1/jobs/${id} shows how far it is` };
    },

    list: ({ status, type, limit }: JobFilter): Job[] => {
      check();
      return jobs.list().filter((job) => (status === undefined || job.status === status) && (type === undefined || job.type === type)).slice(0, limit);
    },

    wait: (id: string, ms: number, signal: AbortSignal) => waited(id, Math.min(ms, longestWaitMs), signal),

    /** However long it takes; fails as the job fails. */
    finished: async (id: string, signal: AbortSignal): Promise<Job> => {
      let job = await waited(id, longestWaitMs, signal);
      while (!isFinal(job) && !signal.aborted) job = await waited(id, longestWaitMs, signal);
      if (job.status === 'completed') return job;
      if (job.status === 'cancelled') throw new DreyError('cancelled', `job ${id} was cancelled: ${job.message}`);
      if (job.status === 'failed') throw new DreyError('unavailable', `job ${id} failed: ${job.error ?? job.message}`);
      throw new DreyError('unavailable', `the gateway stops; job ${id} goes on and is ${job.status}`);
    },

    cancel: async (caller: Caller, id: string): Promise<Job> => {
      const before = await show(id);
      mayCancel(caller, before.type);
      return audit.change(caller, { what: 'jobs.cancel', subject: id, before: { status: before.status, progress: before.progress } }, async () => {
        const after = await requestCancel(bus, id, caller.who);
        return { value: after, after: { status: after.status, message: after.message } };
      });
    },
  };
}
export type JobOperations = ReturnType<typeof createJobOperations>;
