import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGateway, type GatewayForTest } from '../../testing/gateway/index.ts';
import { auditedDeeds } from '../contracts/audit.ts';

let gateway: GatewayForTest;
beforeAll(async () => {
  gateway = await startGateway({ options: { allowOrigins: ['https://control.example'], requestTimeoutMs: 300 } });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const unknownId = '00000000-0000-4000-8000-000000000000';

test('D1: malformed JSON, an empty body and a foreign content type are 400 with the reason', async () => {
  expect(await gateway.refused('POST', '/v1/pvs', '{"setpointAddress": "A",}')).toMatchObject({ status: 400, body: { code: 'badInput', detail: expect.stringContaining('not JSON') } });
  expect(await gateway.refused('POST', '/v1/pvs', '', { headers: { 'content-type': 'application/json' } })).toMatchObject({ status: 400, body: { detail: expect.stringContaining('empty') } });
  expect(await gateway.refused('POST', '/v1/pvs', '<pv/>', { headers: { 'content-type': 'application/xml' } })).toMatchObject({ status: 400, body: { detail: expect.stringContaining('application/json') } });
  expect(await gateway.refused('POST', '/v1/pvs', '{"__proto__": {"x": 1}, "setpointAddress": "A"}')).toMatchObject({ status: 400 });
});

test('D1: what does not fit names the place and the limit, every fault of many, and changes nothing', async () => {
  const entries = [{ setpointAddress: 'GOOD:1' }, { setpointAddress: 'has blank' }, { device: 'no address' }, { setpointAddress: 'GOOD:2', absTolerance: -1 }, { setpointAddress: 'pva://X' }, { setpointAddress: 'GOOD:3', colour: 'red' }];
  const { status, body } = await gateway.refused('POST', '/v1/pvs/multi', entries);
  expect(status).toBe(422);
  expect(body.code).toBe('invalid');
  expect(body.faults).toEqual([
    expect.stringMatching(/^\[1\]\.setpointAddress: "has blank" holds a character/),
    expect.stringMatching(/^\[2\]: an entry needs at least one of/),
    expect.stringMatching(/^\[3\]\.absTolerance: a tolerance is 0 or larger/),
    expect.stringMatching(/^\[4\]\.setpointAddress: "pva:\/\/X" asks for PVAccess/),
    '[5].colour is not a known field',
  ]);
  expect((await gateway.good('GET', '/v1/pvs/paged?pvName=GOOD')).totalCount).toBe(0);
});

test('D1: a time, a list, or a kind of deed in the audit log that will not do is told with what would', async () => {
  const faultOf = async (method: string, path: string, body?: unknown) => (await gateway.refused(method, path, body)).body.faults?.[0];
  expect(await faultOf('GET', '/v1/snapshots?from=yesterday')).toBe('from: "yesterday" is not an ISO 8601 date or time, such as 2026-05-01 or 2026-05-01T12:00:00Z');
  expect(await faultOf('POST', '/v1/snapshots/compare', { ids: [unknownId] })).toBe('ids: 1 is given, at least 2 are needed');
  expect(await faultOf('GET', '/v1/audit?what=restore.rum')).toMatch(/^what: "restore\.rum" is none of pv\.write, restore\.run, .* or migrate\.squirrel$/);
});

test('every kind of deed in the audit log is documented, and no other', () => {
  const table = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8').split('| `what` | `subject` | |')[1]!.split('\n\n')[0]!;
  const named = table.split('\n').slice(2).flatMap((line) => {
    const [first, ...others] = [...line.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
    const told = [first!, ...others.map((name) => (name.startsWith('.') ? `${first!.split('.')[0]!}${name}` : name))].filter((name) => name.includes('.'));
    return line.includes('the same of `triggers`') ? [...told, ...told.map((name) => name.replace('schedules', 'triggers'))] : told;
  });
  expect(named.sort()).toEqual([...auditedDeeds].sort());
});

test('D1: unknown fields of write bodies are refused by name, missing ones too', async () => {
  expect((await gateway.refused('POST', '/v1/snapshots', { title: 'x', comment: 'y' })).body.faults).toEqual(['comment is not a known field']);
  expect((await gateway.refused('POST', '/v1/snapshots', {})).body.faults).toEqual(['title is missing']);
  expect((await gateway.refused('POST', `/v1/snapshots/${unknownId}/restore`, { pvids: [] })).body.faults).toEqual(['pvids is not a known field']);
  expect((await gateway.refused('PUT', `/v1/pvs/${unknownId}`, { name: 'x' })).body.faults).toEqual(['name is not a known field']);
  expect((await gateway.refused('POST', '/v1/iocs/a:1/open', {})).body.faults).toEqual(['reason is missing']);
});

test('D1: a restore without a body is refused: only {} means every row', async () => {
  expect(await gateway.refused('POST', `/v1/snapshots/${unknownId}/restore`)).toMatchObject({ status: 422, body: { code: 'invalid' } });
});

test('D1: numbers out of their limits are refused with the limit', async () => {
  expect(await gateway.refused('GET', '/v1/pvs/paged?pageSize=1001')).toMatchObject({ status: 422, body: { detail: expect.stringContaining('1000') } });
  expect(await gateway.refused('GET', '/v1/snapshots?limit=abc')).toMatchObject({ status: 422, body: { detail: expect.stringContaining('limit') } });
  expect(await gateway.refused('GET', '/v1/snapshots?offset=-1')).toMatchObject({ status: 422 });
  expect(await gateway.refused('POST', '/v1/snapshots', { title: 'x', deadlineMs: 1 })).toMatchObject({ status: 422, body: { detail: expect.stringContaining('50') } });
  expect(await gateway.refused('POST', '/v1/snapshots', { title: 'x'.repeat(256) })).toMatchObject({ status: 422, body: { detail: expect.stringContaining('255') } });
});

test('D1: ids that are none and ids of nothing are 4xx with the id, wherever they stand', async () => {
  for (const id of [unknownId, 'abc', '%00', '..%2F..', "'%3B--", 'x'.repeat(300)]) {
    for (const [method, path, body] of [
      ['GET', `/v1/pvs/${id}`], ['DELETE', `/v1/pvs/${id}`], ['PUT', `/v1/pvs/${id}`, { device: 'x' }], ['GET', `/v1/snapshots/${id}`], ['DELETE', `/v1/snapshots/${id}`], ['PUT', `/v1/snapshots/${id}`, { title: 'x' }],
      ['GET', `/v1/snapshots/${id}/compare/${id}`], ['GET', `/v1/snapshots/${id}/compare/live`], ['POST', `/v1/snapshots/${id}/compare/live`, {}], ['POST', '/v1/snapshots/compare', { ids: [id, unknownId] }], ['GET', `/v1/pvs/${id}/history`], ['GET', `/v1/history?pvName=${id}`], ['POST', `/v1/snapshots/${id}/restore`, {}], ['POST', `/v1/snapshots/${id}/restore/plan`, {}], ['GET', `/v1/jobs/${id}`], ['GET', `/v1/jobs/${id}/rows`], ['POST', `/v1/jobs/${id}/cancel`], ['POST', `/v1/jobs/${id}/retry`],
      ['GET', `/v1/tags/${id}`], ['DELETE', `/v1/tags/${id}`], ['PUT', `/v1/tags/${id}`, { name: 'x' }], ['PUT', `/v1/tags/${id}/tags/${id}`, { name: 'x' }], ['GET', `/v1/pvs/search?tags=${id}`], ['POST', `/v1/tags/${id}/tags`, { name: 'x' }], ['DELETE', `/v1/api-keys/${id}`], ['GET', `/v1/pvs/paged?continuationToken=${id}`], ['GET', `/v1/snapshots?tags=${id}`],
    ] as const) {
      const { status, body: told } = await gateway.call(method, path, body);
      if (path.includes('?') && id === unknownId) continue; // a token of nothing is the end of the list
      expect(status, `${method} ${path}: ${JSON.stringify(told)}`).toBeGreaterThanOrEqual(400);
      expect(status, `${method} ${path}: ${JSON.stringify(told)}`).toBeLessThan(500);
      expect(told.detail).toBeTruthy();
    }
  }
});

test('D1: a tag filter that is no JSON, or no filter, says so', async () => {
  expect(await gateway.refused('GET', '/v1/pvs/paged?tagFilters={')).toMatchObject({ status: 400, body: { detail: expect.stringContaining('tagFilters is not JSON') } });
  expect(await gateway.refused('GET', '/v1/pvs/paged?tagFilters=[1]')).toMatchObject({ status: 422 });
});

test('D1: a scope with PVs that no entry has is refused before a job is made, and names them', async () => {
  expect(await gateway.refused('POST', '/v1/snapshots', { title: 'x', scope: { kind: 'names', pvNames: ['NO:SUCH'] } })).toMatchObject({ status: 404, body: { detail: expect.stringContaining('NO:SUCH') } });
  expect(await gateway.good('GET', '/v1/jobs')).toEqual([]);
});

test('a body over the limit of its path is 413 with the limit, and the connection lives on for others', async () => {
  const body = JSON.stringify({ title: 'x', description: 'y'.repeat(17 * 1024 * 1024) });
  expect(await gateway.refused('POST', '/v1/snapshots', body)).toMatchObject({ status: 413, body: { code: 'tooLarge', detail: expect.stringContaining('16 MB') } });
  const small = JSON.stringify({ name: 'x'.repeat(2 * 1024 * 1024) });
  expect(await gateway.refused('POST', '/v1/tags', small)).toMatchObject({ status: 413, body: { detail: expect.stringContaining('1 MB') } });
  expect((await gateway.call('GET', '/health')).status).toBe(200);
});

test('what is not there is 404 with method and path, and every answer has its request id', async () => {
  const { status, body, headers } = await gateway.refused('GET', '/v1/nothing/here?x=1');
  expect(status).toBe(404);
  expect(body).toEqual({ code: 'notFound', detail: 'there is no GET /v1/nothing/here; /docs shows what there is' });
  expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

test('pages of configured origins may call, others may not, nobody with credentials', async () => {
  const ours = await fetch(`${gateway.url}/health`, { headers: { origin: 'https://control.example' } });
  expect(ours.headers.get('access-control-allow-origin')).toBe('https://control.example');
  expect(ours.headers.get('access-control-allow-credentials')).toBeNull();
  const others = await fetch(`${gateway.url}/health`, { headers: { origin: 'https://evil.example' } });
  expect(others.headers.get('access-control-allow-origin')).toBeNull();
  const preflight = await fetch(`${gateway.url}/v1/pvs`, { method: 'OPTIONS', headers: { origin: 'https://control.example', 'access-control-request-method': 'POST' } });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-headers')).toContain('x-api-key');
});

test('a client that sends its request too slowly is let go', async () => {
  const { hostname, port } = new URL(gateway.url);
  const socket = createConnection({ host: hostname, port: Number(port) });
  const ended = new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (data) => (text += String(data)));
    socket.on('close', () => resolve(text));
  });
  socket.write(`POST /v1/tags HTTP/1.1\r\nhost: x\r\nx-api-key: ${gateway.admin}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"na`);
  expect(await ended).toContain('408');
});

test('a query parameter that is not understood is refused by name: dryRun on a restore must not write', async () => {
  const refused = await gateway.call('POST', '/v1/snapshots/01a1f9af-42e9-7000-bf60-0493a2a28726/restore?dryRun=true', {});
  expect(refused.status).toBe(422);
  expect(JSON.stringify(refused.body)).toContain('dryRun');
});

test('a DELETE with a content-type and no body is a DELETE', async () => {
  const answer = await gateway.call('DELETE', '/v1/snapshots/01a1f9af-42e9-7000-bf60-0493a2a28726', undefined, { headers: { 'content-type': 'application/json' } });
  expect(answer.status).toBe(404);
});
