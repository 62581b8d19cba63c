import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFakeIocHost, startGateway, storeSnapshot, type FakeIocHost, type GatewayForTest } from '../../testing/gateway/index.ts';
import { eventually } from '../../testing/harness/index.ts';
import { json } from '../bus/port.ts';
import type { CatalogueEntry } from '../contracts/catalogue.ts';
import { decodeFrame } from '../contracts/frame.ts';
import type { SnapshotSummary } from '../contracts/snapshots.ts';
import { subjects } from '../contracts/subjects.ts';
import { ReadOutcome, ValueKind } from '../contracts/values.ts';

let gateway: GatewayForTest;
let host: FakeIocHost;
let entries: CatalogueEntry[];
let idOf: (name: string) => Promise<number>;
const kG = { units: 'kG', precision: 3, display: { low: -12, high: 12 }, control: { low: -10, high: 10 }, warning: { low: -9, high: 9 }, alarm: { low: -9.5, high: Infinity } };
const mode = { labels: ['Off', 'Standby', 'On'] };

beforeAll(async () => {
  gateway = await startGateway();
  entries = await gateway.good('POST', '/v1/pvs/multi', [
    { setpointAddress: 'Q:1:SP', readbackAddress: 'Q:1:RB', device: 'Q:1', absTolerance: 0.01, tagNames: { Area: ['L1'] } },
    { setpointAddress: 'Q:2:SP', device: 'Q:2' },
    { setpointAddress: 'K:MODE', device: 'K' },
    { readbackAddress: 'WAVE', device: 'SCOPE' },
    { setpointAddress: 'DEAD:SP', device: 'DEAD' },
    { setpointAddress: 'FIXED:SP', device: 'FIXED', readOnly: true },
  ]);
  const { channels } = await gateway.persistence.catalogue.channels({ after: 0, limit: 1000 });
  idOf = async (name) => channels.find((channel) => channel.name === name)!.id;
  host = await startFakeIocHost(gateway.bus, 'host-1', '127.0.0.1:5064');
  for (const [name, value] of Object.entries({
    'Q:1:SP': { num: 1.5, meta: kG }, 'Q:1:RB': { num: 1.49, meta: kG }, 'Q:2:SP': { num: NaN }, 'K:MODE': { kind: ValueKind.enum, num: 2, meta: mode }, 'FIXED:SP': { num: 1 }, 'DEAD:SP': { outcome: ReadOutcome.timeout },
  })) host.values.set(await idOf(name), value);
  // The gateway hears of the host through the bucket.
  await eventually(async () => (await gateway.good('GET', '/v1/health/heartbeat')).alive, { saying: 'the gateway to see the host' });
});
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
});

const saved = (values: Partial<Record<string, number>> = {}): Promise<SnapshotSummary> =>
  storeSnapshot(gateway.persistence, 'saved', {
    'Q:1:SP': { num: values['Q:1:SP'] ?? 1.5, meta: kG, severity: 1, status: 4 },
    'Q:1:RB': { num: values['Q:1:RB'] ?? 1.5, meta: kG },
    'Q:2:SP': { num: values['Q:2:SP'] ?? NaN },
    'K:MODE': { kind: ValueKind.enum, num: values['K:MODE'] ?? 1, meta: mode },
    WAVE: { kind: ValueKind.int64, bytes: new Uint8Array(new BigInt64Array([1n, 9007199254740993n]).buffer) },
    'FIXED:SP': { num: 5 },
  });

test('S1, S3: live values are there by name, as they are or with the reason why they are not', async () => {
  const values = await gateway.good('POST', '/v1/pvs/live', { pv_names: ['Q:1:SP', 'Q:2:SP', 'K:MODE', 'DEAD:SP', 'NO:SUCH', 'WAVE'], mode: 'live', deadlineMs: 500 });
  expect(values['Q:1:SP']).toMatchObject({ value: 1.5, connected: true, units: 'kG', precision: 3, severity: 0, timestampNs: '1700000000123456789', timestamp: expect.closeTo(1_700_000_000.123), outcome: 'ok', error: null, limits: { control: { low: -10, high: 10 } } });
  expect(values['Q:2:SP']).toMatchObject({ value: 'NaN', outcome: 'ok' });
  expect(values['K:MODE']).toMatchObject({ value: 2, enumLabel: 'On', labels: mode.labels });
  expect(values['DEAD:SP']).toMatchObject({ value: null, connected: false, outcome: 'timeout', reason: 'the IOC did not answer within the deadline' });
  expect(values['NO:SUCH']).toMatchObject({ value: null, connected: false, outcome: 'notInCatalogue' });
  expect(values['WAVE']).toMatchObject({ value: null, outcome: 'notOwned' });
  expect(host.reads.at(-1)).toEqual({ mode: 'live', deadlineMs: 500 });
  expect(await gateway.good('GET', '/v1/pvs/live?pv_names=Q:1:SP&pv_names=K:MODE')).toMatchObject({ 'Q:1:SP': { value: 1.5 }, 'K:MODE': { value: 2 } });
  expect(host.reads.at(-1)).toMatchObject({ mode: 'monitored' });
});

test('a PV registered a moment ago is known by name at once', async () => {
  const { id } = await gateway.good<CatalogueEntry>('POST', '/v1/pvs', { setpointAddress: 'LATE:SP' });
  expect((await gateway.good('POST', '/v1/pvs/live', { pv_names: ['LATE:SP'] }))['LATE:SP'].outcome).toBe('notOwned');
  // Other tests count the entries.
  await gateway.good('DELETE', `/v1/pvs/${id}`);
});

test('S1, S3: a snapshot shows every row with value or reason, alarm, time, units, limits and labels', async () => {
  const { id, pvCount } = await saved();
  const shown = await gateway.good('GET', `/v1/snapshots/${id}`);
  expect(shown).toMatchObject({ id, title: 'saved', pvCount, totalCount: shown.pvValues.length, limit: null, offset: 0, quality: { iocs: 1 } });
  const row = (name: string) => shown.pvValues.find(({ pvName }: { pvName: string }) => pvName === name);
  expect(row('Q:1:SP')).toMatchObject({
    pvId: entries[0]!.id, setpointName: 'Q:1:SP', readbackName: 'Q:1:RB', configName: null, absTolerance: 0.01, device: 'Q:1', tags: ['L1'], severity: 1, status: 4, timestamp: '2023-11-14T22:13:20.123Z',
    setpointValue: {
      value: 1.5, severity: 1, status: 4, units: 'kG', precision: 3, timestampNs: '1700000000123456789', outcome: 'ok', reason: null,
      limits: { display: { low: -12, high: 12 }, control: { low: -10, high: 10 }, warning: { low: -9, high: 9 }, alarm: { low: -9.5, high: 'Infinity' } },
    }, readbackValue: { value: 1.5 }, configValue: null,
  });
  expect(row('Q:2:SP').setpointValue).toMatchObject({ value: 'NaN' });
  expect(row('K:MODE').setpointValue).toMatchObject({ value: 1, enumLabel: 'Standby', labels: mode.labels });
  expect(row('WAVE')).toMatchObject({ setpointValue: null, readbackValue: { value: [1, '9007199254740993'] } });
  expect(row('DEAD:SP')).toMatchObject({ severity: null, setpointValue: { value: null, outcome: 'notFound', reason: 'no IOC has answered a search for this name' } });
});

test('pages of a snapshot follow each other, can be searched, and change nothing', async () => {
  const { id } = await saved();
  const whole = await gateway.good('GET', `/v1/snapshots/${id}`);
  const pages = [];
  for (let offset = 0; offset < whole.totalCount; offset += 2) pages.push(...(await gateway.good('GET', `/v1/snapshots/${id}?limit=2&offset=${offset}`)).pvValues);
  expect(pages).toEqual(whole.pvValues);
  expect(await gateway.good('GET', `/v1/snapshots/${id}?limit=0`)).toMatchObject({ pvValues: [], totalCount: whole.totalCount });
  const found = await gateway.call('GET', `/v1/snapshots/${id}?search=scope`);
  expect(found.body.pvValues.map(({ pvName }: { pvName: string }) => pvName)).toEqual(['WAVE']);
  expect(found.headers.get('x-total-count')).toBe('1');
  expect(await gateway.good('GET', `/v1/snapshots/${id}`)).toEqual(whole);
});

test('S3: the same snapshot as one binary frame of columns', async () => {
  const { id } = await saved();
  const response = await fetch(`${gateway.url}/v1/snapshots/${id}`, { headers: { 'x-api-key': gateway.admin, accept: 'application/vnd.drey.columns' } });
  expect(response.headers.get('content-type')).toBe('application/vnd.drey.columns');
  const { head, columns } = decodeFrame<{ snapshot: SnapshotSummary; names: string[]; metas: Record<string, unknown> }>(new Uint8Array(await response.arrayBuffer()));
  expect(head.snapshot.id).toBe(id);
  const at = head.names.indexOf('Q:1:SP');
  expect([columns.num[at], columns.timeNs[at], head.metas[String(columns.metaHash[at])]]).toEqual([1.5, 1_700_000_000_123_456_789n, { ...kG, alarm: { low: -9.5, high: 'Infinity' } }]);
});

test('snapshots are listed newest first in pages with their number, edited and deleted, each told to the bus and the audit log', async () => {
  const told: { what: string; snapshot: SnapshotSummary }[] = [];
  const listening = gateway.bus.subscribe(subjects.snapshotEvents, ({ body }) => told.push(json.decode(body)));
  await gateway.bus.flush();
  const [first, second] = [await saved(), await saved()];
  const listed = await gateway.call('GET', '/v1/snapshots?limit=2&title=sav');
  expect(listed.body.map(({ id }: SnapshotSummary) => id)).toEqual([second.id, first.id]);
  expect(Number(listed.headers.get('x-total-count'))).toBeGreaterThan(2);

  expect(await gateway.good('PUT', `/v1/snapshots/${first.id}`, { title: 'golden' })).toMatchObject({ id: first.id, title: 'golden', description: '' });
  expect(await gateway.good('DELETE', `/v1/snapshots/${first.id}`)).toBe(true);
  expect((await gateway.refused('GET', `/v1/snapshots/${first.id}`)).status).toBe(404);
  await gateway.bus.flush();
  expect(told.map(({ what, snapshot }) => [what, snapshot.id, snapshot.title])).toEqual([['edited', first.id, 'golden'], ['deleted', first.id, 'golden']]);
  await listening.stop();
  const { results } = await gateway.good('GET', `/v1/audit?subject=${first.id}`);
  expect(results).toMatchObject([{ what: 'snapshots.delete', before: { title: 'golden' } }, { what: 'snapshots.edit', before: { title: 'saved' }, after: { title: 'golden' } }]);
});

test('two snapshots are compared by channel, with side, difference and units, in pages', async () => {
  const a = await saved();
  const b = await saved({ 'Q:1:SP': 2.5, 'Q:1:RB': 1.505, 'K:MODE': 2, 'Q:2:SP': 4 });
  const compared = await gateway.good('GET', `/v1/snapshots/${a.id}/compare/${b.id}`);
  expect(compared).toMatchObject({ snapshot1Id: a.id, snapshot2Id: b.id, differenceCount: 3 });
  const byName = new Map(compared.differences.map((row: { pvName: string }) => [row.pvName, row]));
  // The readback is within the tolerance of its entry.
  expect([...byName.keys()].sort()).toEqual(['K:MODE', 'Q:1:SP', 'Q:2:SP']);
  expect(byName.get('Q:1:SP')).toMatchObject({ pvId: entries[0]!.id, role: 'setpoint', verdict: 'differs', value1: 1.5, value2: 2.5, difference: 1, units: 'kG', withinTolerance: false });
  expect(byName.get('Q:2:SP')).toMatchObject({ value1: 'NaN', value2: 4, difference: 'NaN' });
  const paged = await gateway.good('GET', `/v1/snapshots/${a.id}/compare/${b.id}?limit=1&offset=1`);
  expect(paged).toMatchObject({ differenceCount: 3, differences: [compared.differences[1]] });
  expect((await gateway.good('GET', `/v1/snapshots/${a.id}/compare/${a.id}`)).differenceCount).toBe(0);
});

test('R1: the dry run shows live value, target, difference, right and verdict of each row, and asks for no write', async () => {
  const { id } = await saved({ 'Q:1:SP': 3 });
  const plan = await gateway.good('POST', `/v1/snapshots/${id}/restore/plan`, {});
  // Skipped: read-only, and one that the snapshot has no value for.
  expect(plan.counts).toEqual({ write: 2, unchanged: 1, skipped: 2, held: 0, failed: 0 });
  const row = (name: string) => plan.rows.find(({ pvName }: { pvName: string }) => pvName === name);
  expect(row('Q:1:SP')).toMatchObject({ pvId: entries[0]!.id, verdict: 'write', target: 3, live: 1.5, difference: 1.5, units: 'kG', writable: true });
  expect(row('K:MODE')).toMatchObject({ verdict: 'write', target: 1, live: 2 });
  expect(row('Q:2:SP')).toMatchObject({ verdict: 'unchanged', target: 'NaN', live: 'NaN' });
  expect(row('FIXED:SP')).toMatchObject({ verdict: 'skipped', why: 'readOnlyEntry' });
  expect(row('DEAD:SP')).toMatchObject({ verdict: 'skipped', why: 'noSavedValue' });
  // One kind after the other, in the order that was asked for.
  const two = await gateway.good('POST', `/v1/snapshots/${id}/restore/plan?verdict=skipped&verdict=write`, {});
  expect(two.rows.map(({ verdict }: { verdict: string }) => verdict)).toEqual([...Array(plan.counts.skipped).fill('skipped'), 'write', 'write']);
  expect(two).toMatchObject({ totalCount: plan.counts.skipped + 2, reasons: { skipped: { readOnlyEntry: 1 } } });
  for (const query of ['verdict=nope', 'verdict=write&verdict=nope']) {
    expect(await gateway.refused('POST', `/v1/snapshots/${id}/restore/plan?${query}`, {})).toMatchObject({ status: 422, body: { detail: expect.stringContaining('"nope" is none of write, unchanged, skipped, held or failed') } });
  }
  expect(await gateway.good('POST', `/v1/snapshots/${id}/restore/plan?verdict=write&limit=1&offset=1`, {})).toMatchObject({ totalCount: 2, limit: 1, offset: 1, counts: plan.counts, rows: [plan.rows.filter(({ verdict }: { verdict: string }) => verdict === 'write')[1]] });
  expect(await gateway.good('POST', `/v1/snapshots/${id}/restore/plan`, { pvIds: [] })).toMatchObject({ totalCount: 0, rows: [] });
  expect(await gateway.good('POST', `/v1/snapshots/${id}/restore/plan`, { pvIds: [entries[3]!.id] })).toMatchObject({ counts: { skipped: 1 }, rows: [{ pvName: 'WAVE', verdict: 'skipped', why: 'noSetpoint' }] });
  expect(await gateway.refused('POST', `/v1/snapshots/${id}/restore/plan`, { pvNames: ['Q:1:RB'] })).toMatchObject({ status: 404, body: { faults: ['no setpoint "Q:1:RB"'] } });
  expect(await gateway.good('GET', '/v1/jobs')).toEqual([]);
});
