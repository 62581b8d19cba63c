import { DreyError } from '../../contracts/errors.ts';
import type { Job } from '../../contracts/jobs.ts';
import type { TakeSnapshot } from '../../contracts/snapshots.ts';
import { runDurable } from '../../kernel/durable.ts';
import type { JobRun } from '../../kernel/job-run.ts';
import { snapshotEffects, type SnapshotDeps } from './effects.ts';
import { snapshotMachine, type SnapshotContext, type SnapshotEffect } from './machine.ts';

export type { SnapshotDeps } from './effects.ts';

/** Runs a snapshot job to its end. Rejects only when the job is no longer ours. */
export async function runSnapshot(deps: SnapshotDeps, job: JobRun): Promise<void> {
  const { work } = job.record;
  if (work.type !== 'snapshot_create') throw new DreyError('internal', `job ${job.record.job.id} is no snapshot job`);
  const kept = job.record.checkpoint as { context: SnapshotContext } | null;
  // Nothing but the run number outlives a crash: values read then are gone, and reading again harms nobody.
  const durable = runDurable({
    machine: snapshotMachine,
    from: { input: { run: (kept?.context.run ?? 0) + 1 } },
    save: async (snapshot) => {
      const value = snapshot.value as keyof typeof shown;
      const face = shown[value](snapshot.context, work.request, deps.clock.now(), effects.summary());
      if (passing.has(value)) return job.progress(face.progress!, face.message!);
      await job.save({ job: face, checkpoint: { value, context: snapshot.context } });
    },
    perform: (effect, snapshot) => effects.perform(effect as SnapshotEffect, snapshot.context),
    readsOnly: ['resolving'],
  });
  const effects = snapshotEffects(deps, job, work.request, (event) => durable.post(event));
  job.onCancel((by) => durable.post({ type: 'cancel', by }));
  job.signal.addEventListener('abort', () => {
    effects.discard();
    durable.halt(job.signal.reason as Error);
  });
  await durable.ended;
}

/** After a crash these begin again from `resolving`, so they are told and not kept. */
const passing: ReadonlySet<string> = new Set(['gathering', 'storing']);

type Shown = (context: SnapshotContext, request: TakeSnapshot, now: number, summary: { pvCount: number; quality: { outcomes: Record<string, number> } } | undefined) => Partial<Job>;

/** The job's public face in each state. */
const shown: Record<'resolving' | 'gathering' | 'storing' | 'completed' | 'failed' | 'cancelled', Shown> = {
  resolving: ({ outages, reason }) => ({ status: 'running', progress: 1, message: outages > 0 ? `trying again after: ${reason}` : 'finding out what to read' }),
  gathering: () => ({ status: 'running', progress: 5, message: 'reading' }),
  storing: () => ({ status: 'running', progress: 90, message: 'storing' }),
  completed: ({ snapshotId }, request, now, summary) => {
    const rows = summary?.pvCount ?? 0;
    const read = summary?.quality.outcomes['ok'] ?? 0;
    return {
      status: 'completed', progress: 100, resultId: snapshotId, completedAt: new Date(now).toISOString(),
      message: `"${request.title}" stored: ${read} of ${rows} channels read`,
    };
  },
  failed: ({ reason, code = 'internal' }, _request, now) => ({ status: 'failed', error: reason, errorCode: code, message: 'failed', completedAt: new Date(now).toISOString() }),
  cancelled: ({ reason }, _request, now) => ({ status: 'cancelled', message: reason ?? 'cancelled', completedAt: new Date(now).toISOString() }),
};
