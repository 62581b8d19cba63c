import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideRestart, restartDefaults } from './decide.ts';
import { createProbeBudget } from './probe-budget.ts';

describe('restarts', () => {
  test('three failures in a minute are borne with growing pauses, the fourth is not', () => {
    let failures: readonly number[] = [];
    const verdicts = [0, 1_000, 2_000, 3_000].map((now) => {
      const decision = decideRestart(failures, now, 0.999_999, restartDefaults);
      failures = decision.failures;
      return decision.verdict;
    });
    expect(verdicts).toEqual([
      { kind: 'restart', delayMs: 200 }, { kind: 'restart', delayMs: 400 }, { kind: 'restart', delayMs: 800 }, { kind: 'giveUp' },
    ]);
  });

  test('only failures within the period count', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 500_000 }), { maxLength: 40 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (times, random) => {
        let failures: readonly number[] = [];
        const seen: number[] = [];
        for (const now of times.sort((a, b) => a - b)) {
          const decision = decideRestart(failures, now, random, restartDefaults);
          failures = decision.failures;
          seen.push(now);
          const recent = seen.filter((at) => now - at < 60_000).length;
          expect(decision.verdict.kind).toBe(recent > 3 ? 'giveUp' : 'restart');
          if (decision.verdict.kind === 'restart') expect(decision.verdict.delayMs).toBeLessThanOrEqual(30_000);
        }
      }),
    );
  });
});

describe('the probe budget', () => {
  test('never grants more turns than its cap, and every waiter gets one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 7 })), { maxLength: 60 }), (cap, steps) => {
        const budget = createProbeBudget(cap);
        const probing = new Set<string>();
        const waiting = new Set<string>();
        for (const [asks, n] of steps) {
          const ioc = `ioc-${n}`;
          if (asks) {
            probing.delete(ioc);
            waiting.add(ioc);
            budget.request(ioc, () => {
              waiting.delete(ioc);
              probing.add(ioc);
            });
          } else {
            probing.delete(ioc);
            waiting.delete(ioc);
            budget.release(ioc);
          }
          expect(probing.size).toBeLessThanOrEqual(cap);
          // Nobody waits while a turn is free.
          if (waiting.size > 0) expect(probing.size).toBe(cap);
        }
      }),
    );
  });
});
