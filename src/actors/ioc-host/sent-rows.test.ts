import { expect, test } from 'vitest';
import { ChannelColumns, ChannelState } from '../../channel-access/columns.ts';
import { ChannelTable } from './channel-table.ts';
import { SentRows } from './sent-rows.ts';

function three() {
  const columns = new ChannelColumns(4_096);
  const table = new ChannelTable(4_096);
  table.replace([[7, 'A', null], [8, 'B', null], [9, 'C', null]]);
  for (const [row, id] of [7, 8, 9].entries()) table.opened(id, row);
  return { columns, table, sent: new SentRows(columns, table) };
}

test('a row is told of once, and again after each of its changes', () => {
  const { columns, sent } = three();
  expect([...sent.changed().rows]).toEqual([0, 1, 2]);
  expect([...sent.changed().rows]).toEqual([]);
  columns.sequence[1]! += 2;
  expect([...sent.changed().rows]).toEqual([1]);
  columns.state[2] = ChannelState.connected;
  columns.access[0] = 1;
  expect([...sent.changed().rows]).toEqual([0, 2]);
  columns.metaHash[0] = 5n;
  expect([...sent.changed().rows]).toEqual([0]);
  expect([...sent.changed().rows]).toEqual([]);
});

test('S1: a text or array that arrives after its row was looked at is not forgotten', () => {
  const { columns, sent } = three();
  sent.changed();
  columns.sequence[1]! += 2;
  expect([...sent.changed().rows]).toEqual([1]);
  columns.beside[1]!++;
  expect([...sent.changed().rows]).toEqual([1]);
});

test('channels that are closed are told as gone, also when another has their row', () => {
  const { table, sent } = three();
  sent.changed();
  table.closed(8);
  table.replace([[7, 'A', null], [9, 'C', null], [30, 'D', null]]);
  table.opened(30, 1);
  const { rows, gone } = sent.changed();
  expect([[...rows], [...gone]]).toEqual([[1], [8]]);
  expect([...sent.changed().gone]).toEqual([]);
});

test('a channel that only moved to another row is not gone', () => {
  const { table, sent } = three();
  sent.changed();
  table.closed(8);
  table.opened(8, 2_000);
  const { rows, gone } = sent.changed();
  expect([[...rows], [...gone]]).toEqual([[2_000], []]);
});

test('all tells every open row, forget those that are meant', () => {
  const { sent } = three();
  sent.changed();
  sent.forget((row) => row === 2);
  expect([...sent.changed().rows]).toEqual([2]);
  expect([...sent.all().rows]).toEqual([0, 1, 2]);
});
