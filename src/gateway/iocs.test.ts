import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startFakeIocHost, startGateway, type FakeIocHost, type GatewayForTest } from '../../testing/gateway/index.ts';
import { eventually } from '../../testing/harness/index.ts';

const name = '127.0.0.1:5064';
let gateway: GatewayForTest;
let host: FakeIocHost;
let other: FakeIocHost;
beforeAll(async () => {
  gateway = await startGateway();
  host = await startFakeIocHost(gateway.bus, 'host-1', name);
  other = await startFakeIocHost(gateway.bus, 'host-2', '127.0.0.1:5065');
  await eventually(async () => (await gateway.good('GET', '/v1/health/summary')).hosts.length === 2, { saying: 'the gateway to see both hosts' });
});
beforeEach(() => {
  for (const one of [host, other]) Object.assign(one, { silent: false, connected: 2, unresponsive: 0, ioc: { ...one.ioc, state: 'closed' } });
});
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
});

test('IOCs of all hosts are listed, and one is shown with its channels', async () => {
  expect(await gateway.good('GET', '/v1/iocs')).toMatchObject([{ name, host: 'host-1', state: 'closed' }, { name: '127.0.0.1:5065', host: 'host-2' }]);
  expect(await gateway.good('GET', `/v1/iocs/${name}`)).toMatchObject({ name, channels: { total: 2 }, channelList: [{ name: 'DEMO:A', state: 'connected' }] });
  expect(await gateway.refused('GET', '/v1/iocs/10.0.0.1:5064')).toMatchObject({ status: 404, body: { detail: expect.stringContaining('10.0.0.1:5064') } });
});

test('A1: an operator opens, observes and closes a breaker, recorded before and after with who and why', async () => {
  expect(await gateway.good('POST', `/v1/iocs/${name}/open`, { reason: 'maintenance' })).toMatchObject({ state: 'forcedOpen', forcedBy: 'test admin' });
  expect(await gateway.good('POST', `/v1/iocs/${name}/observe`, { reason: 'watching' })).toMatchObject({ state: 'observing' });
  expect(await gateway.good('POST', `/v1/iocs/${name}/close`, { reason: 'done' })).toMatchObject({ state: 'closed' });
  expect(host.commands.map(({ command, reason, who }) => [command, reason, who])).toEqual([['open', 'maintenance', 'test admin'], ['observe', 'watching', 'test admin'], ['close', 'done', 'test admin']]);
  expect(other.commands).toEqual([]);
  const { results } = await gateway.good('GET', `/v1/audit?what=iocs.open&subject=${name}`);
  expect(results).toMatchObject([{ result: 'done', why: 'maintenance', before: { state: 'closed' }, after: { state: 'forcedOpen' } }, { result: 'requested', why: 'maintenance' }]);
  expect((await gateway.refused('POST', '/v1/iocs/10.0.0.1:1/open', { reason: 'x' })).status).toBe(404);
});

test('A1: a command that the host refuses is recorded as failed, and its reason is the answer', async () => {
  expect(await gateway.refused('POST', `/v1/iocs/${name}/open`, { reason: 'refuse me' })).toMatchObject({ status: 409, body: { detail: 'the test refuses' } });
  expect((await gateway.good('GET', `/v1/audit?what=iocs.open&subject=${name}`)).results[0]).toMatchObject({ why: 'refuse me', result: 'failed: the test refuses' });
});

test('a silent host costs its own IOCs, and is named', async () => {
  other.silent = true;
  const answer = await gateway.call('GET', '/v1/iocs');
  expect(answer.body).toMatchObject([{ name }]);
  expect(answer.headers.get('x-drey-silent-hosts')).toBe('host-2');
  expect(await gateway.refused('GET', '/v1/iocs/127.0.0.1:5065')).toMatchObject({ status: 503, body: { detail: expect.stringContaining('host-2') } });
});

test('health is healthy, degraded by an open breaker, by silence, by lost PVs, with the reason', async () => {
  const health = () => gateway.good('GET', '/v1/health/summary');
  expect(await health()).toMatchObject({ status: 'healthy', issues: [], monitor_alive: true, total_pvs: 4, connected_pvs: 4, bus: 'connected', database: { up: true }, iocs: { total: 2, byState: { closed: 2 } } });
  host.ioc = { ...host.ioc, state: 'open', reason: 'five timeouts' };
  expect(await health()).toMatchObject({ status: 'degraded', issues: [`the breaker of IOC ${name} is open: five timeouts`] });
  other.silent = true;
  expect((await health()).issues).toContainEqual(expect.stringContaining('host-2'));
  other.silent = false;
  host.connected = 0;
  await eventually(async () => (await health()).disconnected_pvs === 2, { saying: 'the next beat' });
  expect(await health()).toMatchObject({ status: 'degraded', disconnected_percentage: 50, issues: expect.arrayContaining(['2 of 4 PVs (50 %) are not connected']) });
});

test('PVs of an IOC that hangs are not connected, and counted apart', async () => {
  Object.assign(host, { connected: 0, unresponsive: 2 });
  const health = await eventually(async () => {
    const summary = await gateway.good('GET', '/v1/health/summary');
    return summary.unresponsive_pvs === 2 && summary;
  }, { saying: 'the next beat' });
  const counts = { connected_pvs: 2, disconnected_pvs: 2, unresponsive_pvs: 2 };
  expect(health).toMatchObject({ ...counts, total_pvs: 4, status: 'degraded', hosts: [{ ca: 'libca', connected: 0, unresponsive: 2 }, { connected: 2, unresponsive: 0 }] });
  expect(health.issues).toEqual(['2 of 4 PVs (50 %) are not connected; 2 of those are of IOCs that do not answer or whose breaker is not closed']);
  expect(await gateway.good('GET', '/v1/health/monitor')).toMatchObject(counts);
});

test('without a host nothing is healthy, and the heartbeat says so without a key', async () => {
  await using alone = await startGateway();
  expect(await alone.good('GET', '/v1/health/summary')).toMatchObject({ status: 'unhealthy', monitor_alive: false, issues: ['no ioc-host is running: nothing is watched'] });
  expect(await alone.call('GET', '/v1/health/heartbeat', undefined, { key: null })).toMatchObject({ status: 200, body: { alive: false, timestamp: null, error: 'no ioc-host is running' } });
  expect(await alone.good('GET', '/v1/iocs')).toEqual([]);
  expect(await alone.refused('GET', '/v1/iocs/a:1')).toMatchObject({ status: 503, body: { detail: expect.stringContaining('no ioc-host is running') } });
});
