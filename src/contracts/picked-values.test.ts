import { expect, test } from 'vitest';
import { copyValueRow, distinctHashes, emptyValueColumns, pickValueRows, placeValueRows, rowsByChannel, slicesOf, sliceValueColumns, type ValueColumns } from './values.ts';

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

test('S3: rows with a gap between them are picked and placed without what is in the gap', () => {
  const source = varied();
  const picked = emptyValueColumns(2);
  [1, 3].forEach((row, at) => copyValueRow(source, row, picked, at));
  expect(pickValueRows(source, [1, 3])).toEqual(picked);
  const expected = emptyValueColumns(6);
  [0, 2, 3, 5].forEach((row, at) => copyValueRow(source, at, expected, row));
  const placed = emptyValueColumns(6);
  placeValueRows(source, placed, Int32Array.of(0, 2, 3, 5));
  expect(placed).toEqual(expected);
});

test('S3: rows placed elsewhere are whole, and what is left out is left alone', () => {
  const source = varied();
  const expected = emptyValueColumns(5);
  for (const [from, to] of [[0, 4], [1, 0], [3, 2]] as const) copyValueRow(source, from, expected, to);
  const placed = emptyValueColumns(5);
  placeValueRows(source, placed, Int32Array.of(4, 0, -1, 2));
  expect(placed).toEqual(expected);
});

test('S3: rows that follow each other are picked and placed like any others', () => {
  const source = varied();
  const picked = emptyValueColumns(3);
  [1, 2, 3].forEach((row, at) => copyValueRow(source, row, picked, at));
  expect(pickValueRows(source, [1, 2, 3])).toEqual(picked);
  const expected = emptyValueColumns(6);
  for (let row = 0; row < 4; row++) copyValueRow(source, row, expected, row + 1);
  const placed = emptyValueColumns(6);
  placeValueRows(source, placed, Int32Array.of(1, 2, 3, 4));
  expect(placed).toEqual(expected);
});

test('S3: slices of all rows are those taken one by one, whatever their size', () => {
  const source = varied();
  for (const size of [1, 2, 3, 4, 5]) {
    const slices = slicesOf(source, size);
    expect(slices).toHaveLength(Math.ceil(4 / size));
    slices.forEach((slice, at) => expect(slice).toEqual(sliceValueColumns(source, at * size, (at + 1) * size)));
  }
  expect(slicesOf(emptyValueColumns(0), 5)).toEqual([]);
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
