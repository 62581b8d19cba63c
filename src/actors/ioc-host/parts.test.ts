import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyColumns } from '../../../testing/arbitraries/value-columns.ts';
import { encodeFrame } from '../../contracts/frame.ts';
import { emptyValueColumns, ReadOutcome, sliceValueColumns } from '../../contracts/values.ts';
import { partsOf } from './parts.ts';

test('parts cover every row once, in order, and their frames stay below the limit', () => {
  fc.assert(
    fc.property(anyColumns, fc.integer({ min: 1_500, max: 5_000 }), (columns, target) => {
      const limit = 8_000;
      const parts = partsOf(columns, target, limit);
      expect(parts[0]!.from).toBe(0);
      expect(parts.at(-1)!.to).toBe(columns.length);
      parts.forEach((part, i) => {
        if (i > 0) expect(part.from).toBe(parts[i - 1]!.to);
        const frame = encodeFrame({ part: i }, sliceValueColumns(columns, part.from, part.to));
        expect(frame.length).toBeLessThanOrEqual(part.to - part.from > 1 ? target : limit);
      });
    }),
  );
});

test('S1: a row that no message can carry says so and carries no value; its neighbours are untouched', () => {
  const columns = emptyValueColumns(3);
  columns.outcome.fill(ReadOutcome.ok);
  columns.num.set([1, 2, 3]);
  columns.bytes.set(1, new Uint8Array(9_000));
  expect(partsOf(columns, 2_000, 8_000)).toEqual([{ from: 0, to: 3 }]);
  expect([...columns.outcome]).toEqual([ReadOutcome.ok, ReadOutcome.tooLarge, ReadOutcome.ok]);
  expect(columns.bytes.size).toBe(0);
  expect([...columns.num]).toEqual([1, 0, 3]);
});

test('a large row within the limit travels alone', () => {
  const columns = emptyValueColumns(3);
  columns.outcome.fill(ReadOutcome.ok);
  columns.bytes.set(1, new Uint8Array(6_000));
  expect(partsOf(columns, 2_000, 8_000)).toEqual([{ from: 0, to: 1 }, { from: 1, to: 2 }, { from: 2, to: 3 }]);
  expect(columns.bytes.has(1)).toBe(true);
});

test('rows that fit one message in any case are not looked at one by one', () => {
  const columns = emptyValueColumns(20);
  columns.text.set(3, 'x'.repeat(100));
  columns.bytes.set(4, new Uint8Array(100));
  columns.text.get = columns.bytes.get = () => {
    throw new Error('a row was looked at');
  };
  expect(partsOf(columns, 2_500, 8_000)).toEqual([{ from: 0, to: 20 }]);
  expect(() => partsOf(columns, 2_000, 8_000)).toThrow('a row was looked at');
});
