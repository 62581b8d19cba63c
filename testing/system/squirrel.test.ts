/** Every row of the Squirrel contract once, over HTTP, against real soft IOCs: paths, fields, status codes. docs/squirrel.md is the table. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, recordsDb, startCaClient, startDrey, startSoftIoc, type Drey } from '../harness/index.ts';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of every shape
type Any = any;
let iocs: Awaited<ReturnType<typeof startSoftIoc>>[];
let drey: Drey;
const iocName = (at: number): string => `127.0.0.1:${iocs[at]!.port}`;

const records = (n: number): string => recordsDb([
  { type: 'ao', name: `S${n}:SP`, fields: { VAL: n, EGU: 'kG', PREC: 3, DRVL: -100, DRVH: 100, HIGH: 50, HSV: 'MINOR', PINI: 'YES' } },
  { type: 'ai', name: `S${n}:RB`, fields: { VAL: n + 0.5, EGU: 'kG', HIGH: 0, HSV: 'MINOR', PINI: 'YES' } },
  { type: 'mbbo', name: `S${n}:MODE`, fields: { ZRST: 'Off', ONST: 'On', VAL: 1, ZRVL: 0, ONVL: 1, PINI: 'YES' } },
]);

beforeAll(async () => {
  iocs = await Promise.all([startSoftIoc({ records: records(1) }), startSoftIoc({ records: records(2) })]);
  drey = await startDrey({ addressList: `${iocName(0)} ${iocName(1)}` });
}, 120_000);
afterAll(async () => {
  await drey?.[Symbol.asyncDispose]();
  await Promise.all(iocs?.map((ioc) => ioc.stop()) ?? []);
});

async function ask(method: string, path: string, body?: object): Promise<{ status: number; body: Any }> {
  const response = await drey.call(method, path, body);
  const text = await response.text();
  return { status: response.status, body: JSON.parse(text) as Any };
}
async function good(method: string, path: string, body?: object): Promise<Any> {
  const answer = await ask(method, path, body);
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body).slice(0, 300)}`).toBe(200);
  return answer.body;
}
async function refused(method: string, path: string, status: number, body?: object): Promise<string> {
  const answer = await ask(method, path, body);
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body).slice(0, 300)}`).toBe(status);
  expect(answer.body.detail).toBeTruthy();
  return answer.body.detail as string;
}
const fields = (object: object): string[] => Object.keys(object).sort();

const entries: Record<string, Any> = {};
let group: Any;
let snapshot: Any;

test('GET / and /health need no key', async () => {
  const open = async (path: string): Promise<Any> => (await fetch(`${drey.url}${path}`)).json();
  expect(await open('/')).toMatchObject({ name: 'Drey' });
  expect(await open('/health')).toEqual({ status: 'healthy' });
  expect(await eventually(async () => ((await open('/v1/health/heartbeat')).alive ? open('/v1/health/heartbeat') : undefined), { saying: 'a heartbeat' })).toEqual({ timestamp: expect.any(Number), alive: true, age_seconds: expect.any(Number), error: null });
  expect((await fetch(`${drey.url}/v1/pvs`)).status).toBe(401);
});

test('api-keys: list, count, create, deactivate', async () => {
  const count = await good('GET', '/v1/api-keys/count');
  const made = await good('POST', '/v1/api-keys', { appName: 'panel', readAccess: true, writeAccess: false });
  expect(made).toMatchObject({ appName: 'panel', isActive: true, readAccess: true, writeAccess: false, createdAt: expect.any(String), updatedAt: expect.any(String), token: expect.any(String) });
  await refused('POST', '/v1/api-keys', 409, { appName: 'panel', readAccess: true, writeAccess: true });
  await refused('POST', '/v1/api-keys', 409, { appName: 'no rights', readAccess: false, writeAccess: false });
  expect(await good('GET', '/v1/api-keys/count?active_only=true')).toBe(count + 1);
  const listed: Any[] = await good('GET', '/v1/api-keys');
  expect(listed.some((key) => 'token' in key)).toBe(false);
  const own = listed.find(({ appName }) => appName !== 'panel');
  expect(await refused('DELETE', `/v1/api-keys/${own.id}`, 409)).toContain('force');
  expect(await good('DELETE', `/v1/api-keys/${made.id}`)).toMatchObject({ isActive: false });
  await refused('DELETE', `/v1/api-keys/${made.id}`, 409);
  await refused('DELETE', '/v1/api-keys/00000000-0000-4000-8000-000000000000', 404);
  expect((await good('GET', '/v1/api-keys?active_only=true')).map(({ appName }: Any) => appName)).not.toContain('panel');
});

test('tags: groups, tags, bulk', async () => {
  group = await good('POST', '/v1/tags', { name: 'Area', description: 'where it is' });
  expect(group).toEqual({ id: expect.any(String), name: 'Area', description: 'where it is', tags: [], createdDate: expect.any(String), lastModifiedDate: expect.any(String) });
  await refused('POST', '/v1/tags', 409, { name: 'area' });
  await refused('POST', '/v1/tags', 422, { name: '' });
  expect(await good('POST', `/v1/tags/${group.id}/tags`, { name: 'L1' })).toMatchObject({ wasCreated: true, group: { tags: [{ name: 'L1' }] } });
  await refused('POST', `/v1/tags/${group.id}/tags`, 409, { name: 'l1' });
  expect(await good('POST', `/v1/tags/${group.id}/tags?skip_duplicates=true`, { name: 'l1' })).toMatchObject({ wasCreated: false });
  expect(await good('POST', '/v1/tags/bulk', { groups: { Area: ['L1', 'L2'], Scratch: ['x'] } })).toEqual({ groupsCreated: 1, tagsCreated: 2, tagsSkipped: 1, warnings: [] });
  expect(await good('GET', '/v1/tags')).toMatchObject([{ name: 'Area', tagCount: 2 }, { name: 'Scratch', tagCount: 1 }]);
  [group] = await good('GET', `/v1/tags/${group.id}`);
  const scratch = (await good('GET', '/v1/tags'))[1];
  expect(await good('PUT', `/v1/tags/${scratch.id}`, { name: 'Paper' })).toMatchObject({ name: 'Paper' });
  await refused('PUT', `/v1/tags/${scratch.id}`, 409, { name: 'AREA' });
  const [{ tags: [x] }] = await good('GET', `/v1/tags/${scratch.id}`);
  expect((await good('PUT', `/v1/tags/${scratch.id}/tags/${x.id}`, { name: 'y', description: 'z' })).tags).toEqual([{ id: x.id, name: 'y', description: 'z' }]);
  expect((await good('DELETE', `/v1/tags/${scratch.id}/tags/${x.id}`)).tags).toEqual([]);
  expect(await good('DELETE', `/v1/tags/${scratch.id}`)).toBe(true);
  await refused('GET', `/v1/tags/${scratch.id}`, 404);
});

test('pvs: register, list, page, search, devices, edit, delete', async () => {
  const [l1, l2] = group.tags;
  entries['S1'] = await good('POST', '/v1/pvs', { setpointAddress: ' ca://S1:SP ', readbackAddress: 'S1:RB', configAddress: null, device: 'S1', description: 'first', absTolerance: 0.01, relTolerance: 0, readOnly: false, tags: [l1.id, l2.id] });
  expect(fields(entries['S1'])).toEqual(['absTolerance', 'configAddress', 'createdDate', 'description', 'device', 'id', 'lastModifiedDate', 'readOnly', 'readbackAddress', 'relTolerance', 'setpointAddress', 'tags']);
  expect(entries['S1']).toMatchObject({ setpointAddress: 'S1:SP', tags: [{ id: l1.id, name: 'L1' }, { id: l2.id }] });
  await refused('POST', '/v1/pvs', 409, { setpointAddress: 'S1:SP' });
  await refused('POST', '/v1/pvs', 409, { setpointAddress: 'S9:SP', tags: ['00000000-0000-4000-8000-000000000000'] });
  await refused('POST', '/v1/pvs', 422, { device: 'nothing' });
  expect(await refused('POST', '/v1/pvs', 422, { setpointAddress: 'pva://S9' })).toContain('PVAccess');
  [entries['S2'], entries['MODE'], entries['GHOST']] = await good('POST', '/v1/pvs/multi', [{ setpointAddress: 'S2:SP', readbackAddress: 'S2:RB', device: 'S2', tags: [l2.id] }, { setpointAddress: 'S1:MODE' }, { setpointAddress: 'NO:SUCH:PV' }]);
  expect(await refused('POST', '/v1/pvs/multi', 409, [{ setpointAddress: 'NEW' }, { setpointAddress: 'S2:SP' }])).toContain('S2:SP');

  expect(await good('GET', '/v1/pvs?pvName=s2')).toMatchObject([{ setpointAddress: 'S2:SP' }]);
  const filter = encodeURIComponent(JSON.stringify({ [group.id]: [l1.id, l2.id] }));
  const first = await good('GET', `/v1/pvs/paged?pageSize=1&tagFilters=${filter}`);
  expect(first).toMatchObject({ totalCount: 2, results: [{ id: entries['S1'].id }], continuationToken: entries['S1'].id });
  expect(await good('GET', `/v1/pvs/paged?pageSize=1&tagFilters=${filter}&continuationToken=${first.continuationToken}`)).toMatchObject({ results: [{ id: entries['S2'].id }], continuationToken: null });
  await refused('GET', '/v1/pvs/paged?continuationToken=nonsense', 400);
  await refused('GET', `/v1/pvs/paged?tagFilters=${encodeURIComponent('{"x":["nonsense"]}')}`, 404);
  await refused('GET', '/v1/pvs/paged?pageSize=0', 422);
  expect(await good('GET', `/v1/pvs/search?tags=${l1.id}&tags=${l2.id}`)).toMatchObject({ totalCount: 2, limit: 100, offset: 0, results: [{ device: 'S1' }, { device: 'S2' }] });
  expect(await good('GET', '/v1/pvs/devices')).toEqual(['S1', 'S2']);
  expect(await good('PUT', `/v1/pvs/${entries['S2'].id}`, { description: 'second', absTolerance: 0.5, relTolerance: null, readOnly: null, tags: null })).toMatchObject({ description: 'second', absTolerance: 0.5, relTolerance: 0, tags: [{ id: l2.id }] });
  const { id } = await good('POST', '/v1/pvs', { setpointAddress: 'SHORT:LIVED' });
  expect(await good('DELETE', `/v1/pvs/${id}`)).toBe(true);
  await refused('DELETE', `/v1/pvs/${id}`, 404);
  await drey.connected(5);
});

test('live values: by name, all, with a search, the cache, the EPICS test', async () => {
  const entry = { value: 1, connected: true, updated_at: expect.any(Number), status: expect.any(Number), severity: expect.any(Number), timestamp: expect.any(Number), units: 'kG', error: null };
  const seen = await eventually(async () => {
    const values = await good('GET', '/v1/pvs/live?pv_names=S1:SP&pv_names=S2:RB');
    return values['S1:SP'].connected && values['S2:RB'].connected ? values : undefined;
  }, { saying: 'monitored values' });
  expect(seen).toMatchObject({ 'S1:SP': entry, 'S2:RB': { value: 2.5 } });
  expect(await good('POST', '/v1/pvs/live', { pv_names: ['S1:SP'] })).toMatchObject({ 'S1:SP': entry });
  const all = await good('GET', '/v1/pvs/live/all');
  expect(all.count).toBe(6);
  expect(all.values).toMatchObject({ 'S1:MODE': { value: 1, enumLabel: 'On' }, 'NO:SUCH:PV': { value: null, connected: false } });
  expect((await good('GET', '/v1/pvs/search?q=S1&include_live_values=true')).liveValues).toMatchObject({ 'S1:SP': { value: 1 }, 'S1:RB': { value: 1.5 } });
  expect(await eventually(async () => { const status = await good('GET', '/v1/pvs/cache/status'); return status.cachedPvCount === 6 ? status : undefined; }, { saying: 'the next beat of the host' })).toEqual({ cachedPvCount: 6, status: 'connected', error: null });
  const tested = await good('GET', '/v1/pvs/test-epics?pv=S2:SP');
  expect(tested).toMatchObject({ pv: 'S2:SP', connected: true, value: 2, error: null, environment: { EPICS_CA_ADDR_LIST: `${iocName(0)} ${iocName(1)}` } });
});

test('snapshots: taken async and sync, from monitors and direct, listed, shown in pages, edited', async () => {
  const accepted = await good('POST', '/v1/snapshots?async=true&use_cache=true&use_arq=true', { title: 'first', description: 'cached' });
  expect(fields(accepted)).toEqual(['jobId', 'message']);
  const job = await drey.finished(accepted.jobId);
  expect(job).toMatchObject({ type: 'snapshot_create', status: 'completed', progress: 100, error: null, resultId: expect.any(String), jobData: { title: 'first' } });
  snapshot = await good('POST', '/v1/snapshots?async=false&use_cache=false', { title: 'second' });
  expect(snapshot).toMatchObject({ title: 'second', pvCount: 6, createdDate: expect.any(String), createdBy: expect.any(String) });
  await refused('POST', '/v1/snapshots', 422, { title: '' });
  expect((await good('GET', '/v1/snapshots')).map(({ title }: Any) => title)).toEqual(['second', 'first']);
  expect((await good('GET', `/v1/snapshots?title=FIR&tags=${group.tags[0].id}&pvName=S1:SP&sort=title&order=asc`)).map(({ id }: Any) => id)).toEqual([job.resultId]);
  for (const id of [snapshot.id, job.resultId]) {
    const shown = await good('GET', `/v1/snapshots/${id}`);
    expect(shown.pvValues.map(({ pvName }: Any) => pvName)).toEqual(['NO:SUCH:PV', 'S1:MODE', 'S1:SP', 'S2:SP']);
    expect(shown.pvValues[2]).toMatchObject({ pvId: entries['S1'].id, setpointName: 'S1:SP', readbackName: 'S1:RB', setpointValue: { value: 1, units: 'kG', precision: 3, status: expect.any(Number), severity: expect.any(Number), timestamp: expect.any(String), limits: { control: { low: -100, high: 100 } } }, readbackValue: { value: 1.5, severity: 1, status: 4, units: 'kG', limits: { warning: { high: 0 } }, timestampNs: expect.stringMatching(/^\d{19}$/) } });
    // The time is the IOC's, of a moment ago.
    expect(Math.abs(Date.now() - Date.parse(shown.pvValues[2].readbackValue.timestamp))).toBeLessThan(600_000);
    expect(shown.pvValues[1].setpointValue).toMatchObject({ value: 1, enumLabel: 'On', labels: ['Off', 'On'] });
    expect(shown.pvValues[0].setpointValue).toMatchObject({ value: null, outcome: 'notFound' });
    expect((await good('GET', `/v1/snapshots/${id}?limit=1&offset=2`)).pvValues).toEqual([shown.pvValues[2]]);
    // Reading a page has deleted nothing.
    expect(await good('GET', `/v1/snapshots/${id}`)).toEqual(shown);
  }
  expect(await good('PUT', `/v1/snapshots/${snapshot.id}`, { title: 'golden', description: 'good orbit' })).toMatchObject({ title: 'golden', description: 'good orbit' });
  expect(await good('DELETE', `/v1/snapshots/${job.resultId}?deleteData=true`)).toBe(true);
  await refused('GET', `/v1/snapshots/${job.resultId}`, 404);
});

test('compare and restore: two snapshots, with live, several, history, dry run, sync and async, nothing of an empty list', async () => {
  expect((await good('GET', `/v1/snapshots/${snapshot.id}/compare/live`)).differenceCount).toBe(0);
  {
    await using ca = await startCaClient(`${iocName(0)} ${iocName(1)}`);
    await ca.put(new Map([['S1:SP', 60], ['S2:SP', 2.4]]));
  }
  const live = await good('GET', `/v1/snapshots/${snapshot.id}/compare/live`);
  expect(live).toMatchObject({ differenceCount: 1, matchCount: 4, missingCount: 1, differences: [{ pvName: 'S1:SP', value1: 1, value2: 60, difference: 59, withinTolerance: false }] });
  const changed = await good('POST', '/v1/snapshots?async=false', { title: 'changed' });
  const compared = await good('GET', `/v1/snapshots/${snapshot.id}/compare/${changed.id}`);
  expect(compared).toMatchObject({ snapshot1Id: snapshot.id, snapshot2Id: changed.id, matchCount: 4, differenceCount: 1, missingCount: 1, differences: [{ pvId: entries['S1'].id, pvName: 'S1:SP', value1: 1, value2: 60, withinTolerance: false }] });
  expect((await good('GET', `/v1/snapshots/${snapshot.id}/compare/${changed.id}?absTolerance=0`)).differenceCount).toBe(2);
  expect((await good('POST', '/v1/snapshots/compare', { ids: [snapshot.id, changed.id] })).differences).toMatchObject([{ pvName: 'S1:SP', values: [1, 60] }]);
  expect((await good('GET', `/v1/pvs/${entries['S1'].id}/history`)).results.map((point: Any) => point.setpointValue.value)).toEqual([60, 1]);
  expect((await good('GET', '/v1/history?pvName=S1:SP')).results.map((point: Any) => [point.value.value, point.value.severity])).toEqual([[60, 1], [1, 0]]);

  expect(await good('POST', `/v1/snapshots/${snapshot.id}/restore?async=false`, { pvIds: [] })).toMatchObject({ totalPVs: 0, successCount: 0, failureCount: 0, failures: [] });
  expect((await good('GET', `/v1/snapshots/${snapshot.id}/compare/live`)).differenceCount).toBe(1);
  await refused('POST', `/v1/snapshots/${snapshot.id}/restore`, 404, { pvIds: ['00000000-0000-4000-8000-000000000000'] });
  expect((await good('POST', `/v1/snapshots/${snapshot.id}/restore/plan`, {})).counts).toMatchObject({ write: 1 });
  const restored = await good('POST', `/v1/snapshots/${snapshot.id}/restore?async=false&use_arq=true`, { pvIds: [entries['S1'].id, entries['GHOST'].id] });
  expect(restored).toMatchObject({ totalPVs: 2, successCount: 1, failureCount: 0, skippedCount: 1, failures: [] });
  expect((await good('GET', `/v1/snapshots/${snapshot.id}/compare/live`)).differenceCount).toBe(0);
  const { jobId } = await good('POST', `/v1/snapshots/${snapshot.id}/restore`, {});
  expect(await drey.finished(jobId)).toMatchObject({ type: 'snapshot_restore', status: 'completed' });
  expect((await good('GET', `/v1/jobs/${jobId}/rows`)).totalCount).toBe(4);
  expect(await refused('POST', `/v1/jobs/${jobId}/retry`, 409)).toContain('restore');
});

test('jobs: one, list, cancel and retry refused where they make no sense, ids that are none', async () => {
  const jobs: Any[] = await good('GET', '/v1/jobs');
  for (const name of ['id', 'type', 'status', 'progress', 'message', 'resultId', 'error', 'createdAt', 'startedAt', 'completedAt', 'jobData']) expect(jobs[0]).toHaveProperty(name);
  expect(await good('GET', `/v1/jobs/${jobs[0].id}`)).toEqual(jobs[0]);
  await refused('POST', `/v1/jobs/${jobs[0].id}/cancel`, 409);
  const taken = jobs.find(({ type }) => type === 'snapshot_create');
  expect(await refused('POST', `/v1/jobs/${taken.id}/retry`, 409)).toContain('completed');
  await refused('GET', '/v1/jobs/nonsense', 404);
});

test('health: summary, monitor, disconnected, stale, watchdog, circuits, and the state of the WebSockets', async () => {
  const summary = await eventually(async () => {
    const now = await good('GET', '/v1/health/summary');
    return now.connected_pvs === 5 ? now : undefined;
  }, { saying: 'the beat that tells of the connections' });
  expect(summary).toMatchObject({ status: 'degraded', monitor_alive: true, total_pvs: 6, connected_pvs: 5, disconnected_pvs: 1, watchdog_running: true });
  expect(summary.issues).toContainEqual(expect.stringContaining('1 of 6 PVs'));
  expect(await good('GET', '/v1/health/monitor')).toMatchObject({ alive: true, total_cached_pvs: 6, connected_pvs: 5, disconnected_pvs: 1, monitored_pvs: 6, active_subscriptions: 5, monitor_running: true, watchdog_running: true, watchdog_last_check: null });
  expect(await good('GET', '/v1/health/monitor/status')).toMatchObject({ status: 'healthy', age_seconds: expect.any(Number), leader: expect.any(String), message: expect.any(String) });
  expect(await good('GET', '/v1/health/disconnected')).toMatchObject({ count: 1, pvs: ['NO:SUCH:PV'] });
  expect(await good('GET', '/v1/ws/status')).toMatchObject({ activeConnections: 0, totalSubscriptions: 0, batchIntervalMs: 100 });
  expect(await good('GET', '/v1/health/stale?max_age_seconds=0')).toMatchObject({ count: 5, threshold_seconds: 0 });
  expect(await good('GET', '/v1/health/watchdog')).toMatchObject({ last_check: null, check_count: 0, disconnected_count: 1 });
  expect(await good('POST', '/v1/health/watchdog/check')).toMatchObject({ check_count: 1, reconnect_attempts: 1, failed_reconnects: 1, last_errors: [expect.stringContaining('NO:SUCH:PV')] });
  const circuits = await good('GET', '/v1/health/circuits');
  expect(circuits).toMatchObject({ total_circuits: 2, open_circuit_count: 0 });
  expect(circuits.circuits.map(({ name, state }: Any) => [name, state])).toEqual([iocName(0), iocName(1)].sort().map((name) => [name, 'closed']));

  // Open, and it is real: a batch read of that IOC is refused at once, the other goes on.
  expect(await good('POST', `/v1/health/circuits/${iocName(1)}/open`)).toMatchObject({ success: true });
  expect(await good('GET', '/v1/health/circuits')).toMatchObject({ open_circuits: [iocName(1)] });
  const { id } = await good('POST', '/v1/snapshots?async=false', { title: 'one open' });
  const values = new Map((await good('GET', `/v1/snapshots/${id}`)).pvValues.map((row: Any) => [row.pvName, row.setpointValue]));
  expect(values.get('S2:SP')).toMatchObject({ value: null, outcome: 'iocOpen' });
  expect(values.get('S1:SP')).toMatchObject({ value: 1, outcome: 'ok' });
  expect(await good('POST', `/v1/health/circuits/${iocName(1)}/close`)).toMatchObject({ success: true });
  expect(await good('GET', '/v1/health/circuits')).toMatchObject({ open_circuit_count: 0 });
  await refused('POST', '/v1/health/circuits/S1:SP/open', 404);
});

test('malformed and unknown ids are 4xx with a reason, wherever they stand', async () => {
  for (const [method, path] of [['GET', '/v1/pvs/x/history'], ['GET', '/v1/snapshots/x'], ['GET', '/v1/snapshots/x/compare/y'], ['GET', '/v1/snapshots/x/compare/live'], ['GET', '/v1/tags/x'], ['DELETE', '/v1/api-keys/x'], ['POST', '/v1/jobs/x/retry'], ['GET', '/v1/health']] as const) {
    await refused(method, path, 404);
  }
});

test('the command line shows what differs from the machine now', async () => {
  const same = await drey.cli('snapshot', 'diff', 'golden');
  expect(same).toMatchObject({ code: 0, stdout: expect.stringContaining('0 channels differ, 5 the same, 1 without a value on both sides') });
  const differs = await drey.cli('snapshot', 'diff', 'golden', 'live', '--abs', '0', '--json');
  expect([differs.code, differs.stderr]).toEqual([3, '']);
  expect((JSON.parse(differs.stdout) as Any).differences).toMatchObject([{ pvName: 'S2:SP', value1: 2, value2: 2.4 }]);
});
