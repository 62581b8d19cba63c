import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPlacement, placementKey } from './placement.ts';

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 6 });
const keys = fc.array(fc.string({ maxLength: 20 }), { minLength: 1, maxLength: 60 });

test('every key has exactly one owner among the live hosts, whatever order they are told in', () => {
  fc.assert(
    fc.property(names, keys, (hosts, some) => {
      const one = createPlacement(hosts);
      const other = createPlacement([...hosts].reverse().concat(hosts));
      for (const key of some) {
        expect(hosts).toContain(one.owner(key));
        expect(other.owner(key)).toBe(one.owner(key));
      }
    }),
  );
});

test('a host that comes takes keys only for itself, and gives back exactly those when it goes', () => {
  fc.assert(
    fc.property(names, fc.string({ minLength: 1, maxLength: 12 }), keys, (hosts, newcomer, some) => {
      fc.pre(!hosts.includes(newcomer));
      const before = createPlacement(hosts);
      const after = createPlacement([...hosts, newcomer]);
      for (const key of some) {
        if (after.owner(key) !== newcomer) expect(after.owner(key)).toBe(before.owner(key));
      }
    }),
  );
});

test('keys are spread over the hosts within a factor of two', () => {
  const placement = createPlacement(['host-1', 'host-2', 'host-3', 'host-4']);
  const counts = new Map<string, number>();
  for (let i = 0; i < 40_000; i++) {
    const owner = placement.owner(placementKey(null, `SR:C${i % 40}:BPM${i}:X`))!;
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  expect(counts.size).toBe(4);
  for (const count of counts.values()) {
    expect(count).toBeGreaterThan(7_000);
    expect(count).toBeLessThan(14_000);
  }
});

test('without a live host nothing has an owner', () => {
  expect(createPlacement([]).owner('ioc:127.0.0.1:5064')).toBeUndefined();
});

test('a channel is placed by its IOC once that is known, so that an IOC has one owner', () => {
  expect(placementKey('10.0.0.1:5064', 'A')).toBe(placementKey('10.0.0.1:5064', 'B'));
  expect(placementKey(null, 'A')).not.toBe(placementKey(null, 'B'));
});
