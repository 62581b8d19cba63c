import { DreyError } from '../../contracts/errors.ts';
import type { Job } from '../../contracts/jobs.ts';
import { runDurable } from '../../kernel/durable.ts';
import type { JobRun } from '../../kernel/job-run.ts';
import { restoreEffects } from './effects.ts';
import type { PackedPlan } from './kept-plan.ts';
import { restoreMachine, type RestoreContext, type RestoreEffect } from './machine.ts';
import type { RestoreDeps } from './prepare.ts';
import type { RestoreResult } from './results.ts';

export type { RestoreDeps } from './prepare.ts';

interface Checkpoint {
  readonly value: State;
  readonly context: RestoreContext;
  /** From `writing` on. */
  readonly plan?: PackedPlan;
}

/** Runs a restore job to its end. Rejects only when the job is no longer ours. */
export async function runRestore(deps: RestoreDeps, job: JobRun): Promise<void> {
  const { work } = job.record;
  if (work.type !== 'snapshot_restore') throw new DreyError('internal', `job ${job.record.job.id} is no restore job`);
  const kept = job.record.checkpoint as Checkpoint | null;
  const begun = kept?.plan !== undefined;
  let planKept = begun;
  const durable = runDurable({
    machine: restoreMachine,
    // Whatever came after the first write, the log tells it again: `writing` finds at once that all is settled.
    from: begun ? { value: 'writing', context: { ...kept.context, outages: 0, outageSince: null } } : { input: { run: (kept?.context.run ?? 0) + 1 } },
    save: async (snapshot) => {
      const value = snapshot.value as State;
      const shown = face(value, snapshot.context, effects.result(), deps.clock.now(), job.record.job);
      if (passing.has(value) || (value === 'storing' && planKept)) return job.progress(shown.progress!, shown.message!);
      planKept = fixed.has(value);
      const checkpoint: Checkpoint = { value, context: snapshot.context, ...(planKept ? { plan: effects.packedPlan() } : {}) };
      await job.save({ job: shown, checkpoint });
    },
    perform: (effect, snapshot) => effects.perform(effect as RestoreEffect, snapshot.context),
    readsOnly: ['resolving'],
  });
  const effects = restoreEffects(deps, job, work, kept?.plan, (event) => durable.post(event));
  job.onCancel((by) => durable.post({ type: 'cancel', by }));
  job.signal.addEventListener('abort', () => {
    effects.discard();
    durable.halt(job.signal.reason as Error);
  });
  await durable.ended;
}

type State = 'resolving' | 'reading' | 'planning' | 'keeping' | 'writing' | 'storing' | 'completed' | 'cancelled' | 'failed';
/** After a crash these begin again from `resolving`, so they are told and not kept; as is `storing` when `writing` was. */
const passing: ReadonlySet<State> = new Set(['reading', 'planning', 'keeping']);
const fixed: ReadonlySet<State> = new Set(['writing', 'storing']);

/** The job's public face in each state. */
function face(state: State, context: RestoreContext, result: RestoreResult | undefined, now: number, job: Job): Partial<Job> {
  const again = context.outages > 0 ? `trying again after: ${context.reason}` : undefined;
  const running = (progress: number, message: string): Partial<Job> => ({ status: 'running', progress, message: again ?? message, resultId: context.beforeId });
  const ended = { completedAt: new Date(now).toISOString(), resultId: context.beforeId, ...(result ? { jobData: { ...job.jobData, result } } : {}) };
  switch (state) {
    case 'resolving': return running(1, 'finding out what was saved');
    case 'reading': return running(5, 'reading what is there now');
    case 'planning': return running(10, 'planning');
    case 'keeping': return running(15, 'keeping the values about to be overwritten');
    case 'writing': return running(20, context.cancelledBy ? `${context.cancelledBy} asked for its end` : 'writing');
    case 'storing': return running(92, 'storing the outcomes');
    case 'completed': return { ...ended, status: 'completed', progress: 100, message: summary(result) };
    case 'cancelled': return { ...ended, status: 'cancelled', message: `cancelled by ${context.cancelledBy}; ${result ? summary(result) : 'nothing was written'}` };
    case 'failed': return { ...ended, status: 'failed', error: context.reason, errorCode: context.code ?? 'internal', message: 'failed' };
  }
}

function summary(result: RestoreResult | undefined): string {
  if (result === undefined || result.totalPVs === 0) return 'nothing was selected, nothing was written';
  return `${result.totalPVs} PVs: ${Object.entries(result.outcomes).map(([outcome, count]) => `${count} ${outcome}`).join(', ')}`;
}
