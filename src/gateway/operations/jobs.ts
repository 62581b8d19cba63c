/** Jobs: handed in, shown, waited for, cancelled. The bucket on the bus is the truth (J1). */
import { z } from 'zod';
import { isFinal, requestCancel, submitJob, workOf, type Jobs } from '../../bus/jobs.ts';
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
      if (job.status === 'failed') throw new DreyError(job.errorCode ?? 'internal', `job ${id} failed: ${job.error ?? job.message}`);
      throw new DreyError('unavailable', `the gateway stops; job ${id} goes on and is ${job.status}`);
    },

    /** R2: a restore is never repeated blindly: what was written, and what may have been, is for a person to look at. */
    retry: async (caller: Caller, id: string): Promise<z.output<typeof acceptedJob>> => {
      const before = await show(id);
      if (before.type === 'snapshot_restore') throw new DreyError('conflict', `job ${id} is a restore, and those are not repeated: GET /v1/jobs/${id}/rows says what became of each row, and POST /v1/snapshots/{id}/restore/plan what another one would write`);
      if (before.status !== 'failed' && before.status !== 'cancelled') throw new DreyError('conflict', `job ${id} is ${before.status}: only a failed or cancelled one is run again`);
      return audit.change(caller, { what: 'jobs.retry', subject: id, before: { status: before.status, error: before.error } }, async () => {
        const again = await submitJob(bus, await workOf(bus, id), caller.who);
        return { value: { jobId: again.id, message: `accepted in place of job ${id}; GET /v1/jobs/${again.id} shows how far it is` }, result: `accepted as job ${again.id}` };
      });
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
