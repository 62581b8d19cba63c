/** A job in the hands of a coordinator: what the machine that runs it may do with its record. */
import type { Job, JobRecord } from '../contracts/jobs.ts';

export interface JobRun {
  /** As it stands after the last save. */
  readonly record: JobRecord;
  /** Compare-and-set. Waits while the bus is away; rejects with {@link Fenced} when the job is another's by now. */
  save(change: { job?: Partial<Job>; checkpoint?: unknown }): Promise<void>;
  /** Told as an event and not kept: the next save keeps it. */
  progress(percent: number, message: string): void;
  /** Aborted when the job is another's, or this process ends: nothing more may be done for it. */
  readonly signal: AbortSignal;
  /** At once, if it was asked for already. */
  onCancel(listener: (by: string) => void): void;
}

export class Fenced extends Error {
  constructor(job: string, by: string) {
    super(`job ${job} has been taken over by ${by}`);
    this.name = 'Fenced';
  }
}
