import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGateway, storeSnapshot, type GatewayForTest } from '../../testing/gateway/index.ts';
import { silentLog } from '../kernel/log.ts';
import { createMetrics } from '../kernel/metrics.ts';
import { createHttpServer } from './http/server.ts';
import { createGateway } from './index.ts';

let gateway: GatewayForTest;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const another = (port: number) =>
  createGateway({ persistence: gateway.persistence, bus: gateway.bus, log: silentLog, metrics: createMetrics(), options: { host: '127.0.0.1', port, version: '0.0.0' } });

test('a port that is taken is said with its number, and what had started is stopped', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as { port: number };
  const second = another(port);
  await expect(second.start()).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining(`port ${port} of 127.0.0.1 is taken`) });
  await second.stop();
  await new Promise((resolve) => taken.close(resolve));
});

test('a gateway that has stopped lets go of its port, and can be followed by another on it', async () => {
  const first = another(0);
  await first.start();
  const { url } = first;
  expect((await fetch(`${url}/health`)).status).toBe(200);
  await first.stop();
  await expect(fetch(`${url}/health`)).rejects.toThrow();
  const next = another(Number(new URL(url).port));
  await next.start();
  expect((await fetch(`${next.url}/health`)).status).toBe(200);
  await next.stop();
});

test('a route that says no operation keeps the gateway from starting', async () => {
  const app = await createHttpServer({ authenticate: async () => ({ who: 'x', scopes: [], keyId: null }), log: silentLog, metrics: createMetrics(), options: { version: '0.0.0' } });
  expect(() => app.get('/v1/unguarded', async () => 'secret')).toThrow('GET /v1/unguarded says no operation');
  await app.close();
});

test('an answer that a part of Drey breaks is an internal fault with a request id, and nothing of its inside', async () => {
  const broken = createGateway({
    persistence: { ...gateway.persistence, catalogue: { ...gateway.persistence.catalogue, devices: async () => { throw new Error('secret detail of the inside'); } } },
    bus: gateway.bus, log: silentLog, metrics: createMetrics(), options: { host: '127.0.0.1', port: 0, version: '0.0.0' },
  });
  await broken.start();
  const response = await fetch(`${broken.url}/v1/pvs/devices`, { headers: { 'x-api-key': gateway.admin } });
  const body = (await response.json()) as { code: string; detail: string };
  expect([response.status, body.code]).toEqual([500, 'internal']);
  expect(body.detail).toContain(response.headers.get('x-request-id'));
  expect(body.detail).not.toContain('secret');
  await broken.stop();
});

test('more entries than may come at once are refused with the number that may', async () => {
  const entries = `[${Array.from({ length: 100_001 }, (_, n) => `{"setpointAddress":"X:${n}"}`).join(',')}]`;
  const { status, body } = await gateway.refused('POST', '/v1/pvs/multi', entries);
  expect(status).toBe(422);
  expect(body.detail).toContain('100000');
});

test('a client that leaves in the middle of a large snapshot harms nobody', async () => {
  await gateway.good('POST', '/v1/pvs/multi', Array.from({ length: 5_000 }, (_, n) => ({ setpointAddress: `BIG:${n}`, description: 'x'.repeat(500) })));
  const { id } = await storeSnapshot(gateway.persistence, 'big', {});
  const leaving = new AbortController();
  const response = await fetch(`${gateway.url}/v1/snapshots/${id}`, { headers: { 'x-api-key': gateway.admin }, signal: leaving.signal });
  await response.body!.getReader().read();
  leaving.abort();
  expect((await gateway.good('GET', `/v1/snapshots/${id}?limit=1`)).totalCount).toBe(5_000);
  expect((await gateway.good('GET', `/v1/snapshots/${id}`)).pvValues).toHaveLength(5_000);
});
