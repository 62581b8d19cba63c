/**
 * Jobs: durable, visible, cancellable (J1). One record per job in the KV bucket `drey-jobs` is the
 * truth; coordinators claim it by compare-and-set and renew a lease, so that a job whose coordinator
 * died is taken up by another, or by the same one after its restart.
 */
import { z } from 'zod';
import { errorCodes } from './errors.ts';
import { restoreRequest } from './restores.ts';
import { snapshotOrigin, takeSnapshot } from './snapshots.ts';

export const jobStatus = z.enum(['pending', 'running', 'completed', 'failed', 'cancelled']);
export type JobStatus = z.output<typeof jobStatus>;

export const jobWork = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot_create'), request: takeSnapshot, origin: snapshotOrigin.optional() }),
  z.object({ type: z.literal('snapshot_restore'), snapshotId: z.string(), request: restoreRequest }),
]);
export type JobWork = z.output<typeof jobWork>;

/** The public face, as the Squirrel contract names it, plus additions. */
export const job = z.object({
  id: z.string(),
  type: z.enum(['snapshot_create', 'snapshot_restore']),
  status: jobStatus,
  progress: z.number().describe('0 to 100 %'),
  message: z.string().describe('what it is at, for people'),
  resultId: z.string().nullable().describe('snapshot id; of a restore, the id of the snapshot with the values kept before (R3), null until kept'),
  error: z.string().nullable().describe('why it failed'),
  errorCode: z.enum(errorCodes).nullish().describe('the cause, as the code of an error answer'),
  requestedBy: z.string().describe('key, and person behind it when the program named one'),
  createdAt: z.string().describe('ISO 8601'),
  startedAt: z.string().nullable().describe('ISO 8601'),
  completedAt: z.string().nullable().describe('ISO 8601'),
  jobData: z.record(z.string(), z.unknown()).describe('what was asked for'),
});
export type Job = z.output<typeof job>;

/** The KV record: the public job, the work, and what the coordinator needs to go on after a crash. */
export interface JobRecord {
  readonly job: Job;
  readonly work: JobWork;
  readonly cancelRequested: { readonly by: string; readonly at: string } | null;
  readonly lease: { readonly owner: string; readonly until: number } | null;
  /** The coordinator machine's checkpoint; opaque to everybody else. */
  readonly checkpoint: unknown;
}
