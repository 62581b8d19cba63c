/** Reads channels by id, each through the actor of the IOC that owns it now. */
import type { BreakerState } from '../../contracts/iocs.ts';
import type { SnapshotMode } from '../../contracts/snapshots.ts';
import { copyValueRow, emptyValueColumns, ReadOutcome, unansweredColumns, type ValueColumns } from '../../contracts/values.ts';
import type { Facility } from '../facility/index.ts';
import type { ChannelTable } from './channel-table.ts';

export interface Gathered {
  /** In the order asked; `channel` = channel ids. */
  readonly columns: ValueColumns;
  readonly startedAt: number;
  readonly finishedAt: number;
  /** Of the IOC asked about, or of the only one there is. */
  readonly breaker: BreakerState | null;
  readonly problem: string | null;
}

export interface GatherDeps {
  readonly facility: Facility;
  readonly table: ChannelTable;
  readonly now: () => number;
}

/** `ioc`: the one the asker means, where several turn out to be concerned. */
export async function gather({ facility, table, now }: GatherDeps, ids: Int32Array, deadlineMs: number, mode: SnapshotMode, ioc: string | null): Promise<Gathered> {
  const rows = table.rowsOf(ids);
  const startedAt = now();
  const groups = facility.groups(rows);
  // I1: all IOCs are asked at once; a slow one delays only the rows that are its own.
  const answers = await Promise.all(
    groups.map(async (group) => {
      const part = group.positions ? Int32Array.from(group.positions, (at) => rows[at]!) : rows;
      if (group.ioc === undefined) return { group, columns: unansweredColumns(part, ReadOutcome.notOwned), problem: null };
      if (group.ioc === null) return { group, columns: unansweredColumns(part, ReadOutcome.notFound), problem: null };
      const { columns, problem } = await facility.read(group.ioc, part, deadlineMs, mode);
      return { group, columns, problem };
    }),
  );
  const asked = answers.find((answer) => answer.group.ioc === ioc) ?? answers.find((answer) => typeof answer.group.ioc === 'string');
  const columns = answers.length === 1 ? answers[0]!.columns : emptyValueColumns(ids.length);
  if (answers.length > 1) {
    for (const answer of answers) answer.group.positions!.forEach((at, i) => copyValueRow(answer.columns, i, columns, at));
  }
  columns.channel.set(ids);
  const name = asked?.group.ioc;
  return { columns, startedAt, finishedAt: now(), breaker: (name && facility.view(name)?.state) || null, problem: asked?.problem ?? null };
}
