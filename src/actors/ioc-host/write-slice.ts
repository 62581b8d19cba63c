/** Writes one slice of a restore and reads it back, through the actors of the IOCs that own its rows. */
import { emptyValueColumns, pickValueRows, placeValueRows, ReadOutcome, type ValueColumns } from '../../contracts/values.ts';
import { RestoreOutcome } from '../../contracts/restores.ts';
import { rowResults, setRowResult, type RowResults } from '../../contracts/row-results.ts';
import type { RowResult, WriteItem } from '../../contracts/work.ts';
import type { Tolerance } from '../../snapshots/compare.ts';
import type { Facility } from '../facility/index.ts';
import type { ChannelTable } from './channel-table.ts';
import { readBackOf, result, resultOf, wasSent } from './write-outcomes.ts';

/** No IOC is given more put-callbacks at once, whatever the item says. */
const largestWindow = 128;

export interface SliceDeps {
  readonly facility: Facility;
  readonly table: ChannelTable;
}

export interface SliceResult {
  /** One per row (R4). */
  readonly results: RowResults;
  /** What was read back; rows that were not read are `pending`. */
  readonly readBack: ValueColumns;
  /** Answers whose arrays `readBack` has too: to be recycled after it. */
  readonly answers: readonly ValueColumns[];
}

/** `targets`: the rows of the slice. `offset`: where they begin in the item. */
export async function writeSlice({ facility, table }: SliceDeps, item: WriteItem, targets: ValueColumns, offset: number): Promise<SliceResult> {
  const results = rowResults(targets.length);
  const readBack = emptyValueColumns(targets.length);
  readBack.channel.set(targets.channel);
  const answers: ValueColumns[] = [];
  const rows = table.rowsOf(targets.channel);

  await Promise.all(
    facility.groups(rows).map(async ({ ioc, positions }) => {
      const at = positions ?? targets.channel.map((_, i) => i);
      const refuseAll = (given: RowResult): void => at.forEach((i) => setRowResult(results, i, given));
      if (ioc === undefined) return refuseAll(result(RestoreOutcome.failed, 'notOwned'));
      if (ioc === null) return refuseAll(result(RestoreOutcome.failed, 'notFound'));
      const admission = facility.ask(ioc);
      // I2: nothing is queued for an IOC that is out; the operator sees `held`.
      if (!admission.go) return refuseAll(result(RestoreOutcome.held, 'iocOpen'));

      const part = positions ? at.map((i) => rows[i]!) : rows;
      const values = positions ? pickValueRows(targets, positions) : targets;
      const written = await facility.write(ioc, admission, part, values, { deadlineMs: item.deadlineMs, window: Math.min(item.window, largestWindow) });

      const sent = at.filter((_, i) => wasSent(written.outcome[i]!));
      if (sent.length > 0) {
        const { columns } = await facility.read(ioc, sent.map((i) => rows[i]!), item.readDeadlineMs, 'live');
        placeValueRows(columns, readBack, sent);
        answers.push(columns);
        sent.forEach((i) => (readBack.channel[i] = targets.channel[i]!));
      }
      const alike = item.absTolerance.length === 1 && item.relTolerance.length === 1 ? toleranceOf(item, 0) : undefined;
      at.forEach((i, n) => {
        const back = readBackOf(targets, i, readBack, i, alike ?? toleranceOf(item, offset + i));
        setRowResult(results, i, resultOf(written.outcome[n]!, written.code[n]!, back));
      });
    }),
  );
  return { results, readBack, answers };
}

const toleranceOf = ({ absTolerance, relTolerance }: WriteItem, row: number): Tolerance => ({ abs: ofRow(absTolerance, row), rel: ofRow(relTolerance, row) });
const ofRow = (tolerances: readonly number[], row: number): number => tolerances[tolerances.length === 1 ? 0 : row] ?? 0;

/** Targets as they came, with every row a value: what a comparison needs. */
export function asTargets(columns: ValueColumns): ValueColumns {
  columns.outcome.fill(ReadOutcome.ok);
  return columns;
}
