/** The table of docs/api.md, held against every path there is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFakeIocHost, startGateway, type FakeIocHost, type GatewayForTest } from '../../testing/gateway/index.ts';
import { eventually } from '../../testing/harness/index.ts';
import { errorStatus, type ErrorBody } from '../contracts/errors.ts';
import { operationScopes } from './access.ts';

interface Route {
  readonly method: string;
  readonly path: string;
  readonly open: boolean;
  readonly hasBody: boolean;
  readonly isFile: boolean;
}

let gateway: GatewayForTest;
let host: FakeIocHost;
let routes: Route[];
const unknownId = '00000000-0000-4000-8000-000000000000';
/** Its parameters filled with what is not there. */
const concrete = (path: string): string => path.replace('/circuits/{name}', '/circuits/nowhere:1').replaceAll(/\{[^}]+\}/g, unknownId);
const files = new Set(['/v1/snapshots/import', '/v1/pvs/import']);

beforeAll(async () => {
  gateway = await startGateway();
  host = await startFakeIocHost(gateway.bus, 'host-1', '127.0.0.1:5064');
  await eventually(async () => (await gateway.good('GET', '/v1/health/heartbeat')).alive, { saying: 'the gateway to see the host' });
  const docs = (await gateway.call('GET', '/docs/json')).body as { paths: Record<string, Record<string, { security?: unknown[]; requestBody?: { content: object } }>> };
  routes = Object.entries(docs.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security, requestBody }]) => ({ method: method.toUpperCase(), path, open: security === undefined, hasBody: requestBody !== undefined, isFile: files.has(path) })),
  );
});
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
});

/** Every refusal: the table's status for its code, a sentence, and none of the words of a library. */
async function refused({ method, path }: Route, at: string, body?: unknown, options?: { key: string | null }): Promise<{ status: number; body: ErrorBody }> {
  const answer = await gateway.call<ErrorBody>(method, at, body, options);
  const told = `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`;
  expect(answer.status, told).toBeGreaterThanOrEqual(400);
  expect(errorStatus[answer.body.code], told).toBe(answer.status);
  expect(`${answer.body.detail} ${answer.body.faults?.join(' ') ?? ''}`, told).not.toMatch(/Invalid |expected |received|Unrecognized|FST_|ZodError|Error:/);
  return { status: answer.status, body: answer.body };
}

test('every path but those for everybody wants a key: 401', async () => {
  expect(routes.length).toBeGreaterThan(60);
  for (const route of routes) if (!route.open) expect((await refused(route, concrete(route.path), undefined, { key: null })).status, route.path).toBe(401);
  expect(routes.filter(({ open }) => open).map(({ path }) => path).sort()).toEqual(['/', '/health', '/metrics', '/v1/health/heartbeat', '/v1/ws/live', '/v1/ws/pvs']);
});

test('every path refuses a key without its scope: 403, naming the scope', async () => {
  const [reader, restorer] = [await gateway.keyWith('read'), await gateway.keyWith('restore')];
  for (const route of routes) {
    if (route.open) continue;
    // Each is for one of the two at most.
    const answers = [await gateway.call<ErrorBody>(route.method, concrete(route.path), undefined, { key: reader }), await gateway.call<ErrorBody>(route.method, concrete(route.path), undefined, { key: restorer })];
    expect(answers.find(({ status }) => status === 403)?.body, `${route.method} ${route.path}`).toMatchObject({ code: 'forbidden', detail: expect.stringMatching(/needs the scope/) });
  }
});

test('every path refuses a query parameter that it does not know: 422, naming it', async () => {
  for (const route of routes) {
    const body = route.hasBody && !route.isFile ? {} : undefined;
    const { status, body: told } = await refused(route, `${concrete(route.path)}?nosuch=1`, body);
    // What is wrong with a body may be told first.
    expect([422], `${route.method} ${route.path}: ${JSON.stringify(told)}`).toContain(status);
    if (!route.hasBody) expect(told.faults).toContain('nosuch is not a known field');
  }
});

test('every body that is no JSON is 400, that is no object or has a field too many 422', async () => {
  for (const route of routes) {
    if (!route.hasBody || route.isFile) continue;
    const name = `${route.method} ${route.path}`;
    expect((await refused(route, concrete(route.path), '{"a":')).status, name).toBe(400);
    expect((await refused(route, concrete(route.path), '"text"')).status, name).toBe(422);
    const { status } = await refused(route, concrete(route.path), { nosuchfield: 1 });
    // An edit of what is not there may say that first.
    expect(route.method === 'PUT' ? [404, 422] : [422], name).toContain(status);
  }
});

test('every path with an id of nothing is 404', async () => {
  const bodies: Record<string, unknown> = {
    'POST /v1/tags/{id}/tags': { name: 'x' }, 'POST /v1/iocs/{id}/{command}': { reason: 'x' },
    'POST /v1/iocs/{name}/open': { reason: 'x' }, 'POST /v1/iocs/{name}/close': { reason: 'x' }, 'POST /v1/iocs/{name}/observe': { reason: 'x' },
  };
  for (const route of routes) {
    if (!route.path.includes('{')) continue;
    const { status, body } = await refused(route, concrete(route.path), bodies[`${route.method} ${route.path}`] ?? (route.hasBody ? {} : undefined));
    expect(status, `${route.method} ${route.path}: ${JSON.stringify(body)}`).toBe(404);
  }
});

test('the table in docs/api.md is that of the code', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../docs/api.md'), 'utf8');
  const table = [...docs.matchAll(/^\| (\d{3}) \| ([^|]+) \|/gm)].flatMap(([, status, codes]) => [...codes!.matchAll(/`(\w+)`/g)].map(([, code]) => [code, Number(status)]));
  expect(Object.fromEntries(table)).toEqual(errorStatus);
});

test('the scopes in docs/api.md are those of the code, and each path that they name is there', async () => {
  const docs = readFileSync(join(import.meta.dirname, '../../docs/api.md'), 'utf8');
  const rows = [...docs.matchAll(/^\| `(\w+\.\w+)` \| ((?:`\w+`(?:, )?)+) \| (.*) \|$/gm)];
  expect(Object.fromEntries(rows.map(([, operation, scopes]) => [operation, [...scopes!.matchAll(/`(\w+)`/g)].map(([, scope]) => scope)]))).toEqual(operationScopes);
  const { paths } = (await gateway.call('GET', '/docs/json')).body as { paths: Record<string, Record<string, { description?: string }>> };
  const described = Object.entries(paths).flatMap(([path, methods]) => Object.values(methods).map(({ description }) => ({ path, operation: /\((\w+\.\w+)\)/.exec(description ?? '')?.[1] })));
  for (const { path, operation } of described) if (operation !== undefined) expect(Object.keys(operationScopes), path).toContain(operation);
  for (const operation of Object.keys(operationScopes)) expect(described.map((route) => route.operation), operation).toContain(operation);
  // Whole paths that the table names, and those that others are below.
  for (const [, operation, , cell] of rows) {
    for (const [, path] of cell!.matchAll(/`(?:[A-Z]+ )?(\/v1\/[\w/{}-]+)`/g)) {
      expect(described.filter((route) => route.operation === operation && (route.path === path || route.path.startsWith(`${path}/`))), `${operation} ${path}`).not.toEqual([]);
    }
  }
});
