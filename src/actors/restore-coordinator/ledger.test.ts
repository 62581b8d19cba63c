import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RestoreOutcome, restoreOutcomeNames, restoreReasonNames, type RestoreReason } from '../../contracts/restores.ts';
import { emptyValueColumns } from '../../contracts/values.ts';
import type { RestoreLogEntry, RowResult } from '../../contracts/work.ts';
import { planVerdicts } from '../../snapshots/plan.ts';
import type { KeptPlan } from './kept-plan.ts';
import { createLedger, itemsToClose, type Ledger } from './ledger.ts';

/** `items[i]` rows in item i; then one row of each other verdict. */
function planOf(items: readonly number[]): KeptPlan {
  const item = [...items.flatMap((rows, number) => Array<number>(rows).fill(number)), -1, -1, -1, -1];
  const verdict = item.map((number, row) => (number >= 0 ? 0 : row - (item.length - 4) + 1));
  return {
    channel: Int32Array.from(item, (_, row) => 1_000 + row), verdict: Uint8Array.from(verdict), why: Uint8Array.from(verdict), item: Int32Array.from(item),
    absTolerance: new Float64Array(item.length), relTolerance: new Float64Array(item.length),
    items: items.map((_, number) => ({ ioc: `ioc${number}`, host: `h${number}`, startBefore: 10_000 })),
  };
}
const at = 5_000;
const base = (item: number) => ({ job: 'j', item, host: 'h', at });
const attempting = (item: number, from: number, to: number): RestoreLogEntry => ({ kind: 'attempting', ...base(item), from, to });
const outcomes = (item: number, from: number, to: number, result: RowResult): RestoreLogEntry => ({ kind: 'outcomes', ...base(item), from, to, results: Array.from({ length: to - from }, () => result) });
const finished = (item: number): RestoreLogEntry => ({ kind: 'finished', ...base(item) });
const closed = (item: number, why: 'cancelled' | 'hostLost' | 'expired'): RestoreLogEntry => ({ kind: 'closed', job: 'j', item, why, at });
const verified: RowResult = [RestoreOutcome.verified, 0, 0];
const none = emptyValueColumns(0);
const told = (ledger: Ledger): string[] => Array.from(ledger.outcome, (outcome, row) => `${restoreOutcomeNames[outcome]}/${restoreReasonNames[ledger.why[row]!]}`);
const reason = (name: RestoreReason): number => restoreReasonNames.indexOf(name);

test('rows that are not written have their outcome from the plan', () => {
  const ledger = createLedger(planOf([]));
  expect(Array.from(ledger.outcome, (outcome) => restoreOutcomeNames[outcome])).toEqual(['unchanged', 'skipped', 'held', 'failed']);
  expect(planVerdicts.slice(1)).toEqual(['unchanged', 'skipped', 'held', 'failed']);
  expect(ledger.openItems()).toEqual([]);
});

test('outcomes and what was read back stand at the rows of the item', () => {
  const ledger = createLedger(planOf([2, 3]));
  const back = emptyValueColumns(2);
  back.num.set([7, 8]);
  ledger.apply(attempting(1, 1, 3), none);
  expect(ledger.apply(outcomes(1, 1, 3, verified), back)).toBe(true);
  expect([...ledger.outcome.slice(0, 5)]).toEqual([0, 0, 0, RestoreOutcome.verified, RestoreOutcome.verified]);
  expect([ledger.after.num[3], ledger.after.num[4], ledger.after.channel[3]]).toEqual([7, 8, 1_003]);
  expect(ledger.openItems()).toEqual([0, 1]);
  expect([...ledger.attempted.slice(0, 5)]).toEqual([0, 0, 0, 1, 1]);
});

test('R2: closed items: what was attempted is unknown, the rest was not written; a word from the host later is truer', () => {
  const ledger = createLedger(planOf([4]));
  ledger.apply(attempting(0, 0, 2), none);
  ledger.apply(closed(0, 'hostLost'), none);
  expect(told(ledger).slice(0, 4)).toEqual(['unknown/hostLost', 'unknown/hostLost', 'failed/hostLost', 'failed/hostLost']);
  expect(ledger.openItems()).toEqual([]);
  ledger.apply(attempting(0, 2, 4), none);
  expect([...ledger.attempted.slice(0, 4)]).toEqual([1, 1, 0, 0]);
  ledger.apply(outcomes(0, 0, 2, verified), none);
  expect(told(ledger).slice(0, 4)).toEqual(['verified/none', 'verified/none', 'failed/hostLost', 'failed/hostLost']);
  const cancelled = createLedger(planOf([1]));
  cancelled.apply(closed(0, 'cancelled'), none);
  expect(told(cancelled)[0]).toBe('skipped/cancelled');
});

test('the first word of a host about a row stands', () => {
  const ledger = createLedger(planOf([1]));
  ledger.apply(outcomes(0, 0, 1, verified), none);
  ledger.apply(outcomes(0, 0, 1, [RestoreOutcome.unknown, reason('processDied'), 0]), none);
  expect(told(ledger)[0]).toBe('verified/none');
  expect(ledger.settled).toBe(1);
});

test('D1: entries that fit no item, or rows beyond it, change nothing and are reported', () => {
  const ledger = createLedger(planOf([2]));
  expect(ledger.apply(attempting(5, 0, 1), none)).toBe(false);
  expect(ledger.apply(outcomes(0, 0, 3, verified), none)).toBe(false);
  expect(ledger.apply(outcomes(0, 2, 1, verified), none)).toBe(false);
  expect(ledger.settled).toBe(0);
});

const entry = fc.oneof(
  fc.record({ kind: fc.constantFrom('attempting' as const, 'outcomes' as const), item: fc.nat(3), from: fc.nat(5), length: fc.nat(5), outcome: fc.constantFrom(1, 2, 4, 6, 7) }),
  fc.record({ kind: fc.constantFrom('finished' as const, 'closed' as const), item: fc.nat(3) }),
);
const toEntry = (drawn: { kind: string; item: number; from?: number; length?: number; outcome?: number }): RestoreLogEntry => {
  const from = drawn.from ?? 0;
  const to = from + (drawn.length ?? 0);
  if (drawn.kind === 'attempting') return attempting(drawn.item, from, to);
  if (drawn.kind === 'outcomes') return outcomes(drawn.item, from, to, [drawn.outcome as RestoreOutcome, reason('timeout'), 3]);
  return drawn.kind === 'finished' ? finished(drawn.item) : closed(drawn.item, 'hostLost');
};

test('R4: whatever the log holds, read once or twice or in pieces, every row has one outcome and it is the same', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }), fc.array(entry, { maxLength: 30 }), fc.nat(30), (items, drawn, crash) => {
      const log = drawn.map(toEntry);
      const once = createLedger(planOf(items));
      for (const one of log) once.apply(one, none);
      // After a crash the log is read to where it is, then followed from its beginning.
      const again = createLedger(planOf(items));
      for (const one of log.slice(0, crash)) again.apply(one, none);
      for (const one of log) again.apply(one, none);
      const open = items.reduce((sum, rows) => sum + rows, 0) - once.settled;
      expect(open).toBe([...once.outcome].filter((outcome) => outcome === RestoreOutcome.pending).length);
      // Rows are closed only by an entry that says so.
      for (const item of once.openItems()) expect(log.some((one) => one.item === item && (one.kind === 'finished' || one.kind === 'closed'))).toBe(false);
      const ended = log.every((one) => one.kind !== 'closed' && one.kind !== 'finished');
      if (ended) expect(told(again)).toEqual(told(once));
      expect(again.openItems()).toEqual(once.openItems());
    }),
  );
});

const view = { now: 0, awayMs: () => 0, cancelled: false, sliceMs: 1_000 };

test('an item is given up when its host stays away, or is there and does not come to it', () => {
  const plan = planOf([2]);
  const give = (over: Partial<typeof view>, ...entries: RestoreLogEntry[]) => {
    const ledger = createLedger(plan);
    for (const one of entries) ledger.apply(one, none);
    return itemsToClose(plan, ledger, { ...view, ...over }).map(({ why }) => why);
  };
  const away = (ms: number) => ({ awayMs: () => ms, now: 9_000 });
  expect(give(away(30_000))).toEqual([]);
  expect(give(away(30_001))).toEqual(['hostLost']);
  expect(give(away(30_001), attempting(0, 0, 1))).toEqual(['hostLost']);
  expect(give({ ...away(1), cancelled: true })).toEqual(['cancelled']);
  expect(give({ ...away(1), cancelled: true }, attempting(0, 0, 1))).toEqual([]);
  expect(give({ ...away(30_001), cancelled: true }, attempting(0, 0, 1))).toEqual(['cancelled']);
  expect(give({ now: 75_000 })).toEqual([]);
  expect(give({ now: 75_001 })).toEqual(['expired']);
  expect(give({ now: 70_000 }, attempting(0, 0, 1))).toEqual([]);
  expect(give({ now: 75_001 }, attempting(0, 0, 1))).toEqual(['hostLost']);
  expect(give(away(99_999), outcomes(0, 0, 2, verified))).toEqual([]);
});
