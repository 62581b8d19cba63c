import { createActor, setup, type Actor } from 'xstate';
import { afterEach, expect, test } from 'vitest';
import { Access, ChannelColumns, ChannelState } from '../../channel-access/columns.ts';
import type { ChannelRef } from './channel.ts';
import { countsOf, createChannelSet, type ChannelSetLogic } from './channel-set.ts';

const rowsTo = (n: number): Int32Array => Int32Array.from({ length: n }, (_, row) => row);
/** How many of these actors have stopped: XState completes the observers of each. */
function stopsOf(refs: Iterable<ChannelRef>): { count: number } {
  const stops = { count: 0 };
  for (const ref of refs) ref.subscribe({ complete: () => stops.count++, error: () => {} });
  return stops;
}

let running: Actor<ChannelSetLogic> | undefined;
afterEach(() => running?.stop());

function started(n: number) {
  const columns = new ChannelColumns(n + 10);
  columns.state.fill(ChannelState.searching, 0, n);
  let now = 1_000;
  const actor = createActor(createChannelSet(columns, () => now), { input: { rows: rowsTo(n) } });
  running = actor;
  actor.start();
  const connect = (row: number, access: number = Access.read | Access.write): void => {
    columns.state[row] = ChannelState.connected;
    columns.access[row] = access;
  };
  return { actor, columns, connect, table: () => actor.getSnapshot().context, at: (ms: number) => (now = ms) };
}

test('channels begin where the columns say they are', () => {
  const columns = new ChannelColumns(4);
  columns.state.set([ChannelState.searching, ChannelState.connected, ChannelState.disconnected, ChannelState.connected]);
  columns.access.set([0, Access.read, 0, Access.write]);
  running = createActor(createChannelSet(columns, () => 0), { input: { rows: rowsTo(4) } }).start();
  expect(countsOf(running.getSnapshot().context)).toEqual({ total: 4, searching: 1, connected: 1, disconnected: 1, denied: 1 });
});

test('a batch reaches exactly the channels it names, and the counts follow', () => {
  const { actor, connect, table, at } = started(5);
  connect(1);
  connect(3, Access.write);
  at(2_000);
  actor.send({ type: 'ca.connected', rows: Int32Array.of(1, 3) });
  expect([...table().channels].map(([row, ref]) => [row, ref.getSnapshot().context.phase])).toEqual([
    [0, 'searching'], [1, 'connected'], [2, 'searching'], [3, 'denied'], [4, 'searching'],
  ]);
  expect(table().channels.get(1)!.getSnapshot().context.since).toBe(2_000);
  expect(countsOf(table())).toEqual({ total: 5, searching: 3, connected: 1, disconnected: 0, denied: 1 });
});

test('a lost circuit disconnects every channel in one event', () => {
  const { actor, table } = started(5);
  actor.send({ type: 'ca.disconnected' });
  expect(countsOf(table()).disconnected).toBe(5);
});

test('channels join and leave, and a channel that left hears nothing more', () => {
  const { actor, table } = started(3);
  const left = table().channels.get(1)!;
  const stops = stopsOf([left]);
  actor.send({ type: 'channels.leave', rows: Int32Array.of(1, 9) });
  actor.send({ type: 'channels.join', rows: Int32Array.of(7, 0) });
  actor.send({ type: 'ca.disconnected' });
  expect([...table().channels.keys()]).toEqual([0, 2, 7]);
  expect(stops.count).toBe(1);
  expect(left.getSnapshot().context.phase).toBe('searching');
});

test('F1: a channel that fails is replaced alone, in the phase of its columns', () => {
  const { actor, connect, table } = started(3);
  connect(1);
  const failed = table().channels.get(1)!;
  const neighbour = table().channels.get(0)!;
  failed.subscribe({ error: () => {} });
  // An event without the fields the logic reads makes its reducer throw.
  failed.send(null as never);
  expect(failed.getSnapshot().status).toBe('error');
  expect(table().channels.get(1)).not.toBe(failed);
  expect(table().channels.get(1)!.getSnapshot()).toMatchObject({ status: 'active', context: { phase: 'connected' } });
  expect(table().channels.get(0)).toBe(neighbour);
  expect(table().replaced).toBe(1);
  expect(actor.getSnapshot().status).toBe('active');
});

test('stopping the parent of a set stops every channel', () => {
  const columns = new ChannelColumns(500);
  const parent = createActor(
    setup({ actors: { set: createChannelSet(columns, () => 0) } }).createMachine({ invoke: { id: 'channels', src: 'set', input: { rows: rowsTo(500) } } }),
  ).start();
  const set = parent.getSnapshot().children['channels'] as Actor<ChannelSetLogic>;
  const refs = [...set.getSnapshot().context.channels.values()];
  const stops = stopsOf(refs);
  parent.stop();
  expect(stops.count).toBe(500);
  expect(set.getSnapshot().status).toBe('stopped');
});

test('stopping costs one step per channel: no table of children is copied for each', () => {
  // The structure, not the time: children live in one Map that stays the same object throughout.
  const { actor, table } = started(500);
  const { channels } = table();
  actor.send({ type: 'channels.leave', rows: rowsTo(499) });
  expect(table().channels).toBe(channels);
  expect(channels.size).toBe(1);
  expect(Object.keys((actor.getSnapshot() as { children?: object }).children ?? {})).toEqual([]);
});

test('the supervisor can stop a set whose parent died', () => {
  const { actor, table } = started(3);
  const stops = stopsOf(table().channels.values());
  actor.send({ type: 'supervisor.stop' });
  expect(actor.getSnapshot().status).toBe('done');
  expect(stops.count).toBe(3);
});
