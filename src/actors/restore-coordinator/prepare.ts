/** The steps of a restore before anything is written: what was saved, what is there now, what would change. */
import type { ReadTarget } from '../../bus/gathering.ts';
import type { Bus } from '../../bus/port.ts';
import { scatterReads } from '../../bus/scatter.ts';
import type { JobWork } from '../../contracts/jobs.ts';
import { restoreReasonNames, type RestoreReason } from '../../contracts/restores.ts';
import type { SnapshotScope } from '../../contracts/snapshots.ts';
import { copyValueRow, distinctHashes, emptyValueColumns, pickValueRows, placeValueRows, rowsByChannel, type ChannelMeta, type ValueColumns } from '../../contracts/values.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { JobRun } from '../../kernel/job-run.ts';
import type { Log } from '../../kernel/log.ts';
import type { Persistence, SetpointColumns, SnapshotEntryRow } from '../../persistence/port.ts';
import { planRestore, planVerdicts } from '../../snapshots/plan.ts';
import { plannedSetpoints, setpointsOfRows } from '../../snapshots/planned-setpoints.ts';
import { tallyQuality } from '../../snapshots/quality.ts';
import { selectForRestore } from '../../snapshots/restore-selection.ts';
import { compose, readDeadlineMs } from './compose.ts';
import type { KeptPlan } from './kept-plan.ts';
import { titleBefore } from './title-before.ts';

export interface RestoreDeps {
  readonly bus: Bus;
  readonly persistence: Persistence;
  readonly clock: Clock;
  readonly log: Log;
  /** Put-callbacks in flight per IOC. */
  readonly putWindow: number;
  place(channels: Int32Array): Promise<readonly ReadTarget[]>;
  isLive(host: string): boolean;
  keepMetas(hashes: BigInt64Array): Promise<void>;
}
export type RestoreWork = Extract<JobWork, { type: 'snapshot_restore' }>;

/** What a restore is about, row by row. */
export interface Selected {
  readonly title: string;
  readonly scope: SnapshotScope;
  /** One row per channel; the first `selected` of them have a setpoint value. */
  readonly saved: ValueColumns;
  readonly selected: number;
  /** Why each of the rows beyond is skipped. */
  readonly lacking: readonly RestoreReason[];
  readonly metas: ReadonlyMap<bigint, ChannelMeta>;
  /** Asked for while the live values are being read. */
  readonly setpoints: Promise<SetpointColumns>;
}

export async function select(deps: RestoreDeps, work: RestoreWork): Promise<Selected> {
  const { pvIds, pvNames } = work.request;
  return pvIds === undefined && pvNames === undefined ? selectAll(deps, work) : selectSome(deps, work);
}

/** Nobody asks for an entry by name, so none is fetched. */
async function selectAll(deps: RestoreDeps, work: RestoreWork): Promise<Selected> {
  const { summary, columns: saved, metas } = await deps.persistence.snapshots.setpointValues(work.snapshotId);
  return { title: summary.title, scope: summary.scope, saved, selected: saved.length, lacking: [], metas, setpoints: setpointsOf(deps, saved.channel) };
}

async function selectSome(deps: RestoreDeps, work: RestoreWork): Promise<Selected> {
  const page = await deps.persistence.snapshots.page(work.snapshotId, {});
  const { rows, withoutSetpoint } = selectForRestore(page.entries, work.request);
  const taken = new Set<number>();
  const fresh = (row: number): boolean => {
    const channel = page.columns.channel[row]!;
    return !taken.has(channel) && taken.add(channel) !== undefined;
  };
  const chosen = rows.map((entry) => entry.setpoint!.row).filter(fresh);
  const beside = withoutSetpoint.map((entry) => ({ row: anyRow(entry), why: (entry.setpoint === null ? 'noSetpoint' : 'noSavedValue') as RestoreReason })).filter(({ row }) => row >= 0 && fresh(row));
  const saved = emptyValueColumns(chosen.length + beside.length);
  chosen.forEach((row, at) => copyValueRow(page.columns, row, saved, at));
  beside.forEach(({ row }, at) => (saved.channel[chosen.length + at] = page.columns.channel[row]!));
  const setpoints = setpointsOf(deps, saved.channel.subarray(0, chosen.length));
  return { title: page.summary.title, scope: page.summary.scope, saved, selected: chosen.length, lacking: beside.map(({ why }) => why), metas: page.metas, setpoints };
}

function setpointsOf(deps: RestoreDeps, channels: Int32Array): Promise<SetpointColumns> {
  const setpoints = deps.persistence.catalogue.setpointColumns(channels);
  // Awaited by plan(); until then a rejection is nobody's.
  setpoints.catch(() => {});
  return setpoints;
}

const anyRow = ({ setpoint, readback, config }: SnapshotEntryRow): number => Math.max(setpoint?.row ?? -1, readback?.row ?? -1, config?.row ?? -1);

const ascending = (channels: Iterable<number>): Int32Array => Int32Array.from(channels).sort();

/** Live values of the selected rows, in their order. */
export async function readNow(deps: RestoreDeps, job: JobRun, run: number, { saved, selected }: Selected, signal: AbortSignal): Promise<ValueColumns> {
  const live = emptyValueColumns(saved.length);
  live.channel.set(saved.channel);
  const rowOf = rowsByChannel(saved.channel.subarray(0, selected));
  await scatterReads({
    bus: deps.bus, clock: deps.clock, log: deps.log, job: job.record.job.id, run, mode: 'live', deadlineMs: readDeadlineMs,
    channels: ascending(saved.channel.subarray(0, selected)),
    place: (wanted) => deps.place(wanted),
    isLive: (host) => deps.isLive(host),
    signal,
    onPart: (_, columns) => placeValueRows(columns, live, columns.channel.map((channel) => rowOf[channel]!)),
  });
  return live;
}

export interface Planned {
  readonly kept: KeptPlan;
  readonly target: ValueColumns;
}

export async function plan(deps: RestoreDeps, work: RestoreWork, selection: Selected, live: ValueColumns): Promise<Planned> {
  const { snapshots } = deps.persistence;
  const { saved, selected, lacking } = selection;
  await deps.keepMetas(live.metaHash);
  const unknown = distinctHashes(live.metaHash).filter((hash) => !selection.metas.has(hash));
  const [today, more] = await Promise.all([selection.setpoints, unknown.length > 0 ? snapshots.metas(unknown) : new Map<bigint, ChannelMeta>()]);
  const setpoints = setpointsOfRows(saved.channel, today);
  const made = planRestore({ saved, live, setpoints, metaOf: (hash) => more.get(hash) ?? selection.metas.get(hash) });
  lacking.forEach((why, at) => {
    made.verdict[selected + at] = planVerdicts.indexOf('skipped');
    made.why[selected + at] = restoreReasonNames.indexOf(why);
  });
  const write = planVerdicts.indexOf('write');
  const kept = compose({
    plan: made,
    tolerances: { abs: setpoints.absTolerance, rel: setpoints.relTolerance },
    targets: await deps.place(ascending(saved.channel.filter((_, row) => made.verdict[row] === write))),
    now: deps.clock.now(),
    deadlineMs: work.request.deadlineMs,
    window: deps.putWindow,
    mostBytes: Math.min(4_000_000, deps.bus.maxPayload * 0.9),
  });
  return { kept, target: made.target };
}

/** R3: the values about to be overwritten, as a snapshot of their own. Resolves when they are safe. */
export async function keepBefore(deps: RestoreDeps, job: JobRun, selection: Selected, { kept }: Planned, live: ValueColumns): Promise<string> {
  const { snapshots, catalogue } = deps.persistence;
  const { id, requestedBy } = job.record.job;
  // Kept by an attempt that ended before its first write: the plan may have changed since.
  const earlier = await snapshots.byJob(id, 'before-restore');
  if (earlier) await snapshots.delete(earlier.id);
  const rows = writtenRows(kept);
  const before = rows.length === live.length ? live : pickValueRows(live, rows);
  const began = deps.clock.now();
  const writer = await snapshots.begin({
    title: titleBefore(selection.title),
    description: `the values that job ${id} was about to overwrite`,
    createdBy: requestedBy,
    mode: 'live',
    scope: selection.scope,
    kind: 'before-restore',
    jobId: id,
    entryIds: { setpoints: before.channel },
    catalogueRevision: (await catalogue.revisions()).catalogue,
  });
  try {
    await writer.write(before);
    const tally = tallyQuality();
    tally.add({ ioc: null, startedAt: began, finishedAt: deps.clock.now(), iocProblem: null }, before);
    return (await writer.commit(tally.finish(deps.clock.now() - began))).id;
  } catch (fault) {
    await writer.abort().catch(() => {});
    throw fault;
  }
}

function writtenRows({ item }: KeptPlan): Int32Array {
  const rows = new Int32Array(item.length);
  let found = 0;
  for (let row = 0; row < item.length; row++) if (item[row]! >= 0) rows[found++] = row;
  return rows.subarray(0, found);
}

/** After a crash: the targets again, from what was saved and what was kept before, which nothing changes (S2). */
export async function reload(deps: RestoreDeps, snapshotId: string, beforeId: string | null, kept: KeptPlan): Promise<{ target: ValueColumns; before: ValueColumns }> {
  const { snapshots } = deps.persistence;
  const inOrder = (columns: ValueColumns): ValueColumns => {
    const rowOf = new Map(Array.from(columns.channel, (channel, row) => [channel, row]));
    const ordered = emptyValueColumns(kept.channel.length);
    kept.channel.forEach((channel, row) => {
      const from = rowOf.get(channel);
      if (from === undefined) ordered.channel[row] = channel;
      else copyValueRow(columns, from, ordered, row);
    });
    return ordered;
  };
  const saved = inOrder(await snapshots.columns(snapshotId, ascending(kept.channel)));
  const before = beforeId === null ? emptyOf(kept.channel) : inOrder(await snapshots.columns(beforeId));
  const metas = await snapshots.metas([...new Set([...saved.metaHash, ...before.metaHash])].filter((hash) => hash !== 0n));
  // Which rows are written is decided already; here only their values in the channels' own types matter.
  const open = { readOnly: false, absTolerance: 0, relTolerance: 0 };
  const { target } = planRestore({ saved, live: before, setpoints: plannedSetpoints(Array.from(kept.channel, () => open)), metaOf: (hash) => metas.get(hash) });
  return { target, before };
}

function emptyOf(channels: Int32Array): ValueColumns {
  const columns = emptyValueColumns(channels.length);
  columns.channel.set(channels);
  return columns;
}

