import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TriggerRule } from '../contracts/automation.ts';
import { firingTimes } from './firing-times.ts';
import { letGo, type Keepable } from './retention.ts';
import { fillTitle, parseTitle, pvsOf } from './title-template.ts';
import { firstSight, look, type TriggerMemory } from './trigger-rule.ts';

const at = (text: string): Date => new Date(text);

describe('titles', () => {
  const fill = (template: string, values: Record<string, string> = {}): string => fillTitle(parseTitle(template), at('2026-07-01T04:05:06Z'), 'Europe/Zurich', new Map(Object.entries(values)));

  test('date and time are those of the time zone, PVs their values, and what cannot be read is ?', () => {
    expect(fill('shift {date} {time}: {pv:BEAM:I} mA at {pv:GONE}', { 'BEAM:I': '12.5' })).toBe('shift 2026-07-01 06:05:06: 12.5 mA at ?');
  });
  test('names of PVs may hold braces in pairs', () => {
    expect(pvsOf(parseTitle('{pv:SR:C01-MG{PS:QH1}I:Sp} {pv:B}'))).toEqual(['SR:C01-MG{PS:QH1}I:Sp', 'B']);
    expect(fill('{pv:SR{PS:1}I}!', { 'SR{PS:1}I': '3' })).toBe('3!');
  });
  test.each([['{user}', '{user}'], ['{pv:}', '{pv:}'], ['a {date', 'character 3'], ['{}', '{}'], ['{Time}', '{Time}']])('the title %s is refused and named', (template, named) => {
    expect(() => parseTitle(template)).toThrow(named);
  });
  test('a title never grows longer than one may be', () => {
    expect(fill('{pv:LONG}', { LONG: 'x'.repeat(1_000) })).toHaveLength(255);
  });
});

describe('firing times', () => {
  test('go by the clocks of the zone, through the ends of summer time', () => {
    const daily = firingTimes('0 6 * * *', 'Europe/Zurich');
    expect(daily.next(at('2026-10-24T12:00:00Z'))).toEqual(at('2026-10-25T05:00:00Z'));
    expect(daily.latest(at('2026-10-25T05:00:00Z'))).toEqual(at('2026-10-25T05:00:00Z'));
    expect(daily.latest(at('2026-10-25T04:59:59.999Z'))).toEqual(at('2026-10-24T04:00:00Z'));
    const skipped = firingTimes('30 2 * * *', 'Europe/Zurich');
    expect(skipped.next(at('2026-03-28T12:00:00Z'))).toEqual(at('2026-03-29T01:00:00Z'));
  });
  test('those between two moments are counted without either', () => {
    expect(firingTimes('* * * * *', 'UTC').between(at('2026-01-01T00:00:00Z'), at('2026-01-01T00:05:00Z'))).toBe(4);
  });
  test.each([['61 * * * *', 'UTC', '61 * * * *'], ['* * * * * *', 'UTC', 'five fields'], ['x', 'UTC', '"x"'], ['* * * * *', 'Mars/Base', 'Mars/Base']])('%s in %s is refused and named', (cron, zone, named) => {
    expect(() => firingTimes(cron, zone)).toThrow(named);
  });
});

describe('retention', () => {
  const one = (id: string, createdDate: string, labels: string[] = [], golden = false): Keepable => ({ id, createdDate, labels, golden });
  const all = [one('e', '2026-01-03T12:00:00Z'), one('d', '2026-01-03T06:00:00Z'), one('c', '2026-01-02T12:00:00Z'), one('b', '2026-01-02T06:00:00Z', ['users']), one('a', '2026-01-01T06:00:00Z', [], true), one('z', '2025-12-31T06:00:00Z')];
  const gone = (rule: Parameters<typeof letGo>[1]): string[] => letGo(all, rule, 'UTC').map(({ id }) => id);

  test('keep-last, keep-daily and keep-tagged add up, and golden ones always stay', () => {
    expect(gone({ keepLast: 2 })).toEqual(['c', 'b', 'z']);
    expect(gone({ keepDaily: 2 })).toEqual(['d', 'b', 'z']);
    expect(gone({ keepLast: 1, keepDaily: 4, keepTagged: ['users'] })).toEqual(['d']);
  });
  test('a day is one of the time zone', () => {
    const two = [one('n', '2026-01-02T23:30:00Z'), one('m', '2026-01-02T12:00:00Z')];
    const goneIn = (zone: string): string[] => letGo(two, { keepDaily: 2 }, zone).map(({ id }) => id);
    expect([goneIn('UTC'), goneIn('Europe/Zurich')]).toEqual([['m'], []]);
  });
  test('whatever the rule, golden and labelled ones are never let go, and the newest stays', () => {
    const snapshot = fc.record({ id: fc.uuid(), createdDate: fc.date({ min: at('2020-01-01'), max: at('2030-01-01'), noInvalidDate: true }).map((date) => date.toISOString()), labels: fc.subarray(['keep', 'other']), golden: fc.boolean() });
    const rule = fc.record({ keepLast: fc.integer({ min: 1, max: 5 }), keepDaily: fc.integer({ min: 1, max: 5 }), keepTagged: fc.constant<string[]>(['keep']) });
    fc.assert(fc.property(fc.array(snapshot, { maxLength: 30 }), rule, (snapshots, wanted) => {
      snapshots.sort((a, b) => (a.createdDate < b.createdDate ? 1 : -1));
      const released = letGo(snapshots, wanted, 'UTC');
      expect(released.some((s) => s.golden || s.labels.includes('keep'))).toBe(false);
      expect(released).not.toContain(snapshots[0]);
      expect(snapshots.length - released.length).toBeGreaterThanOrEqual(Math.min(snapshots.length, wanted.keepLast));
    }), { numRuns: 200 });
  });
});

describe('triggers', () => {
  /** ms at which it fired, of values a ms apart unless said. */
  const fired = (rule: TriggerRule, values: readonly (number | string | readonly [number, number])[], holdoffMs = 0): number[] => {
    let memory: TriggerMemory | undefined;
    return values.flatMap((entry, i) => {
      const [ms, value] = Array.isArray(entry) ? (entry as [number, number]) : [i, entry as number | string];
      const seen = { value, timeNs: BigInt(ms) * 1_000_000n };
      if (memory === undefined) {
        memory = firstSight(seen);
        return [];
      }
      const looked = look(rule, holdoffMs, memory, seen);
      memory = looked.memory;
      return looked.fires ? [ms] : [];
    });
  };

  test('a rising edge fires where the value comes from below, not where it stays or began above', () => {
    expect(fired({ kind: 'rising', value: 1 }, [5, 5, 0, 1, 2, 0, 0.9, 1])).toEqual([3, 7]);
    expect(fired({ kind: 'rising', value: 1 }, [0, NaN, 1, 0, 1])).toEqual([4]);
  });
  test('a change fires on every other value, texts and NaN too, and not on the same again', () => {
    expect(fired({ kind: 'change' }, [1, 1, 2, 2, NaN, NaN, 0, -0])).toEqual([2, 4, 6]);
    expect(fired({ kind: 'change' }, ['a', 'a', 'b'])).toEqual([2]);
  });
  test('a deadband fires when the value has moved so far from where it fired last', () => {
    expect(fired({ kind: 'deadband', value: 1 }, [0, 0.5, 1, 1.5, 2, 2.6, 0.5])).toEqual([3, 5, 6]);
  });
  test('within the holdoff an edge is lost, a change is caught up with', () => {
    expect(fired({ kind: 'rising', value: 1 }, [[0, 0], [10, 1], [20, 0], [30, 1], [200, 1], [210, 0], [220, 1]], 100)).toEqual([10, 220]);
    expect(fired({ kind: 'change' }, [[0, 0], [10, 1], [20, 2], [200, 2]], 100)).toEqual([10, 200]);
  });
  test('an IOC whose clock is set back is not held off until it has caught up', () => {
    expect(fired({ kind: 'change' }, [[0, 0], [1_000_000, 1], [10, 2]], 100)).toEqual([1_000_000, 10]);
  });
});
