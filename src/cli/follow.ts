/** Waits for a job and shows how far it is; fails as the job fails. */
import { DreyError } from '../contracts/errors.ts';
import type { Job } from '../contracts/jobs.ts';
import type { Client } from './client.ts';
import { jobProgress } from './output.ts';

export async function follow(client: Client, jobId: string): Promise<Job> {
  const progress = jobProgress();
  // Ctrl-C leaves the job running: it is the system's by now (J1).
  const job = await client.finished(jobId, progress.show).finally(progress.done);
  if (job.status === 'completed') return job;
  throw new DreyError(job.status === 'cancelled' ? 'cancelled' : (job.errorCode ?? 'internal'), `job ${jobId} ${job.status}: ${job.error ?? job.message}`);
}
