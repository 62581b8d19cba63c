import { expect, test } from 'vitest';
import { ChannelTable } from './channel-table.ts';

test('ids, rows and names find each other, whatever the size of an id', () => {
  const table = new ChannelTable(10);
  table.replace([[7, 'A', null], [5_000_000, 'B', '10.0.0.1:5064']]);
  table.opened(5_000_000, 3);
  expect([...table.rowsOf(Int32Array.of(7, 5_000_000, 6))]).toEqual([-1, 3, -1]);
  expect([table.idOf(3), table.idOf(4), table.name(7), table.iocOf(5_000_000), table.iocOf(7)]).toEqual([5_000_000, -1, 'A', '10.0.0.1:5064', null]);
  expect([table.size, table.openCount]).toEqual([2, 1]);
});

test('a new dictionary names the open channels that are gone, and keeps the rows of those that stay', () => {
  const table = new ChannelTable(10);
  table.replace([[1, 'A', null], [2, 'B', null], [3, 'C', null]]);
  table.opened(1, 0);
  table.opened(2, 1);
  expect([...table.replace([[2, 'B', null], [4, 'D', null]])]).toEqual([1]);
  expect(table.rowOf(2)).toBe(1);
  expect([...table.ids()]).toEqual([2, 4]);
  table.closed(1);
  expect([table.openCount, table.idOf(0)]).toEqual([1, -1]);
});

test('D1: an id that is no number is refused by name', () => {
  expect(() => new ChannelTable(1).replace([[-4, 'A', null]])).toThrow('channel "A" has id -4');
});

test('a part of the dictionary may come ahead, twice too, and the whole follows it', () => {
  const table = new ChannelTable(10);
  table.extend([[1, 'A', null], [2, 'B', '10.0.0.1:5064']]);
  table.extend([[2, 'B', '10.0.0.1:5064'], [3, 'C', null]]);
  expect([table.size, [...table.ids()], table.iocOf(2)]).toEqual([3, [1, 2, 3], '10.0.0.1:5064']);
  table.opened(1, 0);
  expect([...table.replace([[2, 'B', null], [3, 'C', null]])]).toEqual([1]);
  expect(table.size).toBe(2);
});
