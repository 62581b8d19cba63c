import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFakeIocHost, startGateway, storeSnapshot, type FakeIocHost, type GatewayForTest, type SavedValue } from '../../testing/gateway/index.ts';
import { eventually } from '../../testing/harness/index.ts';
import type { CatalogueEntry } from '../contracts/catalogue.ts';
import { ReadOutcome, ValueKind } from '../contracts/values.ts';

let gateway: GatewayForTest;
let host: FakeIocHost;
let entries: CatalogueEntry[];
let tagId: string;
const units = { units: 'A' };
const labels = { labels: ['Off', 'On'] };

const wave = (...numbers: number[]): SavedValue => ({ kind: ValueKind.double, bytes: new Uint8Array(Float64Array.from(numbers).buffer) });
const base: Record<string, SavedValue> = {
  'M:1': { num: 1, meta: units }, 'M:1:RB': { num: 1, meta: units }, 'M:2': { num: 2 }, 'M:3': { num: 3 }, WAVE: wave(1, 2, 3, 4), MODE: { kind: ValueKind.enum, num: 0, meta: labels },
};
const saved = (title: string, changes: Record<string, SavedValue> = {}) => storeSnapshot(gateway.persistence, title, { ...base, ...changes });
const rowsOf = (compared: { differences: { pvName: string }[] }) => new Map(compared.differences.map((row) => [row.pvName, row]));

beforeAll(async () => {
  gateway = await startGateway();
  entries = await gateway.good('POST', '/v1/pvs/multi', [
    { setpointAddress: 'M:1', readbackAddress: 'M:1:RB', device: 'M1', absTolerance: 0.1, tagNames: { Area: ['L1'] } },
    { setpointAddress: 'M:2', device: 'M2', relTolerance: 0.1 }, { setpointAddress: 'M:3', device: 'M3', tagNames: { Area: ['L1'] } },
    { readbackAddress: 'WAVE', device: 'SCOPE' }, { setpointAddress: 'MODE', device: 'K' },
  ]);
  tagId = entries[0]!.tags[0]!.id;
  host = await startFakeIocHost(gateway.bus, 'host-1', '127.0.0.1:5064');
  await eventually(async () => (await gateway.good('GET', '/v1/health/heartbeat')).alive, { saying: 'the gateway to see the host' });
});
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
});

test('only differences by default, every channel with all=true, each with its verdict and the tolerance applied', async () => {
  const [a, b] = [await saved('a'), await saved('b', { 'M:1': { num: 1.5, meta: units }, 'M:2': { num: 2.1 }, 'M:3': { outcome: ReadOutcome.timeout } })];
  const compared = await gateway.good('GET', `/v1/snapshots/${a.id}/compare/${b.id}`);
  expect(compared).toMatchObject({ differenceCount: 2, matchCount: 4, totalCount: 2 });
  expect(rowsOf(compared).get('M:1')).toMatchObject({ pvId: entries[0]!.id, role: 'setpoint', verdict: 'differs', value1: 1, value2: 1.5, difference: 0.5, units: 'A', absTolerance: 0.1, withinTolerance: false });
  // The missing side is named, with its reason.
  expect(rowsOf(compared).get('M:3')).toMatchObject({ verdict: 'onlyIn1', value1: 3, value2: null, reason: 'the IOC did not answer within the deadline' });

  const whole = await gateway.good('GET', `/v1/snapshots/${a.id}/compare/${b.id}?all=true`);
  expect(whole).toMatchObject({ differenceCount: 2, matchCount: 4, totalCount: 6 });
  expect(whole.differences.map(({ pvName }: { pvName: string }) => pvName)).toEqual(['M:1', 'M:1:RB', 'M:2', 'M:3', 'MODE', 'WAVE']);
  expect(rowsOf(whole).get('M:2')).toMatchObject({ verdict: 'same', withinTolerance: true, relTolerance: 0.1, value1: 2, value2: 2.1 });
  expect(rowsOf(whole).get('M:3')).toEqual(rowsOf(compared).get('M:3'));
  // Of an entry whose readback alone differs, the readback is shown and not the setpoint.
  const readback = await saved('readback', { 'M:1:RB': { num: 7, meta: units } });
  expect((await gateway.good('GET', `/v1/snapshots/${a.id}/compare/${readback.id}`)).differences).toMatchObject([{ pvId: entries[0]!.id, pvName: 'M:1:RB', role: 'readback', value1: 1, value2: 7 }]);
  const page = await gateway.good('GET', `/v1/snapshots/${a.id}/compare/${b.id}?all=true&limit=2&offset=3`);
  expect(page).toMatchObject({ totalCount: 6, limit: 2, offset: 3, differences: whole.differences.slice(3, 5) });
});

test('the comparison is the same the other way round, unlike one that divides by the first value', async () => {
  // 1.05 apart with a tolerance of 0.1: more than a tenth of the smaller, less than a tenth of the larger.
  const [a, b] = [await saved('ten', { 'M:2': { num: 10 } }), await saved('eleven', { 'M:2': { num: 11.05 } })];
  for (const query of ['', '?all=true']) for (const [first, second] of [[a, b], [b, a]] as const) {
    expect((await gateway.good('GET', `/v1/snapshots/${first.id}/compare/${second.id}${query}`)).differenceCount, `${first.title} against ${second.title}${query}`).toBe(0);
  }
});

test('tolerances of the request go before those of the catalogue', async () => {
  const [a, b] = [await saved('a'), await saved('b', { 'M:1': { num: 1.05, meta: units }, 'M:3': { num: 3.2 } })];
  const names = async (query: string): Promise<string[]> => [...rowsOf(await gateway.good('GET', `/v1/snapshots/${a.id}/compare/${b.id}${query}`)).keys()];
  expect(await names('')).toEqual(['M:3']);
  expect(await names('?absTolerance=0')).toEqual(['M:1', 'M:3']);
  expect(await names('?absTolerance=0.25')).toEqual([]);
  expect(await names('?relTolerance=0.1')).toEqual([]);
  expect(await names('?absTolerance=0&all=true&search=M:1')).toEqual(['M:1', 'M:1:RB']);
  expect((await gateway.refused('GET', `/v1/snapshots/${a.id}/compare/${b.id}?absTolerance=-1`)).status).toBe(422);
});

test('S2: tolerances, tags and devices are those of the snapshot\'s time, and choose what is compared', async () => {
  const [a, b] = [await saved('a'), await saved('b', { 'M:1': { num: 1.05, meta: units }, 'M:2': { num: 9 }, 'M:3': { num: 9 } })];
  await gateway.good('PUT', `/v1/pvs/${entries[0]!.id}`, { absTolerance: 0, tags: [], device: 'renamed' });
  const names = async (query: string): Promise<string[]> => [...rowsOf(await gateway.good('GET', `/v1/snapshots/${a.id}/compare/${b.id}?${query}`)).keys()];
  expect(await names('')).toEqual(['M:2', 'M:3']);
  expect(await names(`tags=${tagId}`)).toEqual(['M:3']);
  expect(await names(`tags=${tagId}&all=true`)).toEqual(['M:1', 'M:1:RB', 'M:3']);
  expect(await names('devices=M2&devices=M1&all=true')).toEqual(['M:1', 'M:1:RB', 'M:2']);
  expect(await names('search=scope&all=true')).toEqual(['WAVE']);
  expect(await gateway.refused('GET', `/v1/snapshots/${a.id}/compare/${b.id}?tags=nonsense`)).toMatchObject({ status: 404, body: { detail: expect.stringContaining('nonsense') } });
  await gateway.good('PUT', `/v1/pvs/${entries[0]!.id}`, { absTolerance: 0.1, tags: [tagId], device: 'M1' });
});

test('arrays differ by element within the tolerance, with the first, the worst and the count', async () => {
  const [a, b] = [await saved('a'), await saved('b', { WAVE: wave(1, 2.5, 3.25, 14) }), ];
  const { differences } = await gateway.good('GET', `/v1/snapshots/${a.id}/compare/${b.id}?absTolerance=0.3`);
  expect(differences).toMatchObject([{ pvName: 'WAVE', array: { count: 2, first: 1, worst: 3, worstDifference: 10, length1: 4, length2: 4 }, difference: null }]);
  const longer = await saved('longer', { WAVE: wave(1, 2, 3, 4, 5) });
  expect((await gateway.good('GET', `/v1/snapshots/${a.id}/compare/${longer.id}`)).differences).toMatchObject([{ array: { count: 1, first: 4, length1: 4, length2: 5, worstDifference: 'Infinity' } }]);
});

test('integers beyond 2^53, labels and texts are told apart as what they are', async () => {
  const made = await gateway.good<CatalogueEntry[]>('POST', '/v1/pvs/multi', ['K:BIG', 'K:BIG2', 'K:MODE', 'K:NAMELESS', 'K:NOTE', 'K:NUMBER'].map((setpointAddress) => ({ setpointAddress })));
  const big = (exactly: string): SavedValue => ({ kind: ValueKind.int64, num: Number(exactly), text: exactly });
  const mode = (num: number, meta?: { labels: string[] }): SavedValue => ({ kind: ValueKind.enum, num, ...(meta ? { meta } : {}) });
  // The record was given another state since: each label has another index.
  const shifted = { labels: ['Standby', 'Off', 'On'] };
  const [a, b, c] = [
    await saved('a', { 'K:BIG': big('9007199254740993'), 'K:BIG2': big('9007199254740993'), 'K:MODE': mode(1, labels), 'K:NAMELESS': mode(1), 'K:NOTE': { text: 'on' }, 'K:NUMBER': { text: '1.0' } }),
    await saved('b', { 'K:BIG': big('9007199254740992'), 'K:BIG2': big('9007199254740993'), 'K:MODE': mode(2, shifted), 'K:NAMELESS': mode(1, labels), 'K:NOTE': { text: 'On' }, 'K:NUMBER': { num: 1 } }),
    await saved('c', { 'K:MODE': mode(1, shifted) }),
  ];
  const differing = ['K:BIG', 'K:NOTE', 'K:NUMBER'];
  for (const query of ['', '&all=true']) {
    const { differences } = await gateway.good<{ differences: { pvName: string; verdict: string }[] }>('GET', `/v1/snapshots/${a.id}/compare/${b.id}?search=K:${query}`);
    expect(differences.filter(({ verdict }) => verdict !== 'same').map(({ pvName }) => pvName), query).toEqual(differing);
    expect(rowsOf({ differences }).get('K:BIG')).toMatchObject({ value1: '9007199254740993', value2: '9007199254740992' });
  }
  expect((await gateway.good('GET', `/v1/snapshots/${a.id}/compare/${c.id}?search=K:MODE`)).differences).toMatchObject([{ verdict: 'differs', value1: 1, value2: 1, enumLabel1: 'On', enumLabel2: 'Off' }]);
  expect((await gateway.good('POST', '/v1/snapshots/compare', { ids: [a.id, b.id], search: 'K:' })).differences.map(({ pvName }: { pvName: string }) => pvName)).toEqual(differing);
  for (const { id } of made) await gateway.good('DELETE', `/v1/pvs/${id}`);
});

test('a snapshot is held against the machine now, a PV that does not answer is named with its reason', async () => {
  const a = await saved('then');
  const { channels } = await gateway.persistence.catalogue.channels({ after: 0, limit: 100 });
  const id = (name: string): number => channels.find((channel) => channel.name === name)!.id;
  host.values.set(id('M:1'), { num: 1.05, meta: units });
  host.values.set(id('M:1:RB'), { num: 7, meta: units });
  host.values.set(id('M:2'), { outcome: ReadOutcome.disconnected });
  host.values.set(id('M:3'), { num: 3 });
  host.values.set(id('MODE'), { kind: ValueKind.enum, num: 1, meta: labels });
  const live = await gateway.good('GET', `/v1/snapshots/${a.id}/compare/live`);
  expect(live).toMatchObject({ snapshot1Id: a.id, snapshot2Id: null, mode: 'live', matchCount: 2, differenceCount: 4 });
  expect(Date.parse(live.comparedAt)).toBeGreaterThan(Date.now() - 60_000);
  expect(rowsOf(live).get('M:1:RB')).toMatchObject({ role: 'readback', value1: 1, value2: 7, difference: 6, units: 'A' });
  expect(rowsOf(live).get('M:2')).toMatchObject({ verdict: 'onlyIn1', value2: null, reason: 'the channel is disconnected from its IOC' });
  expect(rowsOf(live).get('MODE')).toMatchObject({ value1: 0, value2: 1, enumLabel1: 'Off', enumLabel2: 'On' });
  expect(rowsOf(live).get('WAVE')).toMatchObject({ verdict: 'onlyIn1', reason: 'the ioc-host asked does not watch this channel' });
  const asked = await gateway.good('POST', `/v1/snapshots/${a.id}/compare/live`, { devices: ['M1'], all: true, mode: 'monitored', absTolerance: 0.01 });
  expect(asked).toMatchObject({ mode: 'monitored', totalCount: 2, differences: [{ pvName: 'M:1', verdict: 'differs' }, { pvName: 'M:1:RB' }] });
  expect(host.reads.at(-1)).toMatchObject({ mode: 'monitored' });
});

test('several snapshots are held against the first, a row per channel that differs in any of them', async () => {
  const [a, b, c] = [await saved('a'), await saved('b', { 'M:1': { num: 2, meta: units } }), await saved('c', { 'M:3': { num: 4 }, MODE: { outcome: ReadOutcome.notFound } })];
  const many = await gateway.good('POST', '/v1/snapshots/compare', { ids: [a.id, b.id, c.id] });
  expect(many).toMatchObject({ snapshotIds: [a.id, b.id, c.id], differenceCount: 3, matchCount: 3, totalCount: 3 });
  expect(many.differences).toMatchObject([
    { pvName: 'M:1', units: 'A', values: [1, 2, 1], verdicts: ['same', 'differs', 'same'], differences: [0, 1, 0], absTolerance: 0.1 },
    { pvName: 'M:3', values: [3, 3, 4], verdicts: ['same', 'same', 'differs'] },
    { pvName: 'MODE', values: [0, 0, null], verdicts: ['same', 'same', 'onlyIn1'], enumLabels: ['Off', 'Off', null] },
  ]);
  expect(await gateway.good('POST', '/v1/snapshots/compare', { ids: [a.id, b.id], all: true, limit: 1, offset: 5 })).toMatchObject({ totalCount: 6, differences: [{ pvName: 'WAVE', verdicts: ['same', 'same'] }] });
  expect((await gateway.refused('POST', '/v1/snapshots/compare', { ids: [a.id] })).status).toBe(422);
  expect(await gateway.refused('POST', '/v1/snapshots/compare', { ids: [a.id, a.id] })).toMatchObject({ status: 422, body: { detail: expect.stringContaining('twice') } });
  expect((await gateway.refused('POST', '/v1/snapshots/compare', { ids: [a.id, '00000000-0000-4000-8000-000000000000'] })).status).toBe(404);
});

test('S2: entries that only a later snapshot knew are compared too, those that only the first knew as well', async () => {
  const a = await saved('before');
  const late = await gateway.good<CatalogueEntry>('POST', '/v1/pvs', { setpointAddress: 'LATE', device: 'late' });
  const b = await saved('after', { LATE: { num: 1 } });
  await gateway.good('DELETE', `/v1/pvs/${late.id}`);
  const c = await saved('afterwards');
  for (const query of ['', '&all=true']) {
    const compared = await gateway.good('GET', `/v1/snapshots/${a.id}/compare/${b.id}?search=LATE${query}`);
    expect(compared.differences, query).toMatchObject([{ pvId: late.id, pvName: 'LATE', verdict: 'onlyIn2', reason: 'the snapshot did not capture it' }]);
  }
  expect((await gateway.good('POST', '/v1/snapshots/compare', { ids: [a.id, c.id, b.id] })).differences).toMatchObject([{ pvName: 'LATE', values: [null, null, 1], verdicts: ['missing', 'missing', 'onlyIn2'] }]);
});

test('S2: the history of a PV is there under all addresses that its entry had, and after the entry is gone', async () => {
  const made = await gateway.good<CatalogueEntry>('POST', '/v1/pvs', { setpointAddress: 'H:OLD', readbackAddress: 'H:RB' });
  const first = await saved('first', { 'H:OLD': { num: 1, severity: 2, status: 3, meta: units }, 'H:RB': { num: 1.5 } });
  await gateway.good('PUT', `/v1/pvs/${made.id}`, { setpointAddress: 'H:NEW' });
  const second = await saved('second', { 'H:NEW': { num: 2 }, 'H:RB': { outcome: ReadOutcome.timeout } });
  await gateway.good('DELETE', `/v1/pvs/${made.id}`);

  const history = await gateway.good('GET', `/v1/pvs/${made.id}/history`);
  expect(history).toMatchObject({ totalCount: 2, limit: 100, offset: 0 });
  expect(history.results).toMatchObject([
    { snapshotId: second.id, title: 'second', setpointName: 'H:NEW', setpointValue: { value: 2 }, readbackName: 'H:RB', readbackValue: { value: null, outcome: 'timeout' } },
    { snapshotId: first.id, setpointName: 'H:OLD', setpointValue: { value: 1, severity: 2, units: 'A', timestampNs: '1700000000123456789' }, readbackValue: { value: 1.5 } },
  ]);
  expect(await gateway.good('GET', `/v1/pvs/${made.id}/history?limit=1&offset=1`)).toMatchObject({ totalCount: 2, results: [history.results[1]] });
  expect(await gateway.good('GET', `/v1/pvs/${made.id}/history?from=${second.createdDate}`)).toMatchObject({ totalCount: 1, results: [{ snapshotId: second.id }] });
  expect(await gateway.good('GET', '/v1/history?pvName=H:OLD')).toMatchObject({ totalCount: 1, results: [{ snapshotId: first.id, pvName: 'H:OLD', value: { value: 1, units: 'A' } }] });
  expect((await gateway.good('GET', '/v1/history?pvName=WAVE&limit=1')).results).toMatchObject([{ pvName: 'WAVE', value: { value: [1, 2, 3, 4] } }]);
  expect((await gateway.refused('GET', '/v1/history?pvName=NEVER:WAS')).status).toBe(404);
  expect((await gateway.refused('GET', '/v1/pvs/00000000-0000-4000-8000-000000000000/history')).status).toBe(404);
  expect((await gateway.refused('GET', '/v1/pvs/nonsense/history')).status).toBe(404);
  expect((await gateway.refused('GET', `/v1/pvs/${made.id}/history?from=yesterday`)).status).toBe(422);
});
