import fc from 'fast-check';
import { expect, test } from 'vitest';
import { restoreReasonNames } from '../../contracts/restores.ts';
import { emptyValueColumns } from '../../contracts/values.ts';
import { planVerdicts, type Plan } from '../../snapshots/plan.ts';
import { compose, writeItemOf } from './compose.ts';
import { packPlan, rowsByItem, unpackPlan } from './kept-plan.ts';

function planOf(verdicts: readonly (typeof planVerdicts)[number][]): Plan {
  const target = emptyValueColumns(verdicts.length);
  target.channel.set(verdicts.map((_, row) => 100 - row));
  target.num.set(verdicts.map((_, row) => row * 1.5));
  const counts = { write: 0, unchanged: 0, skipped: 0, held: 0, failed: 0 };
  return { verdict: Uint8Array.from(verdicts, (verdict) => planVerdicts.indexOf(verdict)), why: new Uint8Array(verdicts.length), target, counts };
}
const common = { now: 1_000, deadlineMs: 500, window: 128, mostBytes: 1_000_000 };
const verdicts = fc.array(fc.constantFrom(...planVerdicts), { maxLength: 60 });

test('R1: a row is in exactly one item when the plan says write and a host is there, and in none otherwise', () => {
  fc.assert(
    fc.property(verdicts, fc.integer({ min: 1, max: 4 }), fc.boolean(), fc.integer({ min: 100, max: 900 }), (wanted, iocs, lost, mostBytes) => {
      const plan = planOf(wanted);
      const rows = wanted.flatMap((verdict, row) => (verdict === 'write' ? [row] : []));
      const targets = Array.from({ length: iocs }, (_, i) => ({
        ioc: `ioc${i}`, host: lost && i === 0 ? undefined : `h${i % 2}`, channels: Int32Array.from(rows.filter((row) => row % iocs === i), (row) => plan.target.channel[row]!).sort(),
      }));
      const tolerances = { abs: Float64Array.from(wanted, (_, row) => row), rel: new Float64Array(wanted.length) };
      const kept = compose({ ...common, mostBytes, plan, targets, tolerances });
      wanted.forEach((verdict, row) => {
        const target = targets[row % iocs]!;
        expect(kept.item[row]! >= 0).toBe(verdict === 'write' && target.host !== undefined);
        if (kept.item[row]! >= 0) expect(kept.items[kept.item[row]!]).toMatchObject({ ioc: target.ioc, host: target.host });
        else if (verdict === 'write') expect([planVerdicts[kept.verdict[row]!], restoreReasonNames[kept.why[row]!]]).toEqual(['failed', 'hostLost']);
      });
      const byItem = rowsByItem(kept);
      expect(byItem.every((members) => members.length >= 1 && members.length * 100 <= mostBytes)).toBe(true);
      byItem.forEach((members, number) => {
        const { head, columns } = writeItemOf(kept, members, number, plan.target, { job: 'j', deadlineMs: 500, window: 128, who: 'a', reason: 'b' });
        expect([...columns.channel]).toEqual([...members].map((row) => plan.target.channel[row]));
        expect(head.absTolerance).toEqual([...members]);
      });
    }),
  );
});

test('a row too large for any message is skipped by name, the others go', () => {
  const plan = planOf(['write', 'write']);
  plan.target.bytes.set(0, new Uint8Array(2_000));
  const kept = compose({ ...common, mostBytes: 1_500, plan, targets: [{ ioc: 'i', host: 'h', channels: Int32Array.from([99, 100]) }], tolerances: { abs: new Float64Array(2), rel: new Float64Array(2) } });
  expect([...kept.item]).toEqual([-1, 0]);
  expect([planVerdicts[kept.verdict[0]!], restoreReasonNames[kept.why[0]!]]).toEqual(['skipped', 'wrongType']);
});

test('R2: a plan that was kept and taken up again is the same plan', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ channel: fc.integer(), item: fc.integer({ min: -1, max: 2 }), verdict: fc.nat(4), why: fc.nat(20), abs: fc.double(), rel: fc.double() }), { maxLength: 50 }), (rows) => {
      const plan = {
        channel: Int32Array.from(rows, (row) => row.channel), item: Int32Array.from(rows, (row) => row.item), verdict: Uint8Array.from(rows, (row) => row.verdict), why: Uint8Array.from(rows, (row) => row.why),
        absTolerance: Float64Array.from(rows, (row) => row.abs), relTolerance: Float64Array.from(rows, (row) => row.rel),
        items: [0, 1, 2].map((i) => ({ ioc: `ioc${i}`, host: 'h', startBefore: i })),
      };
      expect(unpackPlan(JSON.parse(JSON.stringify(packPlan(plan))) as ReturnType<typeof packPlan>)).toEqual(plan);
    }),
  );
});

test('D1: a kept plan that was damaged is refused', () => {
  const packed = packPlan({ channel: Int32Array.from([1]), item: Int32Array.from([0]), verdict: new Uint8Array(1), why: new Uint8Array(1), absTolerance: new Float64Array(1), relTolerance: new Float64Array(1), items: [] });
  expect(() => unpackPlan({ ...packed, rows: 2 })).toThrow(/26 bytes, 2 rows need 52/);
});

test('50,000 rows are kept in some kilobytes', () => {
  const n = 50_000;
  const packed = packPlan({
    channel: Int32Array.from({ length: n }, (_, i) => i + 1), item: Int32Array.from({ length: n }, (_, i) => Math.floor(i / 5_000)), verdict: new Uint8Array(n), why: new Uint8Array(n),
    absTolerance: new Float64Array(n).fill(0.01), relTolerance: new Float64Array(n), items: [],
  });
  expect(JSON.stringify(packed).length).toBeLessThan(200_000);
});
