/** A snapshot's values as JSON text in pieces, so that 50,000 rows neither wait for the last nor hold the loop. */
import { ReadOutcome } from '../../contracts/values.ts';
import type { SnapshotCell, SnapshotEntryRow, SnapshotPage } from '../../persistence/port.ts';
import { createRowWriter, numberJson, textJson, type RowWriter } from '../value-json.ts';

const pieceLength = 128 * 1024;

const nameJson = (cell: SnapshotCell | null): string => (cell === null ? 'null' : textJson(cell.name));
const cellJson = (cell: SnapshotCell | null, writer: RowWriter): string => (cell === null || cell.row < 0 ? 'null' : writer.saved(cell.row));

export function* snapshotJson(page: SnapshotPage, shown: { limit: number | null; offset: number }): Generator<string, void, void> {
  const writer = createRowWriter(page.columns, page.metas);
  const head = JSON.stringify({ ...page.summary, totalCount: page.totalCount, ...shown });
  let piece = `${head.slice(0, -1)},"pvValues":[`;
  let first = true;
  for (const entry of page.entries) {
    piece += `${first ? '' : ','}${entryJson(entry, page, writer)}`;
    first = false;
    if (piece.length >= pieceLength) {
      yield piece;
      piece = '';
    }
  }
  yield `${piece}]}`;
}

function entryJson(entry: SnapshotEntryRow, { columns }: SnapshotPage, writer: RowWriter): string {
  const { setpoint, readback, config } = entry;
  const main = setpoint ?? readback ?? config;
  const row = main?.row ?? -1;
  const summary = row < 0 || columns.outcome[row] !== ReadOutcome.ok
    ? `"status":null,"severity":null,"timestamp":${row < 0 ? 'null' : writer.timestamp(row)}`
    : `"status":${columns.status[row]},"severity":${columns.severity[row]},"timestamp":${writer.timestamp(row)}`;
  return `{"pvId":"${entry.entryId}","pvName":${textJson(main?.name ?? '')},"setpointName":${nameJson(setpoint)},"readbackName":${nameJson(readback)},"configName":${nameJson(config)},`
    + `"setpointValue":${cellJson(setpoint, writer)},"readbackValue":${cellJson(readback, writer)},"configValue":${cellJson(config, writer)},${summary},`
    + `"absTolerance":${numberJson(entry.absTolerance)},"relTolerance":${numberJson(entry.relTolerance)},"readOnly":${entry.readOnly},`
    + `"device":${textJson(entry.device)},"description":${textJson(entry.description)},"tags":${entry.tags.length === 0 ? '[]' : JSON.stringify(entry.tags)}}`;
}
