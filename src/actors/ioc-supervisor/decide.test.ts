import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WriteOutcome } from '../../channel-access/port.ts';
import { ReadOutcome } from '../../contracts/values.ts';
import { emptyWindow, judgeRead, judgeWrite, probeRowsOf, record, trips } from './decide.ts';
import { breakerOptions } from './options.ts';

describe('the rolling window', () => {
  test('counts exactly the last outcomes, whatever came before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.array(fc.boolean(), { maxLength: 200 }), (size, outcomes) => {
        let window = emptyWindow(size);
        outcomes.forEach((failed, i) => {
          window = record(window, failed);
          const last = outcomes.slice(0, i + 1).slice(-size);
          expect(window.calls).toBe(last.length);
          expect(window.failures).toBe(last.filter(Boolean).length);
        });
      }),
    );
  });

  test('trips exactly when there are enough calls and enough of them failed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), fc.double({ min: 0.01, max: 1, noNaN: true }), fc.array(fc.boolean(), { maxLength: 60 }), (size, min, rate, outcomes) => {
        fc.pre(min <= size);
        const window = outcomes.reduce(record, emptyWindow(size));
        const last = outcomes.slice(-size);
        const failures = last.filter(Boolean).length;
        expect(trips(window, { minCalls: min, rate: rate })).toBe(last.length >= min && failures / last.length >= rate);
      }),
    );
  });

  test('is a value: recording leaves the old one as it was', () => {
    const before = record(emptyWindow(3), true);
    record(record(before, false), false);
    expect(before).toMatchObject({ calls: 1, failures: 1, next: 1 });
    expect([...before.ring]).toEqual([1, 0, 0]);
  });
});

describe('what a batch says about its IOC', () => {
  const { ok, timeout, refused, noReadAccess, disconnected, notFound, tooLarge } = ReadOutcome;
  const cases: [string, number[], boolean, string][] = [
    ['all answered', [ok, ok, ok], false, 'ok'],
    ['refused rows were answered too', [refused, tooLarge], false, 'ok'],
    ['nobody answered', [timeout, timeout], false, 'silent'],
    ['nobody answered, not connected rows aside', [timeout, disconnected], false, 'silent'],
    ['nobody answered, but it was heard of', [timeout, timeout], true, 'failed'],
    ['half timed out', [ok, timeout], false, 'failed'],
    ['a few timed out', [ok, ok, ok, timeout], false, 'ok'],
    ['only the caller was wrong', [noReadAccess, noReadAccess], false, 'ignored'],
    ['nothing was asked', [notFound, disconnected], false, 'ignored'],
    ['nothing at all', [], false, 'ignored'],
  ];
  for (const [what, outcomes, heard, expected] of cases) {
    test(`reads: ${what} -> ${expected}`, () => expect(judgeRead(Uint8Array.from(outcomes), heard, 0.5)).toBe(expected));
  }

  const writes: [string, number[], string][] = [
    ['completed', [WriteOutcome.done], 'ok'],
    ['refused by the IOC', [WriteOutcome.refused], 'ok'],
    ['slow to complete, as motors are', [WriteOutcome.timeout], 'ignored'],
    ['never sent', [WriteOutcome.noWriteAccess, WriteOutcome.doesNotFit, WriteOutcome.busy], 'ignored'],
    ['circuit lost under way', [WriteOutcome.done, WriteOutcome.lost], 'failed'],
  ];
  for (const [what, outcomes, expected] of writes) {
    test(`writes: ${what} -> ${expected}`, () => expect(judgeWrite(Uint8Array.from(outcomes))).toBe(expected));
  }
});

test('successive probes go round all small channels', () => {
  const rows = [0, 1, 2, 3, 4, 5];
  const seen = new Set<number>();
  for (let attempt = 0; attempt < 5; attempt++) for (const row of probeRowsOf(rows, (row) => row > 0, 2, attempt)) seen.add(row);
  expect([...seen].sort()).toEqual([1, 2, 3, 4, 5]);
  expect(probeRowsOf(rows, () => false, 3, 1)).toHaveLength(0);
});

describe('options', () => {
  const faults: [string, object, string][] = [
    ['a minimum above the window', { window: 5, minCalls: 6 }, 'minCalls is 6, but only 5 operations are remembered (window)'],
    ['a rate of 0', { rate: 0 }, 'rate must be above 0'],
    ['a rate above 1', { rate: 1.5 }, '<=1'],
    ['a base above the maximum', { baseMs: 10, maxMs: 5 }, 'baseMs is 10, above maxMs 5'],
  ];
  for (const [what, options, message] of faults) {
    test(`D1: ${what} is refused with the reason`, () => {
      expect(breakerOptions.safeParse(options).error?.message).toContain(message);
    });
  }
  test('the defaults are valid', () => expect(breakerOptions.parse({})).toMatchObject({ window: 20, minCalls: 5, rate: 0.5 }));
});
