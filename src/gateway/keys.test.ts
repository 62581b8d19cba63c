import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGateway, type GatewayForTest } from '../../testing/gateway/index.ts';
import { apiScopes, type ApiScope } from '../persistence/port.ts';

let gateway: GatewayForTest;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

test('a key is made, shown once, listed without its token, used, and deactivated', async () => {
  const made = await gateway.good('POST', '/v1/api-keys', { appName: 'panel', readAccess: true, writeAccess: true });
  expect(made).toMatchObject({ appName: 'panel', isActive: true, readAccess: true, writeAccess: true, scopes: ['read', 'write', 'snapshot', 'restore'] });
  expect(made.token).toMatch(/^\S{20,}$/);
  const listed = (await gateway.good('GET', '/v1/api-keys')).find(({ id }: { id: string }) => id === made.id);
  expect(listed).toMatchObject({ appName: 'panel' });
  expect(JSON.stringify(listed)).not.toContain(made.token);
  expect((await gateway.call('GET', '/v1/pvs', undefined, { key: made.token })).status).toBe(200);
  const before = await gateway.good('GET', '/v1/api-keys/count?active_only=true');

  expect((await gateway.refused('POST', '/v1/api-keys', { appName: 'panel', readAccess: true })).status).toBe(409);
  expect(await gateway.good('DELETE', `/v1/api-keys/${made.id}`)).toMatchObject({ isActive: false });
  expect(await gateway.good('GET', '/v1/api-keys/count?active_only=true')).toBe(before - 1);
  expect(await gateway.refused('DELETE', `/v1/api-keys/${made.id}`)).toMatchObject({ status: 409, body: { detail: expect.stringContaining('inactive already') } });
  expect(await gateway.refused('GET', '/v1/pvs', undefined, { key: made.token })).toMatchObject({ status: 401, body: { code: 'unauthorised', detail: expect.stringContaining('deactivated') } });
  expect(JSON.stringify(await gateway.good('GET', '/v1/audit'))).not.toContain(made.token);
});

test('a missing key and an unknown one are 401 with the reason; a lacking scope is 403 and named', async () => {
  expect(await gateway.refused('GET', '/v1/pvs', undefined, { key: null })).toMatchObject({ status: 401, body: { code: 'unauthorised', detail: expect.stringContaining('X-API-Key') } });
  expect(await gateway.refused('GET', '/v1/pvs', undefined, { key: 'drey_nonsense' })).toMatchObject({ status: 401, body: { detail: expect.stringContaining('not known') } });
  const key = await gateway.keyWith('read');
  expect(await gateway.refused('POST', '/v1/pvs', { setpointAddress: 'A' }, { key })).toMatchObject({ status: 403, body: { code: 'forbidden', detail: expect.stringMatching(/pvs\.write needs the scope write; the key "test key \d" has read/) } });
  for (const [method, path] of [['POST', '/v1/snapshots'], ['POST', '/v1/snapshots/x/restore'], ['POST', '/v1/api-keys'], ['DELETE', '/v1/pvs/x'], ['POST', '/v1/iocs/a:1/open'], ['POST', '/v1/jobs/x/cancel'], ['DELETE', '/v1/snapshots/x'], ['POST', '/v1/tags']] as const) {
    expect((await gateway.refused(method, path, {}, { key })).status, `${method} ${path}`).toBe(403);
  }
});

test('a write key cannot mint keys or end them, an admin key can, and a key without any right is refused', async () => {
  const victim = await gateway.good('POST', '/v1/api-keys', { appName: 'victim', scopes: ['read'] });
  const { token: byFlags, scopes } = await gateway.good('POST', '/v1/api-keys', { appName: 'by flags', readAccess: true, writeAccess: true });
  expect(scopes).not.toContain('admin');
  for (const key of [byFlags, await gateway.keyWith('read', 'write', 'snapshot', 'restore')]) {
    expect((await gateway.refused('POST', '/v1/api-keys', { appName: 'mine', scopes: ['admin'] }, { key })).status).toBe(403);
    expect((await gateway.refused('DELETE', `/v1/api-keys/${victim.id}`, undefined, { key })).status).toBe(403);
  }
  expect((await gateway.call('GET', '/v1/pvs', undefined, { key: victim.token })).status).toBe(200);
  expect((await gateway.good('POST', '/v1/api-keys', { appName: 'scoped', scopes: ['snapshot', 'read'] })).scopes).toEqual(['read', 'snapshot']);
  expect(await gateway.refused('POST', '/v1/api-keys', { appName: 'nothing', readAccess: false, writeAccess: false })).toMatchObject({ status: 409, body: { code: 'conflict', detail: expect.stringContaining('needs a right') } });
});

/** Who may do what, said here a second time; the first that fits. Other GETs are for readers. */
const rights: readonly (readonly [of: RegExp, ...scopes: ApiScope[]])[] = [
  [/^(POST|DELETE) .*\/api-keys/, 'admin'],
  [/ \/v1\/webhooks/, 'admin'],
  [/^POST .*\/(compare|compare\/live|restore\/plan|pvs\/live|ws\/ticket)$/, 'read'],
  [/^POST .*\/cancel$/, 'snapshot', 'restore'],
  [/^POST .*\/(restore|open|close|observe)$/, 'restore'],
  [/^(POST|PUT|DELETE) \/v1\/(pvs|tags|health\/watchdog)/, 'write'],
  [/^(POST|PUT|DELETE) \/v1\/(snapshots|schedules|triggers|jobs)/, 'snapshot'],
  [/^GET /, 'read'],
];

test('each scope opens its own routes and no other: read, write, snapshot, restore, admin', async () => {
  const { paths } = await gateway.good<{ paths: Record<string, Record<string, { security?: unknown }>> }>('GET', '/docs/json');
  const routes = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).filter(([, { security }]) => security !== undefined).map(([method]) => [method.toUpperCase(), path] as const));
  expect(routes.length).toBeGreaterThan(70);
  for (const scope of apiScopes) {
    const key = await gateway.keyWith(scope);
    for (const [method, path] of routes) {
      const [, ...scopes] = rights.find(([of]) => of.test(`${method} ${path}`)) ?? ([/none/] as const);
      expect(scopes, `the test is to say who may ${method} ${path}`).not.toHaveLength(0);
      const { status } = await gateway.call(method, path.replace(/\{\w+\}/g, 'none'), method === 'POST' || method === 'PUT' ? {} : undefined, { key });
      const said = `${method} ${path} with the scope ${scope}`;
      if (scopes.includes(scope)) expect([401, 403], said).not.toContain(status);
      else expect(status, said).toBe(403);
    }
  }
}, 60_000);

test('the key of the request itself is deactivated only by force', async () => {
  const { id, token } = await gateway.good('POST', '/v1/api-keys', { appName: 'suicidal', scopes: ['admin'] });
  expect(await gateway.refused('DELETE', `/v1/api-keys/${id}`, undefined, { key: token })).toMatchObject({ status: 409, body: { detail: expect.stringContaining('force') } });
  expect((await gateway.call('DELETE', `/v1/api-keys/${id}?force=true`, undefined, { key: token })).status).toBe(200);
});

test('A1: the audit log names the person behind the key', async () => {
  await gateway.call('POST', '/v1/tags', { name: 'by a person' }, { headers: { 'x-drey-user': 'ada' } });
  const { results } = await gateway.good('GET', '/v1/audit?what=tags.createGroup');
  expect(results[0]).toMatchObject({ who: 'test admin/ada', subject: 'by a person', result: 'done' });
});

test('health of the process, the banner, metrics and the documentation need no key', async () => {
  const open = (path: string) => gateway.call(path === '' ? 'GET' : 'GET', path, undefined, { key: null });
  expect(await open('/')).toMatchObject({ status: 200, body: { name: 'Drey' } });
  expect(await open('/health')).toMatchObject({ status: 200, body: { status: 'healthy' } });
  expect((await open('/metrics')).body).toContain('drey_http_request_seconds');
  expect((await open('/docs')).status).toBe(200);
  const { body } = await open('/docs/json');
  expect(body).toMatchObject({ openapi: '3.1.0', components: { securitySchemes: { apiKey: { name: 'X-API-Key' } } } });
  const routes = (body as { paths: Record<string, Record<string, { summary?: string; security?: unknown }>> }).paths;
  // WebSockets take a ticket as well, and ask for one of the two themselves.
  const keyless = ['/v1/health/heartbeat', '/v1/ws/pvs', '/v1/ws/live'];
  for (const [path, methods] of Object.entries(routes)) for (const [method, route] of Object.entries(methods)) {
    expect(route.summary, `${method} ${path} says what it does`).toBeTruthy();
    if (path.startsWith('/v1') && !keyless.includes(path)) expect(route.security, `${method} ${path} wants a key`).toEqual([{ apiKey: [] }]);
  }
});
