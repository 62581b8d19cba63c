/** Requests, orders and events of an ioc-host, with the rights that nats.conf gives to each role. */
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ScriptedChannelAccess, targetsFor } from '../../../testing/fakes/channel-access.ts';
import { fakeDictionary } from '../../../testing/fakes/dictionary.ts';
import { eventually, eventuallyEqual, freePort, temporaryFolder } from '../../../testing/harness/index.ts';
import { natsServerProgram, PROJECT } from '../../../testing/harness/run-folder.ts';
import { connectNats, ensureTopology } from '../../bus/nats/index.ts';
import { json, type Bus } from '../../bus/port.ts';
import { decodeFrame, encodeFrame } from '../../contracts/frame.ts';
import type { ChannelView, IocView } from '../../contracts/iocs.ts';
import { streams, subjects } from '../../contracts/subjects.ts';
import { emptyValueColumns, ReadOutcome } from '../../contracts/values.ts';
import type { LiveAnswer, ReadAnswer, ReadItem, RestoreLogEntry, WriteItem } from '../../contracts/work.ts';
import { startServerProcess, type ServerProcess } from '../../embedded/index.ts';
import { systemClock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import { createIocHost } from './index.ts';

const a = '10.0.0.1:5064';
const folder = temporaryFolder('nats');
let server: ServerProcess;
let servers: string;
const giveBack: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  const port = await freePort();
  servers = `127.0.0.1:${port}`;
  const { command } = await natsServerProgram();
  server = await startServerProcess({
    name: 'nats-server',
    command: [...command, '-c', join(PROJECT, 'nats.conf'), '-a', '127.0.0.1', '-p', String(port), '--store_dir', folder.path],
    environment: { ...process.env, DREY_NATS_GATEWAY_PASSWORD: 'g', DREY_NATS_COORDINATOR_PASSWORD: 'c', DREY_NATS_IOC_HOST_PASSWORD: 'h', DREY_NATS_FACILITY_PASSWORD: 'f' },
    stopSignal: 'SIGTERM',
    stopWithinMs: 5_000,
  });
  await eventually(async () => (await connectNats({ servers, user: 'gateway', password: 'g', name: 'test', log: silentLog }).catch(() => undefined))?.close().then(() => true), {
    saying: 'nats-server to accept clients', withinMs: 10_000, everyMs: 50,
  });
});
afterAll(async () => {
  await server.stop();
  folder[Symbol.dispose]();
});
afterEach(async () => {
  for (const step of giveBack.splice(0).reverse()) await step();
});

async function as(user: 'gateway' | 'coordinator' | 'ioc-host'): Promise<Bus> {
  const bus = await connectNats({ servers, user, password: { gateway: 'g', coordinator: 'c', 'ioc-host': 'h' }[user], name: user, log: silentLog });
  giveBack.push(() => bus.close());
  await ensureTopology(bus);
  return bus;
}

async function running() {
  const [gateway, coordinator, own] = [await as('gateway'), await as('coordinator'), await as('ioc-host')];
  const dictionary = fakeDictionary(coordinator, ['A', 'B', 'C']);
  giveBack.push(async () => await dictionary[Symbol.asyncDispose]());
  await coordinator.flush();
  const ca = new ScriptedChannelAccess(systemClock);
  const metrics = new Registry();
  const host = createIocHost({ id: 'host.1', bus: own, channelAccess: ca, clock: systemClock, log: silentLog, metrics });
  giveBack.push(() => host.stop());
  await host.start();
  await host.settled();
  ca.serve(a, ['A', 'B']);
  await own.flush();
  const ask = async <T>(subject: string, body: unknown): Promise<T> => json.decode<T>(await gateway.request(subject, json.encode(body), 2_000));
  return { gateway, coordinator, ca, host, dictionary, metrics, ask };
}

describe('an ioc-host answers', () => {
  test('live reads for the channels it watches, and leaves out the rest', async () => {
    const { gateway, ca, dictionary } = await running();
    ca.values.set('B', 7);
    const asked = emptyValueColumns(4);
    asked.channel.set([dictionary.id('B'), dictionary.id('C'), 999, dictionary.id('A')]);
    const { head, columns } = decodeFrame<LiveAnswer>(await gateway.request(subjects.liveRead, encodeFrame({ mode: 'live', deadlineMs: 500 }, asked), 2_000));
    expect(head).toEqual({ host: 'host.1' });
    const rows = new Map([...columns.channel].map((id, row) => [id, [columns.outcome[row], columns.num[row]]]));
    expect(rows).toEqual(new Map([[dictionary.id('A'), [ReadOutcome.ok, 0]], [dictionary.id('B'), [ReadOutcome.ok, 7]], [dictionary.id('C'), [ReadOutcome.notFound, 0]]]));
    // A and B of one IOC, and C of none: the memory of both answers is given back.
    expect(ca.recycled).toBe(2);
  });

  test('read items, and gives the memory of each answer back when it has gone out', async () => {
    const { coordinator, ca, dictionary } = await running();
    ca.values.set('B', 7);
    ca.arrays.set('A', Uint8Array.of(1, 2, 3));
    const replyTo = coordinator.inbox();
    const parts: ReturnType<typeof decodeFrame<ReadAnswer>>[] = [];
    coordinator.subscribe(replyTo, ({ body }) => void parts.push(decodeFrame<ReadAnswer>(body)));
    await coordinator.flush();
    const asked = emptyValueColumns(2);
    asked.channel.set(dictionary.ids(['A', 'B']));
    const item: ReadItem = { kind: 'read', job: 'job', item: 1, run: 1, ioc: a, mode: 'live', deadlineMs: 500, expiresAt: Date.now() + 10_000, replyTo };
    await coordinator.store(subjects.work('host.1', 'read'), encodeFrame(item, asked));
    await eventually(() => parts.length > 0, { saying: 'the answer' });
    const { columns } = parts[0]!;
    expect([Array.from(columns.channel), Array.from(columns.outcome), columns.num[1], columns.bytes.get(0)]).toEqual([Array.from(asked.channel), [1, 1], 7, Uint8Array.of(1, 2, 3)]);
    expect(ca.recycled).toBe(1);
  });

  test('its IOCs, and the channels of one', async () => {
    const { ask } = await running();
    const all = await ask<{ host: string; iocs: IocView[] }>(subjects.hostIocs, {});
    expect([all.host, all.iocs.map(({ name, state }) => [name, state])]).toEqual(['host.1', [[a, 'closed']]]);
    const one = await ask<{ channels: ChannelView[] }>(subjects.hostIocs, { ioc: a });
    expect(one.channels.map(({ name, state }) => [name, state])).toEqual([['A', 'connected'], ['B', 'connected']]);
    expect(await ask(subjects.hostIocs, { ioc: '10.9.9.9:1' })).toEqual({ host: 'host.1', iocs: [] });
  });

  test('operators\' orders, and says on the bus what changed', async () => {
    const { gateway, ask } = await running();
    const heard: IocView[] = [];
    gateway.subscribe(subjects.iocEvents, ({ body }) => void heard.push(json.decode<IocView>(body)));
    await gateway.flush();
    expect(await ask<IocView>(subjects.hostCommand, { ioc: a, command: 'open', reason: 'power cycle', who: 'ada' })).toMatchObject({ state: 'forcedOpen', forcedBy: 'ada' });
    await eventually(() => heard.some(({ name, state }) => name === a && state === 'forcedOpen'), { saying: 'the event' });
    expect(await ask<IocView>(subjects.hostCommand, { ioc: a, command: 'close', reason: 'done', who: 'ada' })).toMatchObject({ state: 'closed', forcedBy: null });
  });

  test('D1: an order without a reason is refused with the field, and an IOC that is not here with silence', async () => {
    const { ask } = await running();
    await expect(ask(subjects.hostCommand, { ioc: a, command: 'open', reason: ' ', who: 'ada' })).rejects.toMatchObject({ code: 'badInput', faults: ['reason: say why: it goes to the audit log'] });
    await expect(ask(subjects.hostCommand, { ioc: '10.9.9.9:1', command: 'open', reason: 'x', who: 'ada' })).rejects.toMatchObject({ code: 'timeout' });
  });

  test('write items, within the rights of its role', async () => {
    const { coordinator, ca, dictionary } = await running();
    const ids = dictionary.ids(['A', 'B']);
    const item: WriteItem = {
      kind: 'write', job: 'rights', item: 1, ioc: a, deadlineMs: 500, readDeadlineMs: 500, window: 10, startBefore: Date.now() + 10_000,
      absTolerance: [0, 0], relTolerance: [0, 0], who: 'ada', reason: 'x',
    };
    await coordinator.store(subjects.work('host.1', 'write'), encodeFrame(item, targetsFor(ids, [1, 2])));
    const kinds = async () => (await coordinator.readLog(streams.restoreLog, subjects.restoreLog('rights', 1))).map(({ body }) => decodeFrame<RestoreLogEntry>(body).head.kind).join();
    await eventuallyEqual(kinds, 'attempting,outcomes,finished', { saying: 'the log' });
    expect([ca.values.get('A'), ca.values.get('B')]).toEqual([1, 2]);
  });

  test('metrics when asked: IOCs and channels by state, rows read', async () => {
    const { metrics, gateway, dictionary } = await running();
    const asked = emptyValueColumns(1);
    asked.channel[0] = dictionary.id('A');
    await gateway.request(subjects.liveRead, encodeFrame({ mode: 'live', deadlineMs: 500 }, asked), 2_000);
    const page = await metrics.metrics();
    for (const line of ['drey_iocs{state="closed"} 1', 'drey_channels{state="connected"} 2', 'drey_channels{state="searching"} 1', 'drey_ioc_reads_total{outcome="ok"} 1']) {
      expect(page).toContain(line);
    }
  });
});
