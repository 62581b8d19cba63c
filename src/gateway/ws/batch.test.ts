import { expect, test } from 'vitest';
import { columnsOf } from '../../../testing/arbitraries/value-columns.ts';
import { ReadOutcome, ValueKind } from '../../contracts/values.ts';
import { Batch } from './batch.ts';
import { LatestValues } from './latest-values.ts';
import { RowBytes } from './row-bytes.ts';

const row = { outcome: ReadOutcome.ok, severity: 0, status: 0, timeNs: 1_763_660_000_000_000_001n, metaHash: 0n, num: 0, kind: ValueKind.double };

function started(...names: string[]) {
  const table = new LatestValues();
  const rows = new RowBytes(table);
  names.forEach((name, i) => table.slotFor(i + 1, name));
  const change = (...nums: number[]): number => {
    table.apply('host', columnsOf(nums.map((num) => ({ ...row, num }))), 1_763_660_000_000);
    return table.version;
  };
  return { table, rows, change };
}
const said = (batch: Batch, selection: Uint8Array | null) => JSON.parse(batch.message('diff', 'base64', selection, 1_763_660_000_000).parts.map(String).join(''));

test('what changes after the end of a batch is left to the next one, which begins there', () => {
  const { table, rows, change } = started('A', 'B');
  const before = table.version;
  const to = change(1, 1);
  change(2);
  const first = said(new Batch(table, rows, before, to), null);
  const second = said(new Batch(table, rows, to), null);
  expect([first.sequence, first.count, Object.keys(first.data)]).toEqual([to, 1, ['B']]);
  expect([second.sequence, second.count, second.data.A.value]).toEqual([table.version, 1, 2]);
});

test('who watches everything and who chose all of it get the same message', () => {
  const { table, rows, change } = started('A', 'å "B"', 'C');
  change(1, 2.5, -0);
  for (const longer of [1, 1_000]) {
    table.slotFor(2, 'B'.repeat(longer));
    const batch = new Batch(table, rows, 0);
    expect(said(batch, null)).toEqual(said(batch, new Uint8Array(3).fill(1)));
  }
});
