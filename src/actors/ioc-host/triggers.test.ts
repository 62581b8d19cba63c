import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { eventually, freePort, startNats, temporaryFolder } from '../../../testing/harness/index.ts';
import { connectNats, ensureTopology } from '../../bus/nats/index.ts';
import { json, type Bus, type Subscription } from '../../bus/port.ts';
import { ChannelColumns } from '../../channel-access/columns.ts';
import type { Firing, WatchedTrigger } from '../../contracts/automation.ts';
import { streams, subjects } from '../../contracts/subjects.ts';
import { emptyValueColumns, ReadOutcome } from '../../contracts/values.ts';
import { systemClock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import { watchTriggers, type Triggers } from './triggers.ts';

let nats: Awaited<ReturnType<typeof startNats>>;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectNats({ servers: nats.connection.servers, name: 'triggers test', log: silentLog });
  await ensureTopology(bus);
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

let serial = 0;
let trigger: WatchedTrigger;
beforeEach(() => {
  trigger = { id: `trigger${++serial}`, channel: 7, on: { kind: 'rising', value: 1 }, holdoffMs: 0 };
});

/** One channel, in row 3, whose IOC a test plays. */
function rig(on: Bus = bus) {
  const columns = new ChannelColumns(8);
  let row = 3;
  let ns = 1_000n;
  let outcome: ReadOutcome = ReadOutcome.ok;
  const asked: number[] = [];
  const answer = (): Subscription => on.answer(subjects.automationTriggers, async () => {
    asked.push(1);
    return json.encode({ triggers: [trigger] });
  });
  let answering = answer();
  const channelAccess = {
    columns,
    monitored: (rows: Int32Array) => {
      const values = emptyValueColumns(rows.length);
      rows.forEach((one, i) => {
        values.outcome[i] = outcome;
        values.num[i] = columns.num[one]!;
        values.timeNs[i] = columns.timeNs[one]!;
      });
      return values;
    },
  };
  const host = (): Triggers => watchTriggers({ bus: on, channelAccess, table: { rowOf: () => row }, clock: systemClock, random: Math.random, signal: new AbortController().signal, log: silentLog });
  return {
    host, asked,
    moveTo: (to: number) => void (row = to),
    loseValue: () => void (outcome = ReadOutcome.disconnected),
    /** Without a new time: the update that another host has seen as well. */
    set: (value: number, atNs = ++ns) => {
      columns.num[3] = value;
      columns.timeNs[3] = atNs;
      columns.sequence[3]! += 2;
    },
    pulse: (triggers: Triggers) => triggers.tell({ kind: 'pulse', ioc: 'ioc:5064', updates: 1 }),
    answerAgain: () => void (answering = answer()),
    stop: () => answering.stop(),
  };
}

async function firings(count: number): Promise<Firing[]> {
  const taken: Firing[] = [];
  const taking = await bus.work(streams.firings, { name: `test-${trigger.id}`, filter: subjects.firing(trigger.id), ackWaitMs: 5_000, concurrency: 1 }, async ({ body }) => void taken.push(json.decode<Firing>(body)));
  await eventually(() => taken.length >= count, { saying: `${count} firings`, withinMs: 8_000 });
  await taking.stop();
  return taken;
}

test('what to watch is asked for until somebody answers, as while everything starts', async () => {
  const ioc = rig();
  await ioc.stop();
  const triggers = ioc.host();
  ioc.answerAgain();
  await eventually(() => ioc.asked.length > 0, { saying: 'the triggers to be asked for', withinMs: 8_000 });
  await triggers.stop();
  await ioc.stop();
});

test('an update that fires is stored with the time and value of the IOC; the first sight and a pulse without an update are not', async () => {
  const ioc = rig();
  ioc.set(5);
  const triggers = ioc.host();
  await eventually(() => ioc.asked.length > 0, { saying: 'the host to ask' });
  await bus.flush();
  await eventually(() => { ioc.set(0); ioc.pulse(triggers); ioc.set(2, 77n); ioc.pulse(triggers); ioc.pulse(triggers); return true; }, { saying: 'an edge' });
  ioc.set(3);
  ioc.pulse(triggers);
  ioc.set(0);
  ioc.pulse(triggers);
  ioc.set(9, 99n);
  ioc.pulse(triggers);
  const seen = await firings(1);
  expect(seen.at(-1)).toEqual({ trigger: trigger.id, timeNs: '99', value: 9 });
  expect(seen.every(({ timeNs }) => timeNs === '77' || timeNs === '99')).toBe(true);
  await triggers.stop();
  await ioc.stop();
});

test('two hosts that see the same update while a channel moves store it once', async () => {
  const ioc = rig();
  ioc.set(0);
  const [one, two] = [ioc.host(), ioc.host()];
  await eventually(() => ioc.asked.length >= 2, { saying: 'both hosts to ask' });
  // Both know of the trigger when both have stored its first edge.
  await eventually(async () => {
    ioc.set(0);
    ioc.pulse(one);
    ioc.pulse(two);
    ioc.set(1);
    ioc.pulse(one);
    ioc.pulse(two);
    return (await sequenceOf()) > 0;
  }, { saying: 'the first edge' });
  const before = await sequenceOf();
  ioc.set(0);
  ioc.pulse(one);
  ioc.pulse(two);
  ioc.set(4);
  ioc.pulse(one);
  ioc.pulse(two);
  await Promise.all([one.stop(), two.stop()]);
  expect(await sequenceOf()).toBe(before + 1);
  await ioc.stop();
});

test('what fires while NATS is away is stored when it is back, in its order and once', async () => {
  using folder = temporaryFolder('triggers');
  const port = await freePort();
  let server = await startNats({ port, dataFolder: folder.path });
  await using _server = { [Symbol.asyncDispose]: () => server.stop() };
  const own = await connectNats({ servers: server.connection.servers, name: 'triggers outage', log: silentLog });
  await using _bus = { [Symbol.asyncDispose]: () => own.close() };
  await ensureTopology(own);
  const taken: Firing[] = [];
  const taking = await own.work(streams.firings, { name: 'outage', filter: subjects.firing(trigger.id), ackWaitMs: 5_000, concurrency: 1 }, async ({ body }) => void taken.push(json.decode<Firing>(body)));
  const ioc = rig(own);
  const triggers = ioc.host();
  const edge = (value: number): void => {
    ioc.set(0);
    ioc.pulse(triggers);
    ioc.set(value);
    ioc.pulse(triggers);
  };
  // It knows of the trigger when an edge is stored.
  await eventually(() => { edge(1); return taken.length > 0; }, { saying: 'the first edge' });
  edge(2);
  // Nothing is under way any more: what fires from here on has only the outage.
  await eventually(() => taken.some(({ value }) => value === 2), { saying: 'the last edge before' });
  process.kill(server.process.pid, 'SIGKILL');
  await server.process.exited;
  await eventually(() => own.state === 'disconnected', { saying: 'the outage' });
  for (const value of [10, 20, 30]) edge(value);
  server = await startNats({ port, dataFolder: folder.path });
  await eventually(() => taken.some(({ value }) => value === 30), { saying: 'the last edge', withinMs: 20_000 });
  await triggers.stop();
  await taking.stop();
  await ioc.stop();
  expect(taken.map(({ value }) => value).filter((value) => value !== 1)).toEqual([2, 10, 20, 30]);
});

test('a channel that went to another host and came back is seen for the first time again', async () => {
  const ioc = rig();
  ioc.set(0);
  const triggers = ioc.host();
  await eventually(() => { ioc.set(0); ioc.pulse(triggers); ioc.set(1); ioc.pulse(triggers); return ioc.asked.length > 0 && sequenceOf().then((n) => n > 0); }, { saying: 'the first edge' });
  ioc.set(0);
  ioc.pulse(triggers);
  ioc.moveTo(-1);
  ioc.pulse(triggers);
  const before = await sequenceOf();
  ioc.moveTo(3);
  ioc.set(5);
  ioc.pulse(triggers);
  ioc.loseValue();
  ioc.set(0);
  ioc.pulse(triggers);
  await triggers.stop();
  expect(await sequenceOf()).toBe(before);
  await ioc.stop();
});

/** How many firings of the trigger the stream took, told by the store of another one that is a duplicate of none. */
async function sequenceOf(): Promise<number> {
  const taken: string[] = [];
  const mark = `mark${++serial}`;
  await bus.store(subjects.firing(trigger.id), json.encode({ mark }));
  const taking = await bus.work(streams.firings, { name: `count-${trigger.id}`, filter: subjects.firing(trigger.id), ackWaitMs: 5_000, concurrency: 1 }, async ({ body }) => {
    taken.push(json.decode<{ mark?: string }>(body).mark ?? 'firing');
  });
  await eventually(() => taken.includes(mark), { saying: 'the mark' });
  await taking.stop();
  counted.set(trigger.id, (counted.get(trigger.id) ?? 0) + taken.filter((one) => one === 'firing').length);
  return counted.get(trigger.id)!;
}
const counted = new Map<string, number>();
