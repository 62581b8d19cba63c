import { expect, test } from 'vitest';
import { copyValueRow, distinctHashes, emptyValueColumns, pickValueRows, type ValueColumns } from './values.ts';

function varied(): ValueColumns {
  const columns = emptyValueColumns(4);
  for (let row = 0; row < 4; row++) {
    for (const name of ['channel', 'outcome', 'kind', 'severity', 'status', 'num', 'code', 'access'] as const) columns[name][row] = 10 * row + name.length;
    columns.timeNs[row] = 2n ** 62n - BigInt(row);
    columns.metaHash[row] = -(2n ** 40n) * BigInt(row);
  }
  columns.text.set(1, 'one').set(3, 'three');
  columns.bytes.set(2, Uint8Array.of(1, 2)).set(3, Uint8Array.of(0xff));
  columns.rawText.add(3);
  return columns;
}

test('S3: picked rows are whole, in the order asked for, like rows copied one by one', () => {
  const source = varied();
  const rows = [3, 1, 2];
  const one = emptyValueColumns(rows.length);
  rows.forEach((row, at) => copyValueRow(source, row, one, at));
  expect(pickValueRows(source, rows)).toEqual(one);
  expect(pickValueRows(source, Int32Array.of())).toEqual(emptyValueColumns(0));
});

test('hashes are distinct by all their bits, and none is none', () => {
  const hashes = [5n, 0n, 5n + 2n ** 32n, 5n, -1n, 5n - 2n ** 63n, -1n, 2n ** 40n];
  expect(distinctHashes(BigInt64Array.from(hashes))).toEqual([5n, 5n + 2n ** 32n, -1n, 5n - 2n ** 63n, 2n ** 40n]);
});
