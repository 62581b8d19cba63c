/** One of four IOCs hangs: acceptance of the breaker on real soft IOCs. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { IocView } from '../../src/contracts/iocs.ts';
import type { SnapshotSummary } from '../../src/contracts/snapshots.ts';
import { eventually, freePort, hang, manyRecords, startDrey, startSoftIoc, type Drey } from '../harness/index.ts';

const perIoc = 100;
const deadlineMs = 1000;
let iocs: Awaited<ReturnType<typeof startSoftIoc>>[];
let drey: Drey;
let otherPort: number;

beforeAll(async () => {
  iocs = await Promise.all([0, 1, 2, 3].map((ioc) => startSoftIoc({ records: manyRecords(perIoc, (n) => ({ type: 'ao', name: `I${ioc}:${n}`, fields: { VAL: n } })) })));
  otherPort = await freePort();
  drey = await startDrey({ addressList: [...iocs.map((ioc) => ioc.port), otherPort].map((port) => `127.0.0.1:${port}`).join(' '), environment: { DREY_BREAKER_BASE_MS: '2000', DREY_CA_ECHO_IDLE_MS: '60000' } });
  await drey.post('/v1/pvs/multi', iocs.flatMap((_, ioc) => Array.from({ length: perIoc }, (_unused, n) => ({ setpointAddress: `I${ioc}:${n}` }))));
  await drey.connected(4 * perIoc);
}, 120_000);

afterAll(async () => {
  iocs?.[2]?.process.signal('SIGCONT');
  await drey?.[Symbol.asyncDispose]();
  await Promise.all(iocs?.map((ioc) => ioc.stop()) ?? []);
});

const take = (title: string, mode = 'live', withinMs = deadlineMs): Promise<SnapshotSummary> => drey.post('/v1/snapshots?async=false', { title, mode, deadlineMs: withinMs });
const breaker = async (ioc: number): Promise<IocView> => (await drey.get<IocView[]>('/v1/iocs')).find(({ name }) => name === `127.0.0.1:${iocs[ioc]!.port}`)!;

test('I1, I2: a hung IOC costs one timeout once, then nothing, and its breaker closes by itself', async () => {
  const good = await take('all well');
  expect(good.quality.outcomes).toEqual({ ok: 4 * perIoc });

  await hang(iocs[2]!.process);
  const first = await take('one hangs');
  expect(first.quality.outcomes).toEqual({ ok: 3 * perIoc, timeout: perIoc });
  expect(first.quality.iocsNotAnswering.map(({ ioc }) => ioc)).toEqual([`127.0.0.1:${iocs[2]!.port}`]);
  // One deadline, not several; the rest is what a loaded machine needs.
  expect(first.quality.durationMs).toBeGreaterThanOrEqual(deadlineMs);
  expect(first.quality.durationMs).toBeLessThan(2 * deadlineMs);

  await eventually(async () => ['open', 'halfOpen'].includes((await breaker(2)).state), { saying: 'the breaker to open' });
  expect((await breaker(2)).channels).toMatchObject({ total: perIoc, connected: 0, unresponsive: perIoc });
  expect(await eventually(async () => {
    const health = await drey.get<{ connected_pvs: number; unresponsive_pvs: number }>('/v1/health/summary');
    return health.unresponsive_pvs > 0 && health;
  }, { saying: 'the next beat' })).toMatchObject({ connected_pvs: 3 * perIoc, unresponsive_pvs: perIoc });
  const second = await take('breaker open');
  expect(second.quality.outcomes).toEqual({ ok: 3 * perIoc, iocOpen: perIoc });
  expect(second.quality.durationMs).toBeLessThan(deadlineMs);
  expect(second.quality.iocsNotAnswering[0]?.reason).toMatch(/open/);

  const monitored = await take('from monitors', 'monitored');
  expect(monitored.quality.outcomes).toEqual({ ok: 3 * perIoc, iocOpen: perIoc });

  iocs[2]!.process.signal('SIGCONT');
  await eventually(async () => (await breaker(2)).state === 'closed', { saying: 'the breaker to close by itself', withinMs: 20_000 });
  expect((await take('well again')).quality.outcomes).toEqual({ ok: 4 * perIoc });
}, 90_000);

test('S1: a monitored snapshot passes off no value of an IOC that hangs, before any breaker knows', async () => {
  await hang(iocs[2]!.process);
  const taken = await take('from monitors', 'monitored');
  expect(taken.quality.outcomes).toEqual({ ok: 3 * perIoc, timeout: perIoc });
  iocs[2]!.process.signal('SIGCONT');
  await eventually(async () => (await breaker(2)).state === 'closed', { saying: 'the breaker to close by itself', withinMs: 20_000 });
}, 60_000);

test('a killed IOC opens its breaker at once, and comes back on another port under its new address', async () => {
  const records = manyRecords(perIoc, (n) => ({ type: 'ao', name: `I3:${n}`, fields: { VAL: n } }));
  iocs[3]!.process.signal('SIGKILL');
  await eventually(async () => (await breaker(3)).state !== 'closed', { saying: 'the breaker to open' });
  const down = await take('one is dead');
  expect(down.quality.outcomes).toMatchObject({ ok: 3 * perIoc });
  expect(down.quality.durationMs).toBeLessThan(deadlineMs);
  iocs[3] = await startSoftIoc({ records, port: otherPort });
  await eventually(async () => (await take('is it back')).quality.outcomes['ok'] === 4 * perIoc, { saying: 'the IOC to be back', withinMs: 30_000, everyMs: 500 });
  expect(await breaker(3)).toMatchObject({ name: `127.0.0.1:${otherPort}`, state: 'closed', channels: { connected: perIoc } });
}, 90_000);

test('an operator opens and closes a breaker, with a reason that is kept', async () => {
  const name = encodeURIComponent(`127.0.0.1:${iocs[0]!.port}`);
  const forced = await drey.post<IocView>(`/v1/iocs/${name}/open`, { reason: 'maintenance' });
  expect(forced).toMatchObject({ state: 'forcedOpen', reason: expect.stringContaining('maintenance') as string });
  expect((await take('in maintenance')).quality.outcomes).toEqual({ ok: 3 * perIoc, iocOpen: perIoc });
  expect((await drey.call('POST', `/v1/iocs/${name}/close`, {})).status).toBeGreaterThanOrEqual(400);
  expect(await drey.post<IocView>(`/v1/iocs/${name}/close`, { reason: 'done' })).toMatchObject({ state: 'closed' });
  expect((await take('after maintenance')).quality.outcomes).toEqual({ ok: 4 * perIoc });
  const audit = await drey.get<{ results: { why: string }[] }>('/v1/audit?limit=100');
  expect(audit.results.map((event) => event.why)).toEqual(expect.arrayContaining(['maintenance', 'done']));
}, 60_000);

test('I1: PVs that no IOC has, and some that their IOC has lost, cost a snapshot nothing', async () => {
  const lost = 10;
  const { port } = iocs[3]!;
  iocs[3]!.process.signal('SIGKILL');
  await eventually(async () => (await breaker(3)).state !== 'closed', { saying: 'the breaker to open' });
  iocs[3] = await startSoftIoc({ records: manyRecords(perIoc - lost, (n) => ({ type: 'ao', name: `I3:${n}`, fields: { VAL: n } })), port });
  await eventually(async () => (await breaker(3)).state === 'closed' && (await breaker(3)).channels.connected === perIoc - lost, { saying: 'the IOC to be back', withinMs: 30_000 });
  await drey.post('/v1/pvs/multi', Array.from({ length: perIoc }, (_, n) => ({ setpointAddress: `NO:SUCH:${n}` })));
  for (const mode of ['live', 'monitored']) {
    const taken = await eventually(async () => {
      const { quality } = await take(`dead PVs, ${mode}`, mode, 20_000);
      return quality.outcomes['notOwned'] === undefined ? quality : undefined;
    }, { saying: 'the new PVs to be watched' });
    expect(taken.outcomes['ok'], mode).toBe(4 * perIoc - lost);
    expect(taken.rows - taken.outcomes['ok']!, mode).toBe(perIoc + lost);
    // Far from the deadline, on a loaded machine too.
    expect(taken.durationMs, mode).toBeLessThan(5_000);
  }
}, 90_000);
