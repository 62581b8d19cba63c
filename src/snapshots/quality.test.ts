import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnsOf, type AnyRow } from '../../testing/arbitraries/value-columns.ts';
import { emptyValueColumns, ReadOutcome, ValueKind } from '../contracts/values.ts';
import { tallyQuality } from './quality.ts';

const ok = (timeNs: bigint, severity = 0): AnyRow => ({ kind: ValueKind.double, outcome: ReadOutcome.ok, severity, status: 0, timeNs, metaHash: 0n, num: 1 });
const failed = (outcome: number): AnyRow => ({ kind: ValueKind.none, outcome, severity: 0, status: 0, timeNs: 0n, metaHash: 0n, num: 0 });

test('S1: a snapshot says how many rows were got how, and which IOCs did not answer', () => {
  const tally = tallyQuality();
  tally.add({ ioc: 'a:5064', startedAt: 1_000, finishedAt: 1_020, iocProblem: null }, columnsOf([ok(1_000_000_000n), ok(2_000_000_000n, 2), ok(0n, 3)]));
  tally.add({ ioc: 'b:5064', startedAt: 990, finishedAt: 3_000, iocProblem: 'no answer within 2000 ms' }, columnsOf([failed(ReadOutcome.timeout), failed(ReadOutcome.timeout)]));
  tally.add({ ioc: 'c:5064', startedAt: 1_000, finishedAt: 1_010, iocProblem: null }, columnsOf([ok(2_500_000_000n, 1), failed(ReadOutcome.noReadAccess)]));
  tally.add({ ioc: null, startedAt: null, finishedAt: null, iocProblem: null }, columnsOf([failed(ReadOutcome.notFound)]));
  expect(tally.finish(2_010.4)).toEqual({
    rows: 8,
    outcomes: { ok: 4, timeout: 2, notFound: 1, noReadAccess: 1 },
    rowsInAlarm: { minor: 1, major: 1, invalid: 1 },
    firstReadAt: '1970-01-01T00:00:00.990Z',
    lastReadAt: '1970-01-01T00:00:03.000Z',
    oldestTimeNs: '1000000000',
    newestTimeNs: '2500000000',
    iocSkewMs: 500,
    iocsNotAnswering: [{ ioc: 'b:5064', rows: 2, reason: 'no answer within 2000 ms' }],
    iocs: 3,
    durationMs: 2010,
  });
});

test('an empty snapshot has no times', () => {
  expect(tallyQuality().finish(0)).toMatchObject({ rows: 0, firstReadAt: null, oldestTimeNs: null, iocSkewMs: null, iocs: 0 });
});

test('the oldest and the newest time of a snapshot are those of its rows, to the nanosecond', () => {
  const time = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const near = fc.bigInt({ min: -3n, max: 3n }).map((n) => 1_700_000_000_000_000_000n + n * 2n ** 31n);
  fc.assert(
    fc.property(fc.array(fc.array(fc.oneof(time, near, fc.constant(0n)))), (parts) => {
      const tally = tallyQuality();
      for (const times of parts) {
        const columns = emptyValueColumns(times.length);
        columns.outcome.fill(ReadOutcome.ok);
        columns.timeNs.set(times);
        tally.add({ ioc: 'a', startedAt: 1, finishedAt: 2, iocProblem: null }, columns);
      }
      const told = parts.flat().filter((each) => each > 0n).sort((a, b) => (a < b ? -1 : 1));
      expect(tally.finish(1)).toMatchObject({ oldestTimeNs: told.length === 0 ? null : String(told[0]), newestTimeNs: told.length === 0 ? null : String(told.at(-1)) });
    }),
  );
});
