/** What a restore job does to the world. */
import { json } from '../../bus/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import { subjects } from '../../contracts/subjects.ts';
import type { ValueColumns } from '../../contracts/values.ts';
import { backoffMs } from '../../kernel/backoff.ts';
import type { JobRun } from '../../kernel/job-run.ts';
import type { StoredRestore } from '../../persistence/port.ts';
import { createBeforeImage, keepExactly, type BeforeImage } from './before-image.ts';
import { packPlan, unpackPlan, type KeptPlan, type PackedPlan } from './kept-plan.ts';
import { createLedger, type Ledger } from './ledger.ts';
import type { RestoreContext, RestoreEffect, RestoreEvent } from './machine.ts';
import { foresee, plan, reload, writtenRows, type Foreseen, type RestoreDeps } from './prepare.ts';
import { resultOf, type RestoreResult } from './results.ts';
import { select, type RestoreWork, type Selected } from './selection.ts';
import { startWriting, type Writing } from './writing.ts';

const pauses = { baseMs: 200, maxMs: 5_000 };
const emptyPlan: KeptPlan = {
  channel: new Int32Array(0), verdict: new Uint8Array(0), why: new Uint8Array(0), item: new Int32Array(0), absTolerance: new Float64Array(0), relTolerance: new Float64Array(0), items: [],
};

export function restoreEffects(deps: RestoreDeps, job: JobRun, work: RestoreWork, packed: PackedPlan | undefined, post: (event: RestoreEvent) => void) {
  const { bus, persistence, clock, log } = deps;
  const { id, requestedBy } = job.record.job;
  const startedAt = new Date(job.record.job.startedAt ?? clock.now());
  let selected: Selected | undefined;
  let image: BeforeImage | undefined;
  let foreseen: Foreseen | undefined;
  let kept: KeptPlan | undefined = packed && unpackPlan(packed);
  let packedPlan = packed;
  let target: ValueColumns | undefined;
  let before: ValueColumns | undefined;
  /** Whether an earlier attempt, here or in a process that died, may have published items. */
  let written = packed !== undefined;
  let writing: Writing | undefined;
  let ledger: Ledger | undefined;
  let result: RestoreResult | undefined;
  let cancelled = false;
  let reading = new AbortController();

  const discard = (): void => {
    reading.abort();
    image?.discard();
    writing?.stop();
    writing = undefined;
  };
  const step = ({ run, outages }: RestoreContext, work_: () => Promise<void>): void => {
    const begun = outages === 0 ? work_() : new Promise<void>((resume) => clock.setTimeout(resume, backoffMs(outages, pauses, Math.random()))).then(work_);
    begun.catch((fault: unknown) => {
      if (job.signal.aborted || (fault instanceof DreyError && fault.code === 'cancelled')) return;
      const reason = fault instanceof Error ? fault.message : String(fault);
      const away = fault instanceof DreyError && (fault.code === 'unavailable' || fault.code === 'timeout');
      if (!(fault instanceof DreyError)) log.error({ job: id, err: fault }, 'a restore job failed unexpectedly');
      post(away ? { type: 'outage', run, at: clock.now(), reason } : { type: 'failed', run, reason, code: fault instanceof DreyError ? fault.code : 'internal' });
    });
  };

  const newImage = (): BeforeImage => createBeforeImage({ persistence, clock, job, of: selected! });

  const write = async ({ beforeId, cancelledBy }: RestoreContext): Promise<void> => {
    writing?.stop();
    cancelled ||= cancelledBy !== null;
    if (target === undefined) ({ target, before } = await reload(deps, work.snapshotId, beforeId, kept!));
    const resumed = written;
    written = true;
    let toldAt = 0;
    writing = startWriting({
      bus, clock, log, target, resumed,
      plan: kept!,
      common: { job: id, deadlineMs: work.request.deadlineMs, window: deps.putWindow, who: requestedBy, reason: work.request.reason },
      isLive: (host) => deps.isLive(host),
      isCancelled: () => cancelled,
      onProgress: ({ settled }) => {
        if (clock.now() - toldAt < 200) return;
        toldAt = clock.now();
        const total = kept!.item.reduce((sum, item) => sum + (item >= 0 ? 1 : 0), 0);
        job.progress(20 + Math.floor((70 * settled) / Math.max(1, total)), `${settled} of ${total} values written`);
      },
    });
    ledger = await writing.settled;
    post({ type: 'settled' });
  };

  /** The log says it all, so a job taken up here after its last write needs nothing more. */
  const outcome = async (context: RestoreContext): Promise<Required<Pick<StoredRestore, 'before' | 'target'>> & { ledger: Ledger; plan: KeptPlan }> => {
    kept ??= emptyPlan;
    if (target === undefined || before === undefined) ({ target, before } = await reload(deps, work.snapshotId, context.beforeId, kept));
    ledger ??= createLedger(kept);
    return { before, target, ledger, plan: kept };
  };
  const identity = { jobId: id, snapshotId: work.snapshotId, who: requestedBy, reason: work.request.reason };

  const store = async (context: RestoreContext): Promise<void> => {
    const { before: was, target: wanted, ledger: book, plan: rows } = await outcome(context);
    await persistence.restores.save({
      ...identity, beforeId: context.beforeId, startedAt, finishedAt: new Date(clock.now()),
      channel: rows.channel, outcome: book.outcome, why: book.why, code: book.code, attempted: book.attempted, before: was, target: wanted, after: book.after,
    });
    result = await resultOf(book, rows.channel, persistence.catalogue);
    post({ type: 'stored' });
  };

  /** A1: of what ended without rows, the log says no more than that. */
  const tellEnd = ({ cancelledBy, reason }: RestoreContext): void => {
    const told = cancelledBy === null ? `failed: ${reason ?? 'for no known reason'}` : `cancelled by ${cancelledBy} before anything was written`;
    const event = { who: requestedBy, what: 'restore.run', subject: work.snapshotId, before: null, after: { job: id }, why: work.request.reason, result: told };
    persistence.audit.record([event]).catch((err: unknown) => log.error({ job: id, err, result: told }, 'how a restore ended could not be recorded in the audit log'));
  };

  const announce = (context: RestoreContext): void => {
    if (result === undefined) tellEnd(context);
    if (bus.state !== 'connected' || result === undefined) return;
    bus.publish(subjects.restoreEvent(id), json.encode({ job: id, snapshotId: work.snapshotId, outcomes: result.outcomes, beforeId: context.beforeId }));
  };

  const perform = (effect: RestoreEffect, context: RestoreContext): void => {
    const { run } = context;
    switch (effect) {
      case 'resolve':
        discard();
        reading = new AbortController();
        return step(context, async () => {
          selected = await select(persistence, work);
          post({ type: 'resolved', run, rows: selected.rows });
        });
      case 'read':
        return step(context, async () => {
          image = newImage();
          foreseen = await foresee(deps, job, run, selected!, image, AbortSignal.any([job.signal, reading.signal]));
          post({ type: 'read', run });
        });
      case 'plan':
        return step(context, async () => {
          kept = await plan(deps, work, foreseen!);
          packedPlan = packPlan(kept);
          target = foreseen!.plan.target;
          before = foreseen!.live;
          if (kept.items.length === 0) image!.discard();
          post({ type: 'planned', run, writes: kept.items.length });
        });
      case 'keep':
        return step(context, async () => post({ type: 'kept', run, snapshotId: await keepExactly(image!, foreseen!.live, writtenRows(kept!), () => (image = newImage())) }));
      case 'write':
        return step(context, () => write(context));
      case 'hurry':
        cancelled = true;
        writing?.hurry();
        return;
      case 'store':
        return step(context, () => store(context));
      case 'discard':
        return discard();
      case 'announce':
        return announce(context);
    }
  };
  return { perform, discard, packedPlan: () => packedPlan, result: () => result };
}
