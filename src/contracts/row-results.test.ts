import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rowResults, runsOf, setRowResult, unrolled } from './row-results.ts';
import type { RowResult } from './work.ts';

test('R4: runs say of each row what the columns say, and are as few as can be', () => {
  const result = fc.tuple(fc.nat(2), fc.nat(1), fc.constantFrom(0, 65_535)) as fc.Arbitrary<RowResult>;
  fc.assert(
    fc.property(fc.array(result, { maxLength: 30 }), fc.nat(30), fc.nat(30), (rows, a, b) => {
      const from = Math.min(a, b, rows.length);
      const to = Math.min(Math.max(a, b), rows.length);
      const results = rowResults(rows.length);
      rows.forEach((each, row) => setRowResult(results, row, each));
      const runs = runsOf(results, from, to);
      expect(unrolled(runs)).toEqual(rows.slice(from, to));
      runs.forEach((run, at) => at > 0 && expect(run.slice(0, 3)).not.toEqual(runs[at - 1]!.slice(0, 3)));
    }),
  );
});

test('an entry of a row each, as an older host wrote it, says the same', () => {
  expect(unrolled([[2, 0, 0], [6, 13, 7], [2, 0, 0, 2]])).toEqual([[2, 0, 0], [6, 13, 7], [2, 0, 0], [2, 0, 0]]);
});
