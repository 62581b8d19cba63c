import type { JobRun } from '../../kernel/job-run.ts';
import type { SnapshotDeps } from '../snapshot-coordinator/index.ts';
export async function runRestore(_deps: SnapshotDeps, job: JobRun): Promise<void> {
  await job.save({ job: { status: 'failed', error: 'restores are not built yet', completedAt: new Date().toISOString() } });
}
