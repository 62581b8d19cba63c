/** Reads channels by id, each through the actor of the IOC that owns it now. */
import type { BreakerState } from '../../contracts/iocs.ts';
import type { SnapshotMode } from '../../contracts/snapshots.ts';
import { ReadOutcome, unansweredColumns, type ValueColumns } from '../../contracts/values.ts';
import type { Facility } from '../facility/index.ts';
import type { ChannelTable } from './channel-table.ts';

export interface Gathered {
  /** The IOC that the rows belong to; null = not found yet, undefined = not watched here. */
  readonly ioc: string | null | undefined;
  /** `channel` = channel ids. */
  readonly columns: ValueColumns;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly breaker: BreakerState | null;
  readonly problem: string | null;
}

export interface GatherDeps {
  readonly facility: Facility;
  readonly table: ChannelTable;
  readonly now: () => number;
}

/** One answer per IOC concerned. I1: all are asked at once; a slow one delays only the rows that are its own. */
export function gather({ facility, table, now }: GatherDeps, ids: Int32Array, deadlineMs: number, mode: SnapshotMode): Promise<Gathered[]> {
  const rows = table.rowsOf(ids);
  const startedAt = now();
  return Promise.all(
    facility.groups(rows).map(async ({ ioc, positions }) => {
      const part = positions ? Int32Array.from(positions, (at) => rows[at]!) : rows;
      const unasked = ioc === undefined ? ReadOutcome.notOwned : ReadOutcome.notFound;
      const { columns, problem } = ioc ? await facility.read(ioc, part, deadlineMs, mode) : { columns: unansweredColumns(part, unasked), problem: null };
      columns.channel.set(positions ? positions.map((at) => ids[at]!) : ids);
      return { ioc, columns, startedAt, finishedAt: now(), breaker: (ioc && facility.view(ioc)?.state) || null, problem };
    }),
  );
}
