import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyRow, columnsOf, type AnyRow } from '../../testing/arbitraries/value-columns.ts';
import { restoreReasonNames } from '../contracts/restores.ts';
import { AccessBits, ReadOutcome, ValueKind, type ChannelMeta } from '../contracts/values.ts';
import { planDetail, planRestore, planVerdicts } from './plan.ts';
import { plannedSetpoints, type PlannedSetpoint } from './planned-setpoints.ts';

const setpoint: PlannedSetpoint = { readOnly: false, absTolerance: 0, relTolerance: 0 };
const metas: Record<string, ChannelMeta> = {
  1: { units: 'A', control: { low: -10, high: 10 } },
  2: { labels: ['Off', 'On'] },
  3: { labels: ['Standby', 'Off', 'On'] },
  4: { maxElements: 2 },
  5: { control: { low: 0, high: 0 } },
  6: { labels: ['Red', 'Green'] },
};
const metaOf = (hash: bigint): ChannelMeta | undefined => metas[String(hash)];
const row = (kind: ValueKind, more: Partial<AnyRow> = {}): AnyRow => ({ kind, outcome: ReadOutcome.ok, severity: 0, status: 0, timeNs: 1n, metaHash: 0n, num: 0, ...more });
const double = (num: number, metaHash = 0n): AnyRow => row(ValueKind.double, { num, metaHash });
const doubles = (...numbers: number[]) => new Uint8Array(new Float64Array(numbers).buffer);

function planOne(saved: AnyRow, live: AnyRow, options: { setpoint?: PlannedSetpoint | undefined; access?: number } = {}) {
  const columns = { saved: columnsOf([saved]), live: columnsOf([live]) };
  columns.live.access[0] = options.access ?? AccessBits.known | AccessBits.read | AccessBits.write;
  const plan = planRestore({ ...columns, setpoints: plannedSetpoints(['setpoint' in options ? options.setpoint : setpoint]), metaOf });
  return {
    verdict: planVerdicts[plan.verdict[0]!],
    why: restoreReasonNames[plan.why[0]!],
    num: plan.target.num[0],
    detail: planDetail(plan, columns.live, 0, metaOf),
  };
}

test('a setpoint that differs is written, one within tolerance is left alone', () => {
  expect(planOne(double(2), double(1))).toMatchObject({ verdict: 'write', why: 'none', num: 2 });
  expect(planOne(double(1.05), double(1), { setpoint: { ...setpoint, absTolerance: 0.1 } }).verdict).toBe('unchanged');
  expect(planOne(double(NaN), double(NaN)).verdict).toBe('unchanged');
  expect(planOne(double(NaN), double(1)).verdict).toBe('write');
});

test.each([
  ['no entry has it as setpoint today', double(2), double(1), { setpoint: undefined }, 'skipped', 'notInCatalogue'],
  ['a read-only entry', double(2), double(1), { setpoint: { ...setpoint, readOnly: true } }, 'skipped', 'readOnlyEntry'],
  ['no saved value', row(ValueKind.none, { outcome: ReadOutcome.timeout }), double(1), {}, 'skipped', 'noSavedValue'],
  ['its IOC open', double(2), row(ValueKind.none, { outcome: ReadOutcome.iocOpen }), {}, 'held', 'iocOpen'],
  ['the channel disconnected', double(2), row(ValueKind.none, { outcome: ReadOutcome.disconnected }), {}, 'failed', 'disconnected'],
  ['the channel never found', double(2), row(ValueKind.none, { outcome: ReadOutcome.notFound }), {}, 'failed', 'notFound'],
  ['the live read timed out', double(2), row(ValueKind.none, { outcome: ReadOutcome.timeout }), {}, 'failed', 'notRead'],
  ['no write access', double(2), double(1), { access: AccessBits.known | AccessBits.read }, 'skipped', 'noWriteAccess'],
  ['text for a number', row(ValueKind.text, { text: '2' }), double(1), {}, 'skipped', 'wrongType'],
  ['a fraction for an integer', double(2.5), row(ValueKind.int32, { num: 1 }), {}, 'skipped', 'wrongType'],
  ['too large for the type', double(1e10), row(ValueKind.int32, { num: 1 }), {}, 'skipped', 'wrongType'],
  ['an array for a scalar', row(ValueKind.double, { bytes: doubles(1, 2) }), double(1), {}, 'skipped', 'wrongType'],
  ['more elements than the record holds', row(ValueKind.double, { bytes: doubles(1, 2, 3) }), row(ValueKind.double, { bytes: doubles(1), metaHash: 4n }), {}, 'skipped', 'wrongType'],
  ['above DRVH', double(11), double(1, 1n), {}, 'skipped', 'outOfLimits'],
  ['below DRVL', double(-11), double(1, 1n), {}, 'skipped', 'outOfLimits'],
  ['a label that is gone', row(ValueKind.enum, { num: 1, metaHash: 2n }), row(ValueKind.enum, { num: 0, metaHash: 6n }), {}, 'skipped', 'labelGone'],
] as const)('%s: not written, and it says why', (_, saved, live, options, verdict, why) => {
  const planned = planOne(saved, live, options);
  expect(planned).toMatchObject({ verdict, why });
  expect(planned.detail.length).toBeGreaterThan(10);
});

test('values that an integer channel can hold are written to it', () => {
  expect(planOne(double(2), row(ValueKind.int32, { num: 1 }))).toMatchObject({ verdict: 'write', num: 2 });
});

test('limits that are equal are no limits', () => {
  expect(planOne(double(1e6), double(1, 5n)).verdict).toBe('write');
});

test('the sentence about a limit holds the value, both limits and the units', () => {
  expect(planOne(double(11), double(1, 1n)).detail).toBe('11 is outside the drive limits -10 to 10 A');
});

test('an enum goes back by its label when the labels moved', () => {
  const savedOn = row(ValueKind.enum, { num: 1, metaHash: 2n });
  expect(planOne(savedOn, row(ValueKind.enum, { num: 1, metaHash: 3n }))).toMatchObject({ verdict: 'write', num: 2 });
  expect(planOne(savedOn, row(ValueKind.enum, { num: 2, metaHash: 3n })).verdict).toBe('unchanged');
});

test('R4: every row has one verdict, and the counts add up', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyRow, anyRow, fc.option(fc.constant(setpoint), { nil: undefined })), { maxLength: 30 }), (rows) => {
      const saved = columnsOf(rows.map(([a]) => a));
      const live = columnsOf(rows.map(([, b]) => b));
      const plan = planRestore({ saved, live, setpoints: plannedSetpoints(rows.map(([, , s]) => s)), metaOf });
      const total = Object.values(plan.counts).reduce((sum, count) => sum + count, 0);
      expect(total).toBe(rows.length);
      for (let i = 0; i < rows.length; i++) {
        // R3: nothing is written whose value now is not known.
        if (planVerdicts[plan.verdict[i]!] === 'write') {
          expect(live.outcome[i]).toBe(ReadOutcome.ok);
          expect(saved.outcome[i]).toBe(ReadOutcome.ok);
        }
      }
    }),
  );
});
