import { expect, test } from 'vitest';
import { emptyValueColumns, ReadOutcome } from '../../contracts/values.ts';
import type { SnapshotPage } from '../../persistence/port.ts';
import { snapshotJson } from './snapshot-rows.ts';

test('a snapshot of 40,000 rows is written in small pieces, which are one JSON text', () => {
  const count = 40_000;
  const columns = emptyValueColumns(count);
  columns.outcome.fill(ReadOutcome.ok);
  columns.num.forEach((_, row) => (columns.num[row] = row));
  const entries = Array.from({ length: count }, (_, row) => ({
    entryId: `id ${row}`, device: '', description: '', absTolerance: 0, relTolerance: 0, readOnly: false, tags: [], setpoint: { name: `PV:${row}`, row }, readback: null, config: null,
  }));
  const page = { summary: { id: 'all' }, totalCount: count, entries, columns, metas: new Map() } as unknown as SnapshotPage;
  const writing = snapshotJson(page, { limit: null, offset: 0 });
  const first = writing.next().value as Buffer;
  // Not written yet: what changes now is in the pieces to come.
  columns.num[count - 1] = -1;
  const pieces = [first, ...writing];
  expect(pieces.length).toBeGreaterThan(20);
  expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(1024 * 1024);
  const shown = JSON.parse(Buffer.concat(pieces).toString()) as { id: string; pvValues: { setpointValue: { value: number } }[] };
  expect(shown.id).toBe('all');
  expect(shown.pvValues.map(({ setpointValue }) => setpointValue.value)).toEqual(Array.from({ length: count }, (_, row) => (row === count - 1 ? -1 : row)));
});
