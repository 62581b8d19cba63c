/** What a restore is about: the rows that were asked for, as they were saved. */
import type { JobWork } from '../../contracts/jobs.ts';
import type { RestoreReason } from '../../contracts/restores.ts';
import type { SnapshotScope } from '../../contracts/snapshots.ts';
import { copyValueRow, emptyValueColumns, type ChannelMeta, type ValueColumns } from '../../contracts/values.ts';
import type { Persistence, SetpointColumns, SnapshotEntryRow } from '../../persistence/port.ts';
import { selectForRestore } from '../../snapshots/restore-selection.ts';

export type RestoreWork = Extract<JobWork, { type: 'snapshot_restore' }>;

export interface Selected {
  readonly title: string;
  readonly scope: SnapshotScope;
  /** Rows there are at most. */
  readonly rows: number;
  /** Of the rows that have a setpoint value: what is to be read now. */
  readonly channels: Int32Array;
  /** On its way while the live values are being read, as are the setpoints. */
  readonly saved: Promise<Saved>;
  readonly setpoints: Promise<SetpointColumns>;
}

export interface Saved {
  /** One row per channel; the first `selected` of them have a setpoint value. */
  readonly columns: ValueColumns;
  readonly selected: number;
  /** Why each of the rows beyond is skipped. */
  readonly lacking: readonly RestoreReason[];
  readonly metas: ReadonlyMap<bigint, ChannelMeta>;
}

export async function select(persistence: Persistence, work: RestoreWork): Promise<Selected> {
  const { pvIds, pvNames } = work.request;
  return pvIds === undefined && pvNames === undefined ? selectAll(persistence, work) : selectSome(persistence, work);
}

/** Nobody asks for an entry by name, so none is fetched. */
async function selectAll(persistence: Persistence, work: RestoreWork): Promise<Selected> {
  const { summary, channels, values } = await persistence.snapshots.setpointValues(work.snapshotId);
  const saved = later(values.then(({ columns, metas }) => ({ columns, selected: columns.length, lacking: [], metas })));
  return { title: summary.title, scope: summary.scope, rows: channels.length, channels, saved, setpoints: later(persistence.catalogue.setpointColumns(channels)) };
}

async function selectSome(persistence: Persistence, work: RestoreWork): Promise<Selected> {
  const page = await persistence.snapshots.page(work.snapshotId, {});
  const { rows, withoutSetpoint } = selectForRestore(page.entries, work.request);
  const taken = new Set<number>();
  const fresh = (row: number): boolean => {
    const channel = page.columns.channel[row]!;
    return !taken.has(channel) && taken.add(channel) !== undefined;
  };
  const chosen = rows.map((entry) => entry.setpoint!.row).filter(fresh);
  const beside = withoutSetpoint.map((entry) => ({ row: anyRow(entry), why: (entry.setpoint === null ? 'noSetpoint' : 'noSavedValue') as RestoreReason })).filter(({ row }) => row >= 0 && fresh(row));
  const columns = emptyValueColumns(chosen.length + beside.length);
  chosen.forEach((row, at) => copyValueRow(page.columns, row, columns, at));
  beside.forEach(({ row }, at) => (columns.channel[chosen.length + at] = page.columns.channel[row]!));
  const channels = columns.channel.subarray(0, chosen.length);
  const saved = Promise.resolve({ columns, selected: chosen.length, lacking: beside.map(({ why }) => why), metas: page.metas });
  return { title: page.summary.title, scope: page.summary.scope, rows: columns.length, channels, saved, setpoints: later(persistence.catalogue.setpointColumns(channels)) };
}

/** Awaited by whoever plans; until then a rejection is nobody's. */
function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

const anyRow = ({ setpoint, readback, config }: SnapshotEntryRow): number => Math.max(setpoint?.row ?? -1, readback?.row ?? -1, config?.row ?? -1);
