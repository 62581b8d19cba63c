import { expect, test } from 'vitest';
import { copyValueRow, distinctHashes, emptyValueColumns, pickValueRows, placeValueRows, rowsByChannel, type ValueColumns } from './values.ts';

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

test('S3: rows placed elsewhere are whole, and what is left out is left alone', () => {
  const source = varied();
  const expected = emptyValueColumns(5);
  for (const [from, to] of [[0, 4], [1, 0], [3, 2]] as const) copyValueRow(source, from, expected, to);
  const placed = emptyValueColumns(5);
  placeValueRows(source, placed, Int32Array.of(4, 0, -1, 2));
  expect(placed).toEqual(expected);
});

test('rows are found by their channel', () => {
  const rows = rowsByChannel(Int32Array.of(7, 0, 3));
  expect([7, 0, 3, 1].map((channel) => rows[channel])).toEqual([0, 1, 2, -1]);
  expect(rows[8]).toBeUndefined();
});

test('hashes are distinct by all their bits, and none is none', () => {
  const hashes = [5n, 0n, 5n + 2n ** 32n, 5n, -1n, 5n - 2n ** 63n, -1n, 2n ** 40n];
  expect(distinctHashes(BigInt64Array.from(hashes))).toEqual([5n, 5n + 2n ** 32n, -1n, 5n - 2n ** 63n, 2n ** 40n]);
});
