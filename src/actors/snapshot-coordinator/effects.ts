/** What a snapshot job does to the world: the only awaits on a port. */
import type { ReadTarget } from '../../bus/gathering.ts';
import { json, type Bus } from '../../bus/port.ts';
import { scatterReads } from '../../bus/scatter.ts';
import { DreyError } from '../../contracts/errors.ts';
import type { SnapshotSummary, TakeSnapshot, SnapshotScope } from '../../contracts/snapshots.ts';
import { subjects } from '../../contracts/subjects.ts';
import { backoffMs } from '../../kernel/backoff.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { JobRun } from '../../kernel/job-run.ts';
import type { Log } from '../../kernel/log.ts';
import type { NewSnapshot, Persistence } from '../../persistence/port.ts';
import { tallyQuality, type QualityTally } from '../../snapshots/quality.ts';
import { outageLimitMs, type SnapshotContext, type SnapshotEffect, type SnapshotEvent } from './machine.ts';
import { storeParts, type PartStore } from './store-parts.ts';

export interface SnapshotDeps {
  readonly bus: Bus;
  readonly persistence: Persistence;
  readonly clock: Clock;
  readonly log: Log;
  /** Channels of a scope, ascending, and what the catalogue was then. */
  resolve(scope: SnapshotScope): Promise<{ channels: Int32Array; entryIds: readonly string[] | null; catalogueRevision: number }>;
  place(channels: Int32Array): Promise<readonly ReadTarget[]>;
  isLive(host: string): boolean;
  /** Makes sure that the descriptions with these hashes are stored. */
  keepMetas(hashes: BigInt64Array): Promise<void>;
}

const pauses = { baseMs: 200, maxMs: 5_000 };

/** What was asked to hang on it, and the rule that asked. */
function hungOn({ labels = [], golden = false }: TakeSnapshot, { record: { work } }: JobRun): Pick<NewSnapshot, 'labels' | 'golden' | 'origin'> {
  const origin = work.type === 'snapshot_create' ? work.origin?.rule : undefined;
  return { labels, golden, ...(origin === undefined ? {} : { origin }) };
}

export function snapshotEffects(deps: SnapshotDeps, job: JobRun, request: TakeSnapshot, post: (event: SnapshotEvent) => void) {
  const { bus, persistence, clock, log } = deps;
  const { id, requestedBy } = job.record.job;
  const began = clock.now();
  let resolved: Awaited<ReturnType<SnapshotDeps['resolve']>> | undefined;
  let gathering: { abort: AbortController; store: PartStore; tally: QualityTally; metas: Promise<void>[] } | undefined;
  let summary: SnapshotSummary | undefined;

  const discard = (): void => {
    gathering?.abort.abort();
    gathering?.store.abort();
    gathering = undefined;
  };
  /** Runs a step; what goes wrong becomes an event. */
  const step = (run: number, work: () => Promise<void>): void => {
    work().catch((fault: unknown) => {
      if (job.signal.aborted || (fault instanceof DreyError && fault.code === 'cancelled')) return;
      const reason = fault instanceof Error ? fault.message : String(fault);
      const away = fault instanceof DreyError && fault.code === 'unavailable';
      if (!away && !(fault instanceof DreyError)) log.error({ job: id, err: fault }, 'a snapshot job failed unexpectedly');
      discard();
      post(away ? { type: 'outage', run, at: clock.now(), reason } : { type: 'failed', run, reason, code: fault instanceof DreyError ? fault.code : 'internal' });
    });
  };

  const resolve = async ({ run, outages }: SnapshotContext): Promise<void> => {
    discard();
    if (outages > 0) await new Promise<void>((resume) => clock.setTimeout(resume, backoffMs(outages, pauses, Math.random())));
    // Only an earlier run can have stored it.
    const stored = run > 1 ? await persistence.snapshots.byJob(id, 'snapshot') : undefined;
    if (stored) {
      summary = stored;
      return post({ type: 'foundStored', snapshotId: stored.id });
    }
    resolved = await deps.resolve(request.scope);
    post({ type: 'resolved', run });
  };

  const gather = async ({ run }: SnapshotContext): Promise<void> => {
    const { channels, entryIds, catalogueRevision } = resolved!;
    const mine = {
      abort: new AbortController(),
      tally: tallyQuality(),
      metas: [] as Promise<void>[],
      store: storeParts({
        store: persistence.snapshots,
        snapshot: { title: request.title, description: request.description, createdBy: requestedBy, mode: request.mode, scope: request.scope, kind: 'snapshot', jobId: id, entryIds, catalogueRevision, ...hungOn(request, job) },
        clock,
        log,
        limitMs: outageLimitMs,
      }),
    };
    gathering = mine;
    let rows = 0;
    let toldAt = 0;
    await scatterReads({
      bus, clock, log, job: id, run, channels,
      mode: request.mode,
      deadlineMs: request.deadlineMs,
      place: (wanted) => deps.place(wanted),
      isLive: (host) => deps.isLive(host),
      signal: AbortSignal.any([job.signal, mine.abort.signal]),
      onPart: (part, columns) => {
        mine.store.add(columns);
        mine.tally.add(part, columns);
        const kept = deps.keepMetas(columns.metaHash);
        // Looked at before the commit; a rejection until then is no unhandled one.
        kept.catch(() => {});
        mine.metas.push(kept);
        rows += columns.length;
        if (clock.now() - toldAt < 200) return;
        toldAt = clock.now();
        job.progress(5 + Math.floor((85 * rows) / Math.max(1, channels.length)), `read ${rows} of ${channels.length} channels`);
      },
    });
    post({ type: 'gathered', run });
  };

  const commit = async ({ run }: SnapshotContext): Promise<void> => {
    const { store, tally, metas } = gathering!;
    await Promise.all(metas);
    summary = await store.commit(() => tally.finish(clock.now() - began));
    post({ type: 'stored', run, snapshotId: summary.id });
  };

  return {
    perform: (effect: SnapshotEffect, context: SnapshotContext): void => {
      switch (effect) {
        case 'resolve': return step(context.run, () => resolve(context));
        case 'gather': return step(context.run, () => gather(context));
        case 'commit': return step(context.run, () => commit(context));
        case 'discard': return discard();
        case 'announce': {
          // An event is a courtesy: the job's record says the same and lasts.
          if (summary && bus.state === 'connected') bus.publish(subjects.snapshotEvent(summary.id), json.encode({ what: 'taken', snapshot: summary }));
          return;
        }
      }
    },
    discard,
    summary: () => summary,
  };
}
