import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ChannelColumns } from '../../columns.ts';
import type { Finder } from './finder.ts';
import { Place, Rows } from './rows.ts';
import { Scouts } from './scouts.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ioc = '10.0.0.1:5064';
const elsewhere = '10.0.0.2:5064';

function set() {
  const rows = new Rows(new ChannelColumns(10_000));
  const searched: string[] = [];
  const reviewed: string[] = [];
  const there: [rows: number, ioc: string][] = [];
  const finder: Finder = {
    add: (_ids, names) => void searched.push(...names),
    remove: () => {},
    urge: () => {},
    review: (_ids, names, at) => void reviewed.push(...names.map((name) => `${name} at ${at}`)),
    stop: async () => {},
  };
  const scouts = new Scouts(rows, finder, (some, at) => {
    for (const row of some) {
      rows.place[row] = Place.thread;
      rows.iocs[row] = at;
    }
    there.push([some.length, at]);
  });
  const open = (count: number, last: string | null, prefix = 'PV'): { opened: Int32Array; scouting: Int32Array } => {
    const names = Array.from({ length: count }, (_, n) => `${prefix}${n}`);
    const opened = rows.open(names, true);
    return { opened, scouting: scouts.take(opened, names.map(() => last)) };
  };
  return { rows, scouts, open, searched, reviewed, there };
}

test('a few names of each known IOC are searched, and all of those whose IOC is not known', () => {
  const { open } = set();
  expect(open(1_000, ioc).scouting).toHaveLength(4);
  expect(open(1_000, ioc, 'MORE').scouting).toHaveLength(0);
  expect(open(1_000, elsewhere, 'OTHER').scouting).toHaveLength(4);
  expect(open(3, '10.0.0.3:5064', 'FEW').scouting).toHaveLength(3);
  expect(open(5, null, 'NEW').scouting).toHaveLength(5);
});

test('when one of them is found where it was, the others are tried there, once, and so is what is opened soon after', () => {
  const { rows, scouts, open, there, searched } = set();
  const { scouting } = open(1_000, ioc);
  scouts.found(rows.searchIds(scouting.subarray(2, 3)), ioc);
  expect(there).toEqual([[996, ioc]]);
  scouts.found(rows.searchIds(scouting), ioc);
  expect(there).toHaveLength(1);

  expect(open(10, ioc, 'LATER').scouting).toHaveLength(0);
  expect(there).toHaveLength(1);
  vi.runAllTicks();
  vi.advanceTimersByTime(1);
  expect(there).toEqual([[996, ioc], [10, ioc]]);
  vi.advanceTimersByTime(5_000);
  // It may have gone since.
  expect(open(100, ioc, 'LATE').scouting).toHaveLength(4);
  expect(searched).toEqual([]);
});

test('I1: when none is found in time, all others are searched, and what was found of another IOC is not kept waiting', () => {
  const { rows, scouts, open, there, searched } = set();
  open(1_000, ioc);
  const other = open(1_000, elsewhere, 'OTHER');
  scouts.found(rows.searchIds(other.scouting), elsewhere);
  expect(there).toEqual([[996, elsewhere]]);
  vi.advanceTimersByTime(1_999);
  expect(searched).toEqual([]);
  vi.advanceTimersByTime(2);
  expect(searched).toHaveLength(996);
  expect(searched.every((name) => name.startsWith('PV'))).toBe(true);
});

test('an answer that came while this thread was busy counts, though the time is over', () => {
  const { rows, scouts, open, there, searched } = set();
  const { scouting } = open(1_000, ioc);
  vi.advanceTimersToNextTimer();
  scouts.found(rows.searchIds(scouting.subarray(0, 1)), ioc);
  vi.advanceTimersByTime(1_000);
  expect(there).toEqual([[996, ioc]]);
  expect(searched).toEqual([]);
});

test('when one of them is found elsewhere, the others are searched at once', () => {
  const { rows, scouts, open, there, searched } = set();
  const { scouting } = open(1_000, ioc);
  scouts.found(rows.searchIds(scouting.subarray(0, 1)), elsewhere);
  expect(searched).toHaveLength(996);
  scouts.found(rows.searchIds(scouting.subarray(1)), ioc);
  expect(there).toEqual([]);
});

test('a row that was closed while it waited is neither tried nor searched, also when another name has it by then', () => {
  const { rows, scouts, open, there, searched } = set();
  const { opened, scouting } = open(100, ioc);
  for (const row of opened) if (!scouting.includes(row)) rows.free(row);
  const again = open(96, elsewhere, 'AGAIN');
  expect([...again.opened].some((row) => opened.includes(row))).toBe(true);
  scouts.found(rows.searchIds(scouting.subarray(0, 1)), ioc);
  expect(there).toEqual([]);
  vi.advanceTimersByTime(20_000);
  expect(searched).toHaveLength(92);
  expect(searched.every((name) => name.startsWith('AGAIN'))).toBe(true);
});

test('everybody is asked later for what was not searched, in parts, without what has moved on since', () => {
  const { rows, scouts, open, reviewed } = set();
  const { opened, scouting } = open(5_000, ioc);
  scouts.found(rows.searchIds(scouting.subarray(0, 1)), ioc);
  const moved = [...opened].filter((row) => !scouting.includes(row)).slice(0, 96);
  for (const row of moved) rows.place[row] = Place.search;
  vi.advanceTimersByTime(9_999);
  expect(reviewed).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(reviewed).toHaveLength(1_904);
  vi.advanceTimersByTime(1_000);
  expect(reviewed).toHaveLength(4_900);
  expect(new Set(reviewed).size).toBe(4_900);
  expect(reviewed.every((line) => line.endsWith(` at ${ioc}`))).toBe(true);
});
