/** The steps of a restore before anything is written: what is there now, what would change. */
import type { ReadTarget } from '../../bus/gathering.ts';
import type { Bus } from '../../bus/port.ts';
import { scatterReads } from '../../bus/scatter.ts';
import { restoreReasonNames } from '../../contracts/restores.ts';
import { copyValueRow, distinctHashes, emptyValueColumns, pickValueRows, placeValueRows, rowsByChannel, type ChannelMeta, type ValueColumns } from '../../contracts/values.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { JobRun } from '../../kernel/job-run.ts';
import type { Log } from '../../kernel/log.ts';
import type { Persistence } from '../../persistence/port.ts';
import { beginPlan, planRestore, planVerdicts, type Plan } from '../../snapshots/plan.ts';
import { plannedSetpoints, setpointsOfRows, type PlannedSetpoints } from '../../snapshots/planned-setpoints.ts';
import type { BeforeImage } from './before-image.ts';
import { compose, readDeadlineMs } from './compose.ts';
import type { KeptPlan } from './kept-plan.ts';
import type { RestoreWork, Selected } from './selection.ts';

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

/** What would change, before it is known who is to write it. */
export interface Foreseen {
  readonly plan: Plan;
  readonly setpoints: PlannedSetpoints;
  /** Live values in the plan's order. */
  readonly live: ValueColumns;
}

const ascending = (channels: Int32Array): Int32Array => channels.slice().sort();

/**
 * Reads what is there now. Each part is planned as it comes, and what it would overwrite is on its way into the image
 * while others are still being read: reading, planning and storing take the time of the longest of them, not of all.
 */
export async function foresee(deps: RestoreDeps, job: JobRun, run: number, selected: Selected, image: BeforeImage, signal: AbortSignal): Promise<Foreseen> {
  const begun = beginForeseeing(deps, selected, image);
  const gaveUp = new AbortController();
  let planned: Promise<void> = begun.then(() => {});
  const watch = (): void => void planned.catch(() => gaveUp.abort());
  watch();
  const reading = scatterReads({
    bus: deps.bus, clock: deps.clock, log: deps.log, job: job.record.job.id, run, mode: 'live', deadlineMs: readDeadlineMs,
    channels: ascending(selected.channels),
    place: (wanted) => deps.place(wanted),
    isLive: (host) => deps.isLive(host),
    signal: AbortSignal.any([signal, gaveUp.signal]),
    onPart: (_, part) => {
      planned = planned.then(async () => (await begun).take(part));
      watch();
    },
  });
  await reading.catch((fault: unknown) => {
    if (!gaveUp.signal.aborted) throw fault;
  });
  await planned;
  return (await begun).foreseen;
}

async function beginForeseeing({ persistence: { snapshots }, keepMetas }: RestoreDeps, selected: Selected, image: BeforeImage) {
  const [{ columns: saved, selected: readable, lacking, metas }, today] = await Promise.all([selected.saved, selected.setpoints]);
  const live = emptyValueColumns(saved.length);
  live.channel.set(saved.channel);
  const rowOf = rowsByChannel(saved.channel.subarray(0, readable));
  const setpoints = setpointsOfRows(saved.channel, today);
  const more = new Map<bigint, ChannelMeta>();
  const { plan, decide } = beginPlan({ saved, live, setpoints, metaOf: (hash) => more.get(hash) ?? metas.get(hash) });
  lacking.forEach((why, at) => {
    plan.verdict[readable + at] = planVerdicts.indexOf('skipped');
    plan.why[readable + at] = restoreReasonNames.indexOf(why);
  });

  const take = async (part: ValueColumns): Promise<void> => {
    await keepMetas(part.metaHash);
    const unknown = distinctHashes(part.metaHash).filter((hash) => !metas.has(hash) && !more.has(hash));
    if (unknown.length > 0) for (const [hash, meta] of await snapshots.metas(unknown)) more.set(hash, meta);
    const rows = part.channel.map((channel) => rowOf[channel] ?? -1);
    placeValueRows(part, live, rows);
    const writes = new Int32Array(rows.length);
    let found = 0;
    for (let at = 0; at < rows.length; at++) if (rows[at]! >= 0 && decide(rows[at]!) === 'write') writes[found++] = at;
    if (found > 0) image.add(found === part.length ? part : pickValueRows(part, writes.subarray(0, found)));
  };
  return { take, foreseen: { plan, setpoints, live } };
}

/** Which work item writes each row, by where its channel is now. */
export async function plan(deps: RestoreDeps, work: RestoreWork, { plan: made, setpoints }: Foreseen): Promise<KeptPlan> {
  const write = planVerdicts.indexOf('write');
  return compose({
    plan: made,
    tolerances: { abs: setpoints.absTolerance, rel: setpoints.relTolerance },
    targets: await deps.place(ascending(made.target.channel.filter((_, row) => made.verdict[row] === write))),
    now: deps.clock.now(),
    deadlineMs: work.request.deadlineMs,
    window: deps.putWindow,
    mostBytes: Math.min(4_000_000, deps.bus.maxPayload * 0.9),
  });
}

/** Ascending. */
export function writtenRows({ item }: KeptPlan): Int32Array {
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
