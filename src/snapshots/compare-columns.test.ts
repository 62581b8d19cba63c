import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ValueKind } from '../contracts/values.ts';
import { anyRow, columnsOf, type AnyRow } from '../../testing/arbitraries/value-columns.ts';
import { compareColumns, indexIn } from './compare-columns.ts';
import { compareRows } from './compare.ts';

const noMeta = (): undefined => undefined;

/** Rows as the columns of channels 10, 20, 30, ... */
const spaced = (rows: readonly AnyRow[]) => {
  const columns = columnsOf(rows);
  columns.channel.set(rows.map((_, i) => (i + 1) * 10));
  return columns;
};
const channels = (ids: readonly number[], abs = 0) => ({ channel: Int32Array.from(ids), abs: new Float64Array(ids.length).fill(abs), rel: new Float64Array(ids.length) });

test('columns differ where the rule for rows says so, in any of the others', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyRow, anyRow, anyRow), { minLength: 1, maxLength: 20 }), fc.constantFrom(0, 0.5), (rows, abs) => {
      const [first, second, third] = [0, 1, 2].map((side) => spaced(rows.map((row) => row[side]!))) as [ReturnType<typeof spaced>, ReturnType<typeof spaced>, ReturnType<typeof spaced>];
      const ids = rows.map((_, i) => (i + 1) * 10);
      const verdicts = rows.map((_, i) => [second, third].map((other) => compareRows(first, i, other, i, { abs, rel: 0 }, noMeta)));
      const differs = verdicts.map((told) => told.some((verdict) => verdict !== 'same' && verdict !== 'missing'));
      const compared = compareColumns(channels(ids, abs), first, [second, third], noMeta);
      expect(compared.rows).toEqual(differs.flatMap((yes, i) => (yes ? [i] : [])));
      expect(compared.missingCount).toBe(verdicts.filter((told) => told.every((verdict) => verdict === 'missing')).length);
      expect(compared.matchCount + compared.differenceCount + compared.missingCount).toBe(rows.length);
      expect(compareColumns(channels(ids, abs), first, [second, third], noMeta, true).rows).toEqual(ids.map((_, i) => i));
    }),
  );
});

test('channels are compared in whatever order they stand, those that stand twice by each tolerance', () => {
  const numbers = (...all: number[]) => spaced(all.map((num): AnyRow => ({ kind: ValueKind.double, outcome: 1, severity: 0, status: 0, timeNs: 1n, metaHash: 0n, num })));
  const wanted = { channel: Int32Array.of(30, 10, 20, 10, 40), abs: Float64Array.of(0, 0, 0, 2, 0), rel: new Float64Array(5) };
  const compared = compareColumns(wanted, numbers(1, 2, 3), [numbers(2, 2, 4)], noMeta);
  expect(compared).toMatchObject({ rows: [0, 1], matchCount: 2, differenceCount: 2 });
});

test('enums are the same by label: an index that means another thing differs, one that means the same does not', () => {
  const labels = new Map([[1n, ['Off', 'On']], [2n ** 32n + 1n, ['On', 'Off']]]);
  const enums = (...all: [index: number, metaHash: bigint][]) => spaced(all.map(([num, metaHash]): AnyRow => ({ kind: ValueKind.enum, outcome: 1, severity: 0, status: 0, timeNs: 1n, metaHash, num })));
  const [one, other] = [...labels.keys()] as [bigint, bigint];
  const first = enums([1, one], [1, one], [1, one], [1, 0n]);
  const second = enums([1, one], [1, other], [0, other], [1, 0n]);
  expect(compareColumns(channels([10, 20, 30, 40]), first, [second], (hash) => ({ labels: labels.get(hash) ?? [] })).rows).toEqual([1]);
});

test('a channel that no side holds is not compared, one that a single side holds is', () => {
  const one: AnyRow = { kind: 7, outcome: 1, severity: 0, status: 0, timeNs: 1n, metaHash: 0n, num: 5 };
  const compared = compareColumns(channels([10, 20, 15]), spaced([one]), [spaced([one, one])], noMeta, true);
  expect(compared).toEqual({ rows: [0, 1], matchCount: 1, differenceCount: 1, onlyIn1Count: 0, onlyIn2Count: 1, missingCount: 0 });
});

test('a channel is found among many, and missed where it is not', () => {
  fc.assert(fc.property(fc.uniqueArray(fc.nat(1000)), fc.nat(1000), (ids, wanted) => {
    const sorted = Int32Array.from(ids).sort();
    expect(indexIn(sorted, wanted)).toBe(sorted.indexOf(wanted));
  }));
});
