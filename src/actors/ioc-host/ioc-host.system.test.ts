/** The ioc-host on real soft IOCs, a real NATS server and the wire client. */
import { afterEach, beforeAll, afterAll, describe, expect, test } from 'vitest';
import { eventually, eventuallyEqual, hang, manyRecords, startNats, startSoftIoc, temporaryFolder, type NatsServer, type SoftIoc } from '../../../testing/harness/index.ts';
import { fakeDictionary, type FakeDictionary } from '../../../testing/fakes/dictionary.ts';
import { connectNats, ensureTopology } from '../../bus/nats/index.ts';
import { json, type Bus } from '../../bus/port.ts';
import { createWireClient } from '../../channel-access/wire/index.ts';
import type { ChannelAccess } from '../../channel-access/port.ts';
import { describeCaFaults, readCaEnvironment } from '../../channel-access/environment.ts';
import { decodeFrame, encodeFrame } from '../../contracts/frame.ts';
import type { IocView } from '../../contracts/iocs.ts';
import { RestoreOutcome, restoreReasonNames } from '../../contracts/restores.ts';
import { unrolled } from '../../contracts/row-results.ts';
import { streams, subjects } from '../../contracts/subjects.ts';
import { copyValueRow, emptyValueColumns, ReadOutcome, ValueKind, type ValueColumns } from '../../contracts/values.ts';
import type { ReadAnswer, ReadItem, RestoreLogEntry, WriteItem } from '../../contracts/work.ts';
import { systemClock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import { Registry } from 'prom-client';
import { createIocHost, type IocHost } from './index.ts';

const perIoc = 50;
const namesOf = (n: number): string[] => Array.from({ length: perIoc }, (_, i) => `IOC${n}:${i}`);
const recordsOf = (n: number): string => manyRecords(perIoc, (i) => ({ type: 'ao', name: `IOC${n}:${i}`, fields: { VAL: n * 1_000 + i, PINI: 'YES' } }));

let nats: NatsServer;
beforeAll(async () => void (nats = await startNats()));
afterAll(async () => await nats.stop());

const giveBack: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of giveBack.splice(0).reverse()) await step();
});

async function bus(url: string): Promise<Bus> {
  const made = await connectNats({ servers: url, name: 'test', log: silentLog });
  await ensureTopology(made);
  giveBack.push(() => made.close());
  return made;
}

async function softIoc(n: number, port?: number): Promise<SoftIoc> {
  const made = await startSoftIoc({ records: recordsOf(n), ...(port === undefined ? {} : { port }) });
  giveBack.push(() => made.stop());
  return made;
}

interface Running {
  readonly host: IocHost;
  readonly ca: ChannelAccess;
  readonly bus: Bus;
  stop(): Promise<void>;
}

async function iocHost(id: string, addresses: readonly string[], url = nats.url): Promise<Running> {
  const own = await connectNats({ servers: url, name: id, log: silentLog });
  const read = readCaEnvironment({ EPICS_CA_AUTO_ADDR_LIST: 'NO', EPICS_CA_ADDR_LIST: addresses.join(' '), EPICS_CA_MAX_SEARCH_PERIOD: '60' });
  if (!read.ok) throw new Error(describeCaFaults(read.faults));
  const ca = createWireClient({
    environment: read.environment,
    threads: 1, capacity: 4_096, echoIdleMs: 500, echoTimeoutMs: 300,
  });
  const host = createIocHost({ id, bus: own, channelAccess: ca, clock: systemClock, log: silentLog, metrics: new Registry(), breaker: { baseMs: 200, maxMs: 400, probeTimeoutMs: 300 } });
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    await host.stop();
    await ca.stop();
    await own.close();
  };
  giveBack.push(stop);
  await host.start();
  return { host, ca, bus: own, stop };
}

const connectedCount = ({ host }: Running): number => host.facility.views().reduce((sum, view) => sum + view.channels.connected, 0);
const whenConnected = (running: Running, count: number) => eventuallyEqual(() => connectedCount(running), count, { saying: `${count} channels connected`, withinMs: 15_000 });

let item = 0;
/** Scatters one read item and gathers its answer, rows in the order asked. */
async function readWork(asker: Bus, host: string, ids: Int32Array, options: Partial<ReadItem> = {}): Promise<{ heads: ReadAnswer[]; columns: ValueColumns; ms: number }> {
  const replyTo = asker.inbox();
  const parts: { head: ReadAnswer; columns: ValueColumns }[] = [];
  const subscription = asker.subscribe(replyTo, ({ body }) => void parts.push(decodeFrame<ReadAnswer>(body)));
  const asked = emptyValueColumns(ids.length);
  asked.channel.set(ids);
  const head: ReadItem = { kind: 'read', job: 'job', item: ++item, run: 1, ioc: null, mode: 'live', deadlineMs: 1_000, expiresAt: Date.now() + 10_000, replyTo, ...options };
  const began = performance.now();
  await asker.store(subjects.work(host, 'read'), encodeFrame(head, asked));
  await eventually(() => parts.length > 0 && parts.length === parts[0]!.head.parts, { saying: 'all parts of the answer', withinMs: 10_000 });
  await subscription.stop();
  const columns = emptyValueColumns(ids.length);
  for (const part of parts) for (let row = 0; row < part.columns.length; row++) copyValueRow(part.columns, row, columns, ids.indexOf(part.columns.channel[row]!));
  return { heads: parts.map((part) => part.head), columns, ms: performance.now() - began };
}

const tally = (outcome: Uint8Array): Record<number, number> => {
  const counts: Record<number, number> = {};
  for (const one of outcome) counts[one] = (counts[one] ?? 0) + 1;
  return counts;
};

async function writeWork(asker: Bus, host: string, job: string, ids: Int32Array, values: readonly number[], options: Partial<WriteItem> = {}): Promise<void> {
  const targets = emptyValueColumns(ids.length);
  targets.channel.set(ids);
  targets.num.set(values);
  targets.kind.fill(ValueKind.double);
  targets.outcome.fill(ReadOutcome.ok);
  const head: WriteItem = {
    kind: 'write', job, item: 1, ioc: 'any', deadlineMs: 1_000, readDeadlineMs: 1_000, window: 128, startBefore: Date.now() + 60_000,
    absTolerance: ids.length ? Array.from(ids, () => 0) : [], relTolerance: Array.from(ids, () => 0), who: 'ada', reason: 'test', ...options,
  };
  await asker.store(subjects.work(host, 'write'), encodeFrame(head, targets));
}

async function logOf(asker: Bus, job: string): Promise<RestoreLogEntry[]> {
  return (await asker.readLog(streams.restoreLog, subjects.restoreLog(job, 1))).map(({ body }) => decodeFrame<RestoreLogEntry>(body).head);
}
const finishedLog = (asker: Bus, job: string) =>
  eventually(async () => {
    const entries = await logOf(asker, job);
    return entries.some((entry) => entry.kind === 'finished') && entries;
  }, { saying: `job ${job} finished in the log`, withinMs: 10_000, everyMs: 50 });

async function ground(iocs: readonly number[], url = nats.url): Promise<{ asker: Bus; dictionary: FakeDictionary; softIocs: SoftIoc[] }> {
  const asker = await bus(url);
  const softIocs: SoftIoc[] = [];
  for (const n of iocs) softIocs.push(await softIoc(n));
  const dictionary = fakeDictionary(asker, iocs.flatMap(namesOf));
  giveBack.push(async () => await dictionary[Symbol.asyncDispose]());
  await asker.flush();
  return { asker, dictionary, softIocs };
}

describe('an ioc-host on real IOCs', () => {
  test('watches the dictionary, finds the IOCs, reports them and answers work', async () => {
    const { asker, dictionary, softIocs } = await ground([1, 2]);
    const running = await iocHost('h1', softIocs.map((ioc) => ioc.address));
    await whenConnected(running, 2 * perIoc);
    expect(running.host.facility.views().map((view) => [view.name, view.state, view.channels.connected]).sort()).toEqual(
      softIocs.map((ioc) => [ioc.address, 'closed', perIoc]).sort(),
    );
    await eventuallyEqual(() => dictionary.found.size, 2 * perIoc, { saying: 'channels in the directory' }); 
    expect(dictionary.found.get('IOC2:7')).toBe(softIocs[1]!.address);

    const ids = dictionary.ids([...namesOf(1), ...namesOf(2)]);
    const { heads, columns } = await readWork(asker, 'h1', ids);
    expect(tally(columns.outcome)).toEqual({ [ReadOutcome.ok]: 2 * perIoc });
    expect([...columns.channel]).toEqual([...ids]);
    expect([...columns.num]).toEqual([...namesOf(1).map((_, i) => 1_000 + i), ...namesOf(2).map((_, i) => 2_000 + i)]);
    expect(heads.map(({ ioc, host, breaker, iocProblem }) => ({ ioc, host, breaker, iocProblem }))).toEqual(softIocs.map(({ address }) => ({ ioc: address, host: 'h1', breaker: 'closed', iocProblem: null })));
  });

  test('I1, I2: a hung IOC costs its rows one timeout, then nothing; it is back by itself', async () => {
    const { asker, dictionary, softIocs } = await ground([1, 2]);
    const running = await iocHost('h2', softIocs.map((ioc) => ioc.address));
    await whenConnected(running, 2 * perIoc);
    const ids = dictionary.ids([...namesOf(1), ...namesOf(2)]);
    await hang(softIocs[0]!.process);
    const first = await readWork(asker, 'h2', ids, { deadlineMs: 200 });
    expect(tally(first.columns.outcome)).toEqual({ [ReadOutcome.timeout]: perIoc, [ReadOutcome.ok]: perIoc });
    const second = await readWork(asker, 'h2', ids, { deadlineMs: 30_000 });
    expect(tally(second.columns.outcome)).toEqual({ [ReadOutcome.iocOpen]: perIoc, [ReadOutcome.ok]: perIoc });
    expect(second.heads.find((head) => head.ioc === softIocs[0]!.address)!.iocProblem).toMatch(/^breaker (open|half-open): /);
    expect(second.ms).toBeLessThan(5_000);
    softIocs[0]!.kill('SIGCONT');
    await eventuallyEqual(() => running.host.facility.view(softIocs[0]!.address)!.state, 'closed', { saying: 'the breaker', withinMs: 10_000 });
    const third = await readWork(asker, 'h2', ids);
    expect(tally(third.columns.outcome)).toEqual({ [ReadOutcome.ok]: 2 * perIoc });
  });

  test('S1: monitored rows of a hung IOC are not passed off as values', async () => {
    const { asker, dictionary, softIocs } = await ground([1, 2]);
    const running = await iocHost('h3', softIocs.map((ioc) => ioc.address));
    await whenConnected(running, 2 * perIoc);
    const ids = dictionary.ids([...namesOf(1), ...namesOf(2)]);
    await eventually(async () => tally((await readWork(asker, 'h3', ids, { mode: 'monitored' })).columns.outcome)[ReadOutcome.ok] === 2 * perIoc, { saying: 'first updates of all', withinMs: 10_000 });
    await hang(softIocs[0]!.process);
    const { columns } = await readWork(asker, 'h3', ids, { mode: 'monitored', deadlineMs: 200 });
    expect([...columns.outcome.subarray(0, perIoc)].every((outcome) => outcome === ReadOutcome.timeout || outcome === ReadOutcome.iocOpen)).toBe(true);
    expect([...columns.outcome.subarray(perIoc)].every((outcome) => outcome === ReadOutcome.ok)).toBe(true);
    softIocs[0]!.kill('SIGCONT');
  });

  test('an IOC that is killed opens its breaker at once, and its channels move when it comes back on another port', async () => {
    const { asker, dictionary, softIocs } = await ground([1]);
    const spare = await softIoc(9);
    const nextPort = spare.port;
    await spare.stop();
    const running = await iocHost('h4', [softIocs[0]!.address, `127.0.0.1:${nextPort}`]);
    await whenConnected(running, perIoc);
    softIocs[0]!.kill('SIGKILL');
    await eventuallyEqual(() => running.host.facility.view(softIocs[0]!.address)!.state, 'open', { saying: 'the breaker of the killed IOC' });
    const ids = dictionary.ids(namesOf(1));
    const gone = await readWork(asker, 'h4', ids, { deadlineMs: 30_000 });
    expect(tally(gone.columns.outcome)).toEqual({ [ReadOutcome.iocOpen]: perIoc });

    const back = await softIoc(1, nextPort);
    await eventuallyEqual(() => running.host.facility.view(back.address)?.channels.connected ?? 0, perIoc, { saying: 'channels on the other port', withinMs: 20_000 });
    expect(running.host.facility.view(softIocs[0]!.address)!.channels.total).toBe(0);
    expect(tally((await readWork(asker, 'h4', ids)).columns.outcome)).toEqual({ [ReadOutcome.ok]: perIoc });
    await eventuallyEqual(() => dictionary.found.get('IOC1:0'), back.address, { saying: 'the directory' });
  });

  test('catalogue changes reach the IOC actors live', async () => {
    const { asker, dictionary, softIocs } = await ground([1]);
    const running = await iocHost('h5', [softIocs[0]!.address]);
    await whenConnected(running, perIoc);
    dictionary.set([...namesOf(1).slice(0, 10), 'NOBODY:HAS:THIS']);
    await eventuallyEqual(() => running.host.facility.view(softIocs[0]!.address)!.channels.total, 10, { saying: 'channels of the IOC' });
    await eventuallyEqual(() => running.host.facility.channels(null).length, 1, { saying: 'unresolved channels' });
    const { columns } = await readWork(asker, 'h5', dictionary.ids(['IOC1:0', 'IOC1:20', 'NOBODY:HAS:THIS']));
    expect([...columns.outcome]).toEqual([ReadOutcome.ok, ReadOutcome.notOwned, ReadOutcome.notFound]);
  });

  test('R4: a write item ends with one outcome per row, verified by reading back', async () => {
    const { asker, dictionary, softIocs } = await ground([1]);
    const running = await iocHost('h6', [softIocs[0]!.address]);
    await whenConnected(running, perIoc);
    const ids = dictionary.ids(namesOf(1));
    await writeWork(asker, 'h6', 'restore-1', ids, namesOf(1).map((_, i) => i / 7));
    const entries = await finishedLog(asker, 'restore-1');
    expect(entries.map((entry) => entry.kind)).toEqual(['attempting', 'outcomes', 'finished']);
    const outcomes = entries.flatMap((entry) => (entry.kind === 'outcomes' ? unrolled(entry.results) : []));
    expect(outcomes.map(([outcome]) => outcome)).toEqual(namesOf(1).map(() => RestoreOutcome.verified));
    const { columns } = await readWork(asker, 'h6', ids);
    expect([...columns.num]).toEqual(namesOf(1).map((_, i) => i / 7));
  });

  test('I2: rows of an IOC whose breaker is open are held, nothing is queued for it', async () => {
    const { asker, dictionary, softIocs } = await ground([1]);
    const running = await iocHost('h7', [softIocs[0]!.address]);
    await whenConnected(running, perIoc);
    const view = json.decode<IocView>(await asker.request(subjects.hostCommand, json.encode({ ioc: softIocs[0]!.address, command: 'open', reason: 'power cycle', who: 'ada' }), 2_000));
    expect(view).toMatchObject({ state: 'forcedOpen', forcedBy: 'ada', reason: 'open by ada: power cycle' });
    await writeWork(asker, 'h7', 'restore-2', dictionary.ids(['IOC1:3']), [77]);
    const entries = await finishedLog(asker, 'restore-2');
    expect(entries.flatMap((entry) => (entry.kind === 'outcomes' ? unrolled(entry.results) : []))).toEqual([[RestoreOutcome.held, restoreReasonNames.indexOf('iocOpen'), 0]]);
    await asker.request(subjects.hostCommand, json.encode({ ioc: softIocs[0]!.address, command: 'close', reason: 'done', who: 'ada' }), 2_000);
    expect((await readWork(asker, 'h7', dictionary.ids(['IOC1:3']))).columns.num[0]).toBe(1_003);
  });

  test('an IOC that an operator took out of service stays out when its host is restarted', async () => {
    const { asker, dictionary, softIocs } = await ground([1]);
    const { address } = softIocs[0]!;
    const before = await iocHost('h8', [address]);
    await whenConnected(before, perIoc);
    await asker.request(subjects.hostCommand, json.encode({ ioc: address, command: 'open', reason: 'power cycle', who: 'ada' }), 2_000);
    await before.stop();
    const after = await iocHost('h8', [address]);
    await eventuallyEqual(() => after.host.facility.view(address)?.channels.total ?? 0, perIoc, { saying: 'channels assigned by directory' });
    expect(after.host.facility.view(address)).toMatchObject({ state: 'forcedOpen', forcedBy: 'ada', reason: 'open by ada: power cycle' });
    const closed = json.decode<IocView>(await asker.request(subjects.hostCommand, json.encode({ ioc: address, command: 'close', reason: 'done', who: 'ada' }), 2_000));
    expect(closed.state).toBe('closed');
    await whenConnected(after, perIoc);
    expect(tally((await readWork(asker, 'h8', dictionary.ids(namesOf(1)))).columns.outcome)).toEqual({ [ReadOutcome.ok]: perIoc });
  });

  test('NATS gone and back: monitors go on meanwhile, and work is served again without a restart', async () => {
    const folder = temporaryFolder('nats-outage');
    const first = await startNats({ dataFolder: folder.path });
    const server = { current: first };
    giveBack.push(async () => {
      await server.current.stop();
      folder[Symbol.dispose]();
    });
    const { asker, dictionary, softIocs } = await ground([1], first.url);
    const running = await iocHost('h9', [softIocs[0]!.address], first.url);
    await whenConnected(running, perIoc);
    await first.stop();
    await eventuallyEqual(() => running.bus.state, 'disconnected', { saying: 'the bus' });
    expect(connectedCount(running)).toBe(perIoc);
    server.current = await startNats({ dataFolder: folder.path, port: first.port });
    await eventuallyEqual(() => asker.state, 'connected', { saying: 'the asker\'s bus', withinMs: 15_000 });
    await eventually(async () => (await (await asker.keyValue('drey-hosts')).keys()).includes('h9'), { saying: 'a beat', withinMs: 15_000, everyMs: 200 });
    const { columns } = await readWork(asker, 'h9', dictionary.ids(namesOf(1)), { expiresAt: Date.now() + 60_000 });
    expect(tally(columns.outcome)).toEqual({ [ReadOutcome.ok]: perIoc });
    dictionary.set(namesOf(1).slice(0, 5));
    await eventuallyEqual(() => running.host.facility.view(softIocs[0]!.address)!.channels.total, 5, { saying: 'channels after a change of the catalogue', withinMs: 15_000 });
  });

  test('two hosts share the facility, and one takes over when the other goes', async () => {
    const { dictionary, softIocs } = await ground([1, 2, 3, 4]);
    const addresses = softIocs.map((ioc) => ioc.address);
    const one = await iocHost('share-a', addresses);
    await whenConnected(one, 4 * perIoc);
    await eventuallyEqual(() => dictionary.found.size, 4 * perIoc, { saying: 'the directory' });
    const two = await iocHost('share-b', addresses);
    await eventually(() => connectedCount(one) + connectedCount(two) === 4 * perIoc && one.host.facility.views().every((view) => !two.host.facility.views().some((other) => other.name === view.name && other.channels.total > 0 && view.channels.total > 0)), {
      saying: 'each IOC with one host', withinMs: 15_000,
    });
    await one.stop();
    await whenConnected(two, 4 * perIoc);
  });
});
