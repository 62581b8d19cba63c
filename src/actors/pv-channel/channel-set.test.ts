import { createActor, setup, type Actor } from 'xstate';
import { afterEach, expect, test } from 'vitest';
import { Access, ChannelColumns, ChannelState } from '../../channel-access/columns.ts';
import { countsOf, createChannelSet, type ChannelSetLogic } from './channel-set.ts';

const rowsTo = (n: number): Int32Array => Int32Array.from({ length: n }, (_, row) => row);

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
  actor.send({ type: 'ca.connected', rows: Int32Array.of(1, 3, 9) });
  expect([...table().channels]).toEqual([
    [0, { phase: 'searching', since: 1_000 }],
    [1, { phase: 'connected', since: 2_000 }],
    [2, { phase: 'searching', since: 1_000 }],
    [3, { phase: 'denied', since: 2_000 }],
    [4, { phase: 'searching', since: 1_000 }],
  ]);
  expect(countsOf(table())).toEqual({ total: 5, searching: 3, connected: 1, disconnected: 0, denied: 1 });
});

test('a channel that is in the phase already keeps the time at which it came there', () => {
  const { actor, connect, table, at } = started(2);
  connect(0);
  connect(1);
  at(2_000);
  actor.send({ type: 'ca.connected', rows: Int32Array.of(0) });
  at(3_000);
  actor.send({ type: 'ca.connected', rows: Int32Array.of(0, 1) });
  expect([...table().channels.values()].map(({ since }) => since)).toEqual([2_000, 3_000]);
});

test('a channel that is searched for anew is no longer connected', () => {
  const { actor, connect, table } = started(2);
  connect(0);
  actor.send({ type: 'ca.connected', rows: Int32Array.of(0) });
  actor.send({ type: 'ca.found', rows: Int32Array.of(0) });
  expect(countsOf(table())).toMatchObject({ total: 2, searching: 2, connected: 0 });
});

test('access rights that change move a channel between connected and denied', () => {
  const { actor, connect, table } = started(1);
  connect(0);
  actor.send({ type: 'ca.connected', rows: Int32Array.of(0) });
  connect(0, Access.write);
  actor.send({ type: 'ca.access', rows: Int32Array.of(0) });
  expect(table().channels.get(0)!.phase).toBe('denied');
  connect(0);
  actor.send({ type: 'ca.access', rows: Int32Array.of(0) });
  expect(countsOf(table())).toEqual({ total: 1, searching: 0, connected: 1, disconnected: 0, denied: 0 });
});

test('a lost circuit disconnects every channel in one event', () => {
  const { actor, table } = started(5);
  actor.send({ type: 'ca.disconnected' });
  expect(countsOf(table()).disconnected).toBe(5);
});

test('channels join and leave, and a channel that left hears nothing more', () => {
  const { actor, table } = started(3);
  actor.send({ type: 'channels.leave', rows: Int32Array.of(1, 9) });
  actor.send({ type: 'channels.join', rows: Int32Array.of(7, 0) });
  actor.send({ type: 'ca.disconnected' });
  expect([...table().channels.keys()]).toEqual([0, 2, 7]);
  expect(countsOf(table())).toEqual({ total: 3, searching: 0, connected: 0, disconnected: 3, denied: 0 });
});

test('stopping the parent of a set stops it, and it forgets its channels', () => {
  const columns = new ChannelColumns(500);
  const parent = createActor(
    setup({ actors: { set: createChannelSet(columns, () => 0) } }).createMachine({ invoke: { id: 'channels', src: 'set', input: { rows: rowsTo(500) } } }),
  ).start();
  const set = parent.getSnapshot().children['channels'] as Actor<ChannelSetLogic>;
  expect(countsOf(set.getSnapshot().context).total).toBe(500);
  parent.stop();
  expect(set.getSnapshot().status).toBe('stopped');
  expect(countsOf(set.getSnapshot().context).total).toBe(0);
});

test('the supervisor can stop a set whose parent died', () => {
  const { actor, table } = started(3);
  actor.send({ type: 'supervisor.stop' });
  expect(actor.getSnapshot().status).toBe('done');
  expect(countsOf(table()).total).toBe(0);
});
