/** The rows of the Squirrel contract that other files here do not show, and what is better about them. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startFakeIocHost, startGateway, storeSnapshot, type FakeIocHost, type GatewayForTest } from '../../testing/gateway/index.ts';
import { eventually } from '../../testing/harness/index.ts';
import type { CatalogueEntry } from '../contracts/catalogue.ts';
import type { Job, JobRecord } from '../contracts/jobs.ts';
import type { SnapshotSummary } from '../contracts/snapshots.ts';
import { ReadOutcome } from '../contracts/values.ts';

const ioc = '127.0.0.1:5064';
let gateway: GatewayForTest;
let host: FakeIocHost;
let area: { id: string; name: string; tags: { id: string; name: string }[] };
const tagged = (name: string): string => area.tags.find((tag) => tag.name === name)!.id;
let ids: Map<string, number>;

beforeAll(async () => {
  gateway = await startGateway({ options: { environment: { EPICS_CA_ADDR_LIST: '127.0.0.1:5064', EPICS_CA_AUTO_ADDR_LIST: 'NO' } } });
  await gateway.good('POST', '/v1/pvs/multi', [
    { setpointAddress: 'B:2', readbackAddress: 'B:2:RB', device: 'B', tagNames: { Area: ['L1', 'L2'] } },
    { setpointAddress: 'A:1', device: 'A', description: null, tagNames: { Area: ['L2'] } },
    { readbackAddress: 'C:3', device: null },
  ]);
  const [group] = await gateway.good('GET', '/v1/tags');
  [area] = (await gateway.good('GET', `/v1/tags/${group.id}`)) as [typeof area];
  host = await startFakeIocHost(gateway.bus, 'host-1', ioc);
  const { channels } = await gateway.persistence.catalogue.channels({ after: 0, limit: 100 });
  ids = new Map(channels.map(({ name, id }) => [name, id]));
  await eventually(async () => (await gateway.good('GET', '/v1/health/heartbeat')).alive, { saying: 'the gateway to see the host' });
});
beforeEach(() => {
  host.silent = false;
  host.ioc = { ...host.ioc, state: 'closed', forcedBy: null };
  host.values.clear();
  host.values.set(ids.get('A:1')!, { num: 1, meta: { units: 'mm' } });
  host.values.set(ids.get('B:2')!, { num: NaN });
  host.values.set(ids.get('B:2:RB')!, { outcome: ReadOutcome.disconnected });
  host.values.set(ids.get('C:3')!, { outcome: ReadOutcome.notFound });
});
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
});

test('a key shows when it was made, changed and last used, and a write key may not count as an administrator', async () => {
  const { id, token } = await gateway.good('POST', '/v1/api-keys', { appName: 'dated', readAccess: true, writeAccess: true });
  expect((await gateway.call('GET', '/v1/pvs', undefined, { key: token })).status).toBe(200);
  const shown = await eventually(
    async () => (await gateway.good('GET', '/v1/api-keys?active_only=true')).find((key: { id: string; lastUsedAt: string | null }) => key.id === id && key.lastUsedAt !== null),
    { saying: 'the use of the key to be noted' },
  );
  expect(shown).toMatchObject({ appName: 'dated', isActive: true, readAccess: true, writeAccess: true, createdAt: expect.any(String), updatedAt: expect.any(String) });
  const ended = await gateway.good('DELETE', `/v1/api-keys/${id}`);
  expect(Date.parse(ended.updatedAt)).toBeGreaterThan(Date.parse(ended.createdAt));
});

test('a search shows an entry once, however many of the tags it has, by setpoint, in pages', async () => {
  const both = `tags=${tagged('L1')}&tags=${tagged('L2')}`;
  const found = await gateway.good('GET', `/v1/pvs/search?${both}`);
  expect(found).toMatchObject({ totalCount: 2, limit: 100, offset: 0 });
  expect(found.results.map(({ setpointAddress }: CatalogueEntry) => setpointAddress)).toEqual(['A:1', 'B:2']);
  expect(found).not.toHaveProperty('liveValues');
  expect(await gateway.good('GET', `/v1/pvs/search?${both}&limit=1&offset=1`)).toMatchObject({ totalCount: 2, results: [{ setpointAddress: 'B:2' }] });
  expect((await gateway.good('GET', '/v1/pvs/search?devices=A&devices=B&q=b:2')).results).toMatchObject([{ device: 'B' }]);
  expect((await gateway.good('GET', '/v1/pvs/search?q=*:3')).results).toMatchObject([{ readbackAddress: 'C:3', device: '' }]);
  expect((await gateway.good('GET', '/v1/pvs/search?q=%25')).totalCount).toBe(0);
  expect((await gateway.refused('GET', '/v1/pvs/search?limit=1001')).status).toBe(422);
  expect((await gateway.refused('GET', '/v1/pvs/search?tags=nonsense')).status).toBe(404);
});

test('a search with live values has them by name, and says why when it has none', async () => {
  const found = await gateway.good('GET', '/v1/pvs/search?q=B:2&include_live_values=true');
  expect(found.liveValues).toMatchObject({ 'B:2': { value: 'NaN', connected: true }, 'B:2:RB': { value: null, connected: false, error: 'the channel is disconnected from its IOC' } });
  expect(Object.keys(found.liveValues)).toHaveLength(2);
});

test('live/all has every PV of the catalogue, in valid JSON with NaN and infinities in it', async () => {
  host.values.set(ids.get('B:2:RB')!, { num: -Infinity });
  const { values, count } = await gateway.good('GET', '/v1/pvs/live/all');
  expect(count).toBe(4);
  expect(values).toMatchObject({ 'A:1': { value: 1, units: 'mm', severity: 0 }, 'B:2': { value: 'NaN' }, 'B:2:RB': { value: '-Infinity', connected: true }, 'C:3': { value: null, outcome: 'notFound' } });
});

test('the cache and the EPICS test tell of the ioc-hosts, not of the gateway', async () => {
  expect(await gateway.good('GET', '/v1/pvs/cache/status')).toEqual({ cachedPvCount: 2, status: 'connected', error: null });
  const environment = { EPICS_CA_ADDR_LIST: '127.0.0.1:5064', EPICS_CA_AUTO_ADDR_LIST: 'NO' };
  expect(await gateway.good('GET', '/v1/pvs/test-epics?pv=A:1')).toEqual({ pv: 'A:1', connected: true, value: 1, error: null, environment });
  expect(host.reads.at(-1)).toMatchObject({ mode: 'live' });
  expect(await gateway.good('GET', '/v1/pvs/test-epics')).toMatchObject({ pv: 'A:1', connected: true });
  expect(await gateway.good('GET', '/v1/pvs/test-epics?pv=B:2:RB')).toMatchObject({ connected: false, value: null, error: 'the channel is disconnected from its IOC' });
  expect(await gateway.good('GET', '/v1/pvs/test-epics?pv=KLYS:LI22:31:KVAC')).toMatchObject({ connected: false, error: expect.stringContaining('KLYS:LI22:31:KVAC') });
});

test('a new entry with a tag that is none is a conflict that names it, and nothing is dropped silently', async () => {
  const unknown = '00000000-0000-4000-8000-000000000000';
  expect(await gateway.refused('POST', '/v1/pvs', { setpointAddress: 'X', tags: [unknown] })).toMatchObject({ status: 409, body: { detail: expect.stringContaining(unknown) } });
  expect((await gateway.refused('POST', '/v1/pvs/multi', [{ setpointAddress: 'X' }, { setpointAddress: 'Y', tags: [unknown] }])).status).toBe(409);
  expect((await gateway.good('GET', '/v1/pvs?pvName=X')).length).toBe(0);
});

test('S2: groups and tags are renamed with the duplicate check, entries show the new name, old snapshots the old one', async () => {
  const [group] = await gateway.good('POST', '/v1/tags/bulk', { groups: { System: ['RF', 'Magnet'] } }).then(async () => gateway.good('GET', `/v1/tags/${(await gateway.good('GET', '/v1/tags')).find(({ name }: { name: string }) => name === 'System').id}`));
  expect(group).toMatchObject({ name: 'System', createdDate: expect.any(String), lastModifiedDate: expect.any(String) });
  const rf = group.tags.find(({ name }: { name: string }) => name === 'RF').id;
  const entry = await gateway.good<CatalogueEntry>('POST', '/v1/pvs', { setpointAddress: 'RF:1', tags: [rf] });
  const { id: before } = await storeSnapshot(gateway.persistence, 'before the renaming', {});

  expect(await gateway.refused('PUT', `/v1/tags/${group.id}/tags/${rf}`, { name: 'magnet' })).toMatchObject({ status: 409, body: { detail: expect.stringContaining('magnet') } });
  expect(await gateway.refused('PUT', `/v1/tags/${group.id}`, { name: 'AREA' })).toMatchObject({ status: 409 });
  expect((await gateway.good('PUT', `/v1/tags/${group.id}/tags/${rf}`, { name: 'Radio', description: 'frequency' })).tags).toContainEqual({ id: rf, name: 'Radio', description: 'frequency' });
  expect(await gateway.good('PUT', `/v1/tags/${group.id}`, { name: 'Systems' })).toMatchObject({ name: 'Systems', description: null });
  expect(await gateway.good('PUT', `/v1/tags/${group.id}`, { description: 'what it is part of' })).toMatchObject({ name: 'Systems', description: 'what it is part of' });
  expect((await gateway.refused('PUT', `/v1/tags/${group.id}`, { name: '' })).status).toBe(422);
  expect((await gateway.refused('PUT', `/v1/tags/${group.id}/tags/${tagged('L1')}`, { name: 'x' })).status).toBe(404);

  expect((await gateway.good<CatalogueEntry>('GET', `/v1/pvs/${entry.id}`)).tags).toMatchObject([{ name: 'Radio', groupName: 'Systems' }]);
  const tagsIn = async (snapshot: string): Promise<string[]> => (await gateway.good('GET', `/v1/snapshots/${snapshot}?search=RF:1`)).pvValues[0].tags;
  expect(await tagsIn(before)).toEqual(['RF']);
  expect(await tagsIn((await storeSnapshot(gateway.persistence, 'after the renaming', {})).id)).toEqual(['Radio']);

  // In use: only when it is meant.
  expect(await gateway.refused('DELETE', `/v1/tags/${group.id}`)).toMatchObject({ status: 409, body: { detail: expect.stringMatching(/"Systems" are on 1 catalogue entry.*force=true/) } });
  expect(await gateway.good('DELETE', `/v1/tags/${group.id}?force=true`)).toBe(true);
  expect((await gateway.good<CatalogueEntry>('GET', `/v1/pvs/${entry.id}`)).tags).toEqual([]);
  await gateway.good('DELETE', `/v1/pvs/${entry.id}`);
});

test('snapshots are found by title, tag, author, time and PV, sorted and paged, with no cap', async () => {
  const made: SnapshotSummary[] = [];
  for (let n = 0; n < 104; n++) made.push(await storeSnapshot(gateway.persistence, `many ${String(n).padStart(3, '0')}`, {}));
  const list = async (query: string): Promise<{ titles: string[]; total: number }> => {
    const { body, headers, status } = await gateway.call<SnapshotSummary[]>('GET', `/v1/snapshots?${query}`);
    expect(status, JSON.stringify(body)).toBe(200);
    return { titles: body.map(({ title }) => title), total: Number(headers.get('x-total-count')) };
  };
  expect((await list('title=many&limit=1000')).titles).toHaveLength(104);
  expect(await list('title=MANY&limit=2&offset=102')).toEqual({ titles: ['many 001', 'many 000'], total: 104 });
  expect((await list('title=many&sort=title&order=asc&limit=2')).titles).toEqual(['many 000', 'many 001']);
  expect((await list('title=many&order=asc&limit=1')).titles).toEqual(['many 000']);
  expect(await list(`title=many&from=${made[100]!.createdDate}`)).toMatchObject({ total: 4 });
  expect(await list(`title=many&from=${made[1]!.createdDate}&to=${made[2]!.createdDate}`)).toMatchObject({ titles: ['many 002', 'many 001'] });
  expect(await list('title=many&to=2001-01-01')).toEqual({ titles: [], total: 0 });
  expect((await list('author=TES&title=many')).total).toBe(104);
  expect((await list('author=nobody')).total).toBe(0);
  expect((await list(`tags=${tagged('L1')}&title=many`)).total).toBe(104);
  expect((await list('kind=before-restore')).total).toBe(0);

  const later = await gateway.good<CatalogueEntry>('POST', '/v1/pvs', { setpointAddress: 'ONLY:LATER' });
  await storeSnapshot(gateway.persistence, 'holds it', { 'ONLY:LATER': { num: 1 } });
  await gateway.good('DELETE', `/v1/pvs/${later.id}`);
  expect(await list('pvName=ONLY:LATER')).toEqual({ titles: ['holds it'], total: 1 });
  expect((await list('pvName=A:1&title=many')).total).toBe(104);
  expect(await gateway.refused('GET', '/v1/snapshots?pvName=NO:SUCH')).toMatchObject({ status: 404, body: { detail: expect.stringContaining('NO:SUCH') } });
  // Most PVs of all, and the only one with this tag; its title comes first, its time last.
  const tagged3 = await gateway.good<CatalogueEntry>('POST', '/v1/pvs', { setpointAddress: 'ONLY:TAGGED', readbackAddress: 'ONLY:TAGGED:RB', tagNames: { Area: ['L3'] } });
  await storeSnapshot(gateway.persistence, 'a tagged one', { 'ONLY:TAGGED': { num: 1 } });
  await gateway.good('DELETE', `/v1/pvs/${tagged3.id}`);
  expect(await list(`tags=${tagged3.tags[0]!.id}`)).toEqual({ titles: ['a tagged one'], total: 1 });
  expect((await list('sort=title&order=asc&limit=1')).titles).toEqual(['a tagged one']);
  expect((await list('sort=createdDate&order=asc&limit=1')).titles).not.toEqual(['a tagged one']);
  expect((await list('sort=pvCount&order=desc&limit=1')).titles).toEqual(['a tagged one']);
  for (const bad of ['from=yesterday', 'sort=size', 'limit=1001', 'kind=golden']) expect((await gateway.refused('GET', `/v1/snapshots?${bad}`)).status, bad).toBe(422);
});

test('a failed or cancelled snapshot job is run again by hand as a new job, a restore never', async () => {
  const end = (status: Job['status'], error: string | null = null) => (record: JobRecord): JobRecord => ({ ...record, job: { ...record.job, status, error } });
  const { jobId } = await gateway.good('POST', '/v1/snapshots?use_cache=true', { title: 'again', scope: { kind: 'names', pvNames: ['A:1'] } });
  expect(await gateway.refused('POST', `/v1/jobs/${jobId}/retry`)).toMatchObject({ status: 409, body: { detail: expect.stringContaining('pending') } });
  await gateway.changeJob(jobId, end('failed', 'no ioc-host is running'));
  const again = await gateway.good('POST', `/v1/jobs/${jobId}/retry`);
  expect(again.jobId).not.toBe(jobId);
  expect(again.message).toContain(jobId);
  expect(await gateway.good('GET', `/v1/jobs/${again.jobId}`)).toMatchObject({ status: 'pending', type: 'snapshot_create', jobData: { title: 'again', mode: 'monitored', scope: 'names' } });
  expect(await gateway.good('GET', `/v1/jobs/${jobId}`)).toMatchObject({ status: 'failed' });
  expect((await gateway.good('GET', `/v1/audit?what=jobs.retry&subject=${jobId}`)).results).toMatchObject([{ who: 'test admin', result: `accepted as job ${again.jobId}` }]);

  const { id } = await storeSnapshot(gateway.persistence, 'to restore', { 'A:1': { num: 1 } });
  const { jobId: restore } = await gateway.good('POST', `/v1/snapshots/${id}/restore`, {});
  await gateway.changeJob(restore, end('failed', 'it broke'));
  const jobs = (await gateway.good('GET', '/v1/jobs')).length;
  expect(await gateway.refused('POST', `/v1/jobs/${restore}/retry`)).toMatchObject({ status: 409, body: { code: 'conflict', detail: expect.stringMatching(/is a restore.*\/rows/) } });
  expect(await gateway.good('GET', '/v1/jobs')).toHaveLength(jobs);
  expect((await gateway.refused('POST', '/v1/jobs/nonsense/retry')).status).toBe(404);
  expect((await gateway.refused('POST', `/v1/jobs/${jobId}/retry`, undefined, { key: await gateway.keyWith('read', 'write') })).status).toBe(403);
});

test('health tells of the ioc-hosts: monitor, status, disconnected PVs with their reasons', async () => {
  expect(await gateway.good('GET', '/v1/health/monitor')).toMatchObject({ alive: true, total_cached_pvs: 2, connected_pvs: 2, disconnected_pvs: 0, unresponsive_pvs: 0, monitored_pvs: 2, active_subscriptions: 2, monitor_running: true, watchdog_running: true, heartbeat_age_seconds: expect.any(Number), last_heartbeat: expect.any(String) });
  expect(await gateway.good('GET', '/v1/health/monitor/status')).toMatchObject({ status: 'healthy', leader: 'host-1', age_seconds: expect.any(Number) });
  const lost = await gateway.good('GET', '/v1/health/disconnected');
  const pvs = ['B:2:RB', 'C:3'];
  expect(lost).toMatchObject({ count: 2, pvs, outcomes: { disconnected: 1, notFound: 1 } });
  expect(lost.details[1]).toEqual({ pvName: 'C:3', outcome: 'notFound', reason: 'no IOC has answered a search for this name' });
  await using alone = await startGateway();
  expect(await alone.good('GET', '/v1/health/monitor')).toMatchObject({ alive: false, last_heartbeat: null, monitor_running: false });
  expect(await alone.good('GET', '/v1/health/monitor/status')).toEqual({ status: 'unknown', message: 'no ioc-host is running', age_seconds: null, leader: null });
  expect(await alone.good('GET', '/v1/pvs/cache/status')).toEqual({ cachedPvCount: 0, status: 'disconnected', error: 'no ioc-host is running' });
  expect(await alone.good('GET', '/v1/pvs/test-epics')).toMatchObject({ pv: null, error: 'the catalogue is empty' });
});

test('a PV that does not change is told as stale and stays connected, and a check by hand reads again what is lost', async () => {
  const stale = await gateway.good('GET', '/v1/health/stale');
  expect(stale).toMatchObject({ count: 2, threshold_seconds: 300, pvs: ['A:1', 'B:2'] });
  expect(stale.details[0].age_seconds).toBeGreaterThan(1e7);
  expect(await gateway.good('GET', '/v1/health/stale?max_age_seconds=1e9')).toMatchObject({ count: 0, pvs: [] });
  expect((await gateway.refused('GET', '/v1/health/stale?max_age_seconds=-1')).status).toBe(422);
  expect(await gateway.good('GET', '/v1/health/watchdog')).toMatchObject({ last_check: null, check_count: 0, disconnected_count: 2, stale_count: 2, reconnect_attempts: 0, last_errors: [] });

  const checked = await gateway.good('POST', '/v1/health/watchdog/check');
  expect(host.reads.at(-1)).toMatchObject({ mode: 'live' });
  expect(checked).toMatchObject({ check_count: 1, disconnected_count: 2, stale_count: 2, reconnect_attempts: 2, successful_reconnects: 0, failed_reconnects: 2 });
  expect(checked.last_errors).toContain('C:3: no IOC has answered a search for this name');
  expect((await gateway.good('GET', '/v1/pvs/live?pv_names=A:1'))['A:1']).toMatchObject({ connected: true, value: 1 });
  expect((await gateway.good('GET', '/v1/health/summary')).last_watchdog_check).toBe(checked.last_check);
  expect((await gateway.refused('POST', '/v1/health/watchdog/check', undefined, { key: await gateway.keyWith('read') })).status).toBe(403);
});

test('A1: circuits are the IOC actors, opened and closed by name with or without a reason', async () => {
  expect(await gateway.good('GET', '/v1/health/circuits')).toMatchObject({ open_circuit_count: 0, total_circuits: 1, open_circuits: [], circuits: [{ name: ioc, state: 'closed', failure_count: 0, success_count: 0, call_count: 0, last_failure: null, opened_at: null }] });
  expect(await gateway.good('POST', `/v1/health/circuits/${ioc}/open`)).toMatchObject({ success: true, message: expect.stringContaining(ioc) });
  expect(host.ioc.state).toBe('forcedOpen');
  expect(await gateway.good('GET', '/v1/health/circuits')).toMatchObject({ open_circuit_count: 1, open_circuits: [ioc], circuits: [{ state: 'open', opened_at: expect.any(String), forced_by: 'test admin' }] });
  expect(await gateway.good('POST', `/v1/health/circuits/${ioc}/close`, { reason: 'mended' })).toMatchObject({ success: true });
  expect(host.commands.at(-1)).toMatchObject({ command: 'close', reason: 'mended', who: 'test admin' });
  host.ioc = { ...host.ioc, state: 'halfOpen' };
  expect(await gateway.good('GET', '/v1/health/circuits')).toMatchObject({ open_circuit_count: 0, circuits: [{ state: 'half_open' }] });
  expect((await gateway.refused('POST', '/v1/health/circuits/KLYS:LI22/open')).status).toBe(404);
  expect((await gateway.refused('POST', `/v1/health/circuits/${ioc}/open`, undefined, { key: await gateway.keyWith('read') })).status).toBe(403);
});
