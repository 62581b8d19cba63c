import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyRow, columnsOf, type AnyRow } from '../../testing/arbitraries/value-columns.ts';
import { ReadOutcome, ValueKind, type ChannelMeta } from '../contracts/values.ts';
import { numericElements } from './arrays.ts';
import { compareArrays, compareRows, numericDifference, sameNumber } from './compare.ts';

const exact = { abs: 0, rel: 0 };
const noMeta = (): undefined => undefined;
const row = (kind: ValueKind, more: Partial<AnyRow> = {}): AnyRow => ({ kind, outcome: ReadOutcome.ok, severity: 0, status: 0, timeNs: 1n, metaHash: 0n, num: 0, ...more });
const compare = (a: AnyRow, b: AnyRow, tolerance = exact, metaOf: (hash: bigint) => ChannelMeta | undefined = noMeta) => compareRows(columnsOf([a]), 0, columnsOf([b]), 0, tolerance, metaOf);
const tolerances = fc.record({ abs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 100, noNaN: true })), rel: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })) });

describe('numbers', () => {
  test.each([
    [1, 1.1, { abs: 0.1, rel: 0 }, true],
    [1, 1.1, { abs: 0, rel: 0.1 }, true],
    // More than a tenth of the smaller, less than a tenth of the larger: the larger counts, whichever comes first.
    [10, 11.05, { abs: 0, rel: 0.1 }, true],
    [-10, -11.2, { abs: 0, rel: 0.1 }, false],
    [0, 0.05, { abs: 0, rel: 0.1 }, false],
    [0, 0.05, { abs: 0.1, rel: 0 }, true],
    [100, 101, { abs: 0.5, rel: 0.02 }, true],
    [NaN, NaN, exact, true],
    [NaN, 1, { abs: 1e9, rel: 1 }, false],
    [Infinity, Infinity, exact, true],
    [Infinity, -Infinity, { abs: 1e9, rel: 1 }, false],
    [Infinity, 1e308, { abs: 1e9, rel: 1 }, false],
    [0, -0, exact, true],
    [1, 1 + Number.EPSILON, exact, false],
  ])('%d and %d within %o: %s', (a, b, tolerance, same) => {
    expect(sameNumber(a, b, tolerance)).toBe(same);
    expect(sameNumber(b, a, tolerance)).toBe(same);
  });

  test('64-bit integers are told apart beyond 2^53', () => {
    const wide = (exactly: string): AnyRow => row(ValueKind.int64, { num: Number(exactly), text: exactly });
    expect(compare(wide('9007199254740993'), wide('9007199254740992'))).toBe('differs');
    expect(compare(wide('9007199254740993'), wide('9007199254740993'))).toBe('same');
    expect(compare(wide('9007199254740993'), wide('9007199254740992'), { abs: 2, rel: 0 })).toBe('same');
  });
});

test('the rule is symmetric and every value is the same as itself', () => {
  const mirrored = { same: 'same', differs: 'differs', onlyInA: 'onlyInB', onlyInB: 'onlyInA', missing: 'missing' } as const;
  fc.assert(
    fc.property(anyRow, anyRow, tolerances, (a, b, tolerance) => {
      expect(compare(a, b, tolerance)).toBe(mirrored[compare(b, a, tolerance)]);
      expect(compare(a, a, tolerance)).toBe(a.outcome === ReadOutcome.ok ? 'same' : 'missing');
    }),
  );
  // Rows of any kind are seldom near each other, where a tolerance decides.
  fc.assert(
    fc.property(fc.double({ noNaN: true }), fc.double({ min: -1.5, max: 1.5, noNaN: true }), tolerances, (a, share, tolerance) => {
      const b = a + a * share;
      expect(sameNumber(a, b, tolerance)).toBe(sameNumber(b, a, tolerance));
    }),
    { numRuns: 1_000 },
  );
});

test('a missing side is named', () => {
  const there = row(ValueKind.double, { num: 1 });
  const timedOut = row(ValueKind.none, { outcome: ReadOutcome.timeout });
  expect(compare(there, timedOut)).toBe('onlyInA');
  expect(compare(timedOut, there)).toBe('onlyInB');
  expect(compare(timedOut, timedOut)).toBe('missing');
  expect(compareRows(columnsOf([there]), 0, columnsOf([]), -1, exact, noMeta)).toBe('onlyInA');
});

test('text is compared exactly, never equals a number, and a scalar never an array', () => {
  const text = (value: string): AnyRow => row(ValueKind.text, { text: value });
  expect(compare(text('on'), text('on'))).toBe('same');
  for (const other of ['On', 'on ', 'o', '']) expect(compare(text('on'), text(other), { abs: 9, rel: 1 }), other).toBe('differs');
  expect(compare(row(ValueKind.text, { text: '1' }), row(ValueKind.double, { num: 1 }))).toBe('differs');
  expect(compare(row(ValueKind.double, { num: 1 }), row(ValueKind.double, { bytes: new Uint8Array(new Float64Array([1]).buffer) }))).toBe('differs');
});

test('enums are compared by label, by index where a label is unknown', () => {
  const metas: Record<string, ChannelMeta> = { 1: { labels: ['Off', 'On'] }, 2: { labels: ['Standby', 'Off', 'On'] } };
  const metaOf = (hash: bigint): ChannelMeta | undefined => metas[String(hash)];
  const on1 = row(ValueKind.enum, { num: 1, metaHash: 1n });
  const on2 = row(ValueKind.enum, { num: 2, metaHash: 2n });
  const off2 = row(ValueKind.enum, { num: 1, metaHash: 2n });
  expect(compare(on1, on2, exact, metaOf)).toBe('same');
  expect(compare(on1, off2, exact, metaOf)).toBe('differs');
  expect(compare(on1, row(ValueKind.enum, { num: 1, metaHash: 9n }), exact, metaOf)).toBe('same');
});

test('arrays are compared element by element, with the first, the worst and the count', () => {
  const bytes = (...numbers: number[]) => new Uint8Array(new Float64Array(numbers).buffer);
  expect(compareArrays(ValueKind.double, bytes(1, 2, 3), ValueKind.double, bytes(1, 2.5, 4), { abs: 0.1, rel: 0 })).toEqual({ count: 2, first: 1, worst: 2, worstDifference: 1 });
  expect(compareArrays(ValueKind.double, bytes(1, 2, 3), ValueKind.double, bytes(1.05, 2.05, 4), { abs: 0.1, rel: 0 })).toEqual({ count: 1, first: 2, worst: 2, worstDifference: 1 });
  expect(compareArrays(ValueKind.double, bytes(1, NaN), ValueKind.double, bytes(1, NaN), exact).count).toBe(0);
  expect(compareArrays(ValueKind.double, bytes(1, 2), ValueKind.double, bytes(1), exact)).toEqual({ count: 1, first: 1, worst: 1, worstDifference: Infinity });
  expect(compareArrays(ValueKind.double, bytes(), ValueKind.double, bytes(), exact).count).toBe(0);
});

test('an array in the middle of a Buffer is read at its own alignment', () => {
  const shifted = Buffer.concat([Buffer.from([9]), Buffer.from(new Float64Array([1, 2]).buffer)]).subarray(1);
  expect([...(numericElements(ValueKind.double, shifted) as Float64Array)]).toEqual([1, 2]);
});

test('a difference is given for scalar numbers alone', () => {
  const number = columnsOf([row(ValueKind.double, { num: 1 }), row(ValueKind.double, { num: 3 }), row(ValueKind.text, { text: 'x' })]);
  expect(numericDifference(number, 0, number, 1)).toBe(2);
  expect(numericDifference(number, 0, number, 2)).toBeNull();
  expect(numericDifference(number, 0, number, -1)).toBeNull();
});
