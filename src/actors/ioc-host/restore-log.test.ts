import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RestoreLogEntry } from '../../contracts/work.ts';
import { attempted, progressOf, settled, stretchFrom, untouched } from './restore-log.ts';

const common = { job: 'j', item: 1, host: 'h', at: 0 };
const attempting = (from: number, to: number): RestoreLogEntry => ({ kind: 'attempting', ...common, from, to });
const outcomes = (from: number, to: number): RestoreLogEntry => ({ kind: 'outcomes', ...common, from, to, results: [] });
const closed: RestoreLogEntry = { kind: 'closed', job: 'j', item: 1, why: 'cancelled', at: 0 };

test('R2: the log says of each row whether it was attempted and whether it has its outcome', () => {
  const { rows, finished } = progressOf([attempting(0, 3), outcomes(0, 2), attempting(4, 5)], 6);
  expect([...rows]).toEqual([settled, settled, attempted, untouched, attempted, untouched]);
  expect(finished).toBe(false);
});

test('what the coordinator closed before an attempt is settled, what was attempted before is not', () => {
  expect([...progressOf([attempting(0, 2), closed, attempting(2, 4)], 5).rows]).toEqual([attempted, attempted, settled, settled, settled]);
});

test('stretches cover exactly the rows in a state, none longer than allowed', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(untouched, attempted, settled), { maxLength: 60 }), fc.integer({ min: 1, max: 10 }), (states, longest) => {
      const progress = { rows: Uint8Array.from(states), finished: false, closed: false };
      const stretches: { from: number; to: number }[] = [];
      for (let next = stretchFrom(progress, untouched, 0, longest); next; next = stretchFrom(progress, untouched, next.to, longest)) stretches.push(next);
      const covered = stretches.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i));
      expect(covered).toEqual(states.flatMap((state, row) => (state === untouched ? [row] : [])));
      expect(stretches.every(({ from, to }) => to - from <= longest)).toBe(true);
    }),
  );
});

test('D1: a log that names rows outside the item is refused with job, item and limit', () => {
  expect(() => progressOf([attempting(0, 7)], 6)).toThrow('restore log of job j item 1: rows 0 to 7 of 6');
});
