import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { broadcastAddresses } from './addresses.ts';
import { Flow, RoundTrip, type Request } from './flow.ts';
import { NameTable } from './name-table.ts';
import { readAnswers } from './messages.ts';
import { Round } from './round.ts';
import { SlotMap } from './slot-map.ts';
import { TimingWheel } from './timing-wheel.ts';

test('The wheel gives every id back when it is due, and not before, however time jumps', () => {
  fc.assert(fc.property(
    fc.array(fc.record({ due: fc.integer({ min: 0, max: 900_000 }), removed: fc.boolean() }), { maxLength: 60 }),
    fc.array(fc.integer({ min: 1, max: 400_000 }), { maxLength: 20 }),
    (entries, jumps) => {
      const wheel = new TimingWheel(0);
      wheel.reserve(entries.length);
      entries.forEach(({ due }, id) => wheel.add(id, due));
      entries.forEach(({ removed }, id) => removed && wheel.remove(id));
      const seen = new Set<number>();
      let now = 0;
      for (const jump of [...jumps, 1_000_000]) {
        now += jump;
        wheel.advance(now, (id) => {
          expect(seen.has(id)).toBe(false);
          expect(entries[id]!.due).toBeLessThanOrEqual(now);
          seen.add(id);
        });
        // A tick is 10 ms.
        entries.forEach(({ due, removed }, id) => expect(seen.has(id), `id ${id} due at ${due}, now ${now}`).toBe(!removed && (due <= now - 20 || seen.has(id))));
        expect(wheel.size).toBe(entries.filter(({ removed }, id) => !removed && !seen.has(id)).length);
      }
    },
  ), { numRuns: 200 });
});

test('The wheel says when it has something next', () => {
  const wheel = new TimingWheel(1_000);
  wheel.reserve(2);
  expect(wheel.msUntilNext(1_000, 500)).toBeUndefined();
  wheel.add(0, 1_100);
  expect(wheel.msUntilNext(1_000, 500)).toBe(100);
  expect(wheel.msUntilNext(1_000, 50)).toBe(50);
});

const request = (giveUpMs: number, cids: number[] = []): Request => ({ sentMs: 0, giveUpMs, cids, settled: false });

test('A flow opens with answers and closes with silence, down to its floor', () => {
  const flow = new Flow<Request>();
  const widthNow = (): number => {
    let width = 0;
    while (flow.allows(0)) {
      flow.sent(request(width));
      width++;
    }
    return width;
  };
  expect(widthNow()).toBe(8);
  const given: Request[] = [];
  flow.expire(1, (one) => given.push(one));
  expect(given.length).toBe(2);
  expect(widthNow()).toBe(0);
  flow.abandon(() => undefined);
  expect(flow.open).toBe(0);
  expect(widthNow()).toBe(1);
  expect(flow.allows(4)).toBe(true);
  for (let n = 0; n < 100; n++) {
    const one = request(n);
    flow.sent(one);
    expect(flow.answered(one)).toBe(true);
    expect(flow.answered(one)).toBe(false);
  }
  flow.abandon(() => undefined);
  expect(widthNow()).toBe(16); // 32, halved for the one request that was open.
});

test('Patience follows the round trip within its bounds', () => {
  const trip = new RoundTrip();
  expect(trip.patienceMs()).toBe(30);
  for (let n = 0; n < 50; n++) trip.sample(0.2);
  expect(trip.patienceMs()).toBe(5);
  for (let n = 0; n < 50; n++) trip.sample(12);
  expect(trip.patienceMs()).toBeGreaterThanOrEqual(12);
  for (let n = 0; n < 50; n++) trip.sample(500);
  expect(trip.patienceMs()).toBe(30);
});

describe('A round', () => {
  /** Plays a round against destinations that answer at once; returns how often names were asked. */
  function play(count: number, destinations: number, homeOf: (id: number) => number, ready = (_: number): boolean => true): { asked: number; table: NameTable; round: Round } {
    const table = new NameTable(0);
    const ids = Int32Array.from({ length: count }, (_, id) => id);
    for (const id of ids) {
      table.add(id, `N${id}`);
      table.startAsking(id, 1);
    }
    const round = new Round(1, 0, ids, destinations);
    let asked = 0;
    do {
      for (let more = true; more;) {
        more = false;
        for (let destination = 0; destination < destinations; destination++) {
          const id = ready(destination) ? round.peek(destination, table) : -1;
          if (id < 0) continue;
          round.taken(destination);
          asked++;
          more = true;
          if (homeOf(id) === destination) table.answered(id, destination, destination, 0);
        }
      }
    } while (round.advance(ready, table));
    return { asked, table, round };
  }

  test('asks every destination for every name that nobody answers for, once', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 700 }), fc.integer({ min: 1, max: 12 }), (count, destinations) => {
      expect(play(count, destinations, () => -1).asked).toBe(count * destinations);
    }), { numRuns: 60 });
  });

  test('finds every name, wherever it is', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 700 }), fc.integer({ min: 1, max: 12 }), fc.integer(), (count, destinations, seed) => {
      const { table } = play(count, destinations, (id) => Math.abs(Math.imul(id + 7, seed) >> 3) % destinations);
      for (let id = 0; id < count; id++) expect(table.isFound(id)).toBe(true);
    }), { numRuns: 60 });
  });

  test('asks for names that lie together hardly more than once', () => {
    expect(play(4_096, 16, (id) => Math.floor(id / 256)).asked).toBeLessThan(4_096 * 1.6);
  });

  test('passes over destinations that are not ready', () => {
    const { asked } = play(500, 4, () => -1, (destination) => destination !== 2);
    expect(asked).toBe(1_500);
  });
});

test('A number from an earlier search means nothing, of the same id or in the same slot', () => {
  const table = new NameTable(0);
  const first = table.cid(table.add(5, 'A'));
  expect(table.id(table.slotOfCid(first))).toBe(5);
  const second = table.cid(table.add(5, 'B'));
  expect(table.slotOfCid(first)).toBe(-1);
  expect(table.id(table.slotOfCid(second))).toBe(5);
  table.release(table.slotOf(5));
  expect(table.slotOfCid(second)).toBe(-1);
  expect(table.slotOf(5)).toBe(-1);
  const third = table.cid(table.add(6, 'C'));
  expect(table.slotOfCid(second)).toBe(-1);
  expect(table.id(table.slotOfCid(third))).toBe(6);
});

test('What was found is forgotten when it was watched long enough, later if it was skipped somewhere', () => {
  const table = new NameTable(0);
  const slots = [1, 2].map((id) => table.add(id, `N${id}`));
  for (const slot of slots) expect(table.answered(slot, 0, 0, 0)).toBe('found');
  table.skip(slots[1]!);
  expect(table.answered(slots[0]!, 1, 1, 5_000)).toBe('duplicate');
  expect(table.answered(slots[0]!, 2, 2, 5_000)).toBe('known');
  table.advance(10_100, () => { throw new Error('nothing is due'); });
  expect([table.slotOf(1), table.slotOf(2)]).toEqual([-1, slots[1]]);
  table.audited(slots[1]!);
  table.advance(20_300, () => { throw new Error('nothing is due'); });
  expect(table.slotOf(2)).toBe(-1);
});

test('Slots of ids are kept like in a Map', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer()), fc.boolean()), { maxLength: 300 }), (steps) => {
    const map = new SlotMap();
    const model = new Map<number, number>();
    steps.forEach(([id, isThere], slot) => {
      if (isThere) model.set(id, slot);
      else model.delete(id);
      if (isThere) map.set(id, slot);
      else map.delete(id);
      expect(map.size).toBe(model.size);
    });
    for (const [id] of steps) expect(map.get(id)).toBe(model.get(id) ?? -1);
  }), { numRuns: 300 });
});

test('D1: no bytes make the reader of answers throw or read past their end', () => {
  const ignore = { sequence: () => undefined, answer: () => undefined };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 70_000 }), (bytes, longest) => {
    const end = readAnswers(Buffer.from(bytes), 0, longest, ignore);
    expect(end).toBeGreaterThanOrEqual(-1);
    expect(end).toBeLessThanOrEqual(bytes.length);
  }), { numRuns: 500 });
});

test('Broadcast addresses come from the interfaces that are up, or else loopback', () => {
  const card = (address: string, netmask: string, internal = false) => ({ address, netmask, internal, family: 'IPv4' as const, mac: '', cidr: null });
  expect(broadcastAddresses({ lo: [card('127.0.0.1', '255.0.0.0', true)], eth0: [card('10.1.2.3', '255.255.240.0')], eth1: [card('192.168.7.9', '255.255.255.255')] }))
    .toEqual(['10.1.15.255', '192.168.7.9']);
  expect(broadcastAddresses({ lo: [card('127.0.0.1', '255.0.0.0', true)] })).toEqual(['127.0.0.1']);
});
