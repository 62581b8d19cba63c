import { afterAll, expect, test } from 'vitest';
import { migrated, startFakeIocHost, startGateway, type GatewayForTest } from '../../testing/gateway/index.ts';
import { eventually, freePort, startNats, startPostgres, temporaryFolder } from '../../testing/harness/index.ts';

const folder = temporaryFolder('gateway-outages');
afterAll(() => folder[Symbol.dispose]());

const seconds = async <T>(asked: () => Promise<T>): Promise<{ answer: T; seconds: number }> => {
  const began = performance.now();
  return { answer: await asked(), seconds: (performance.now() - began) / 1000 };
};

async function startOn(postgres: { url: string }, natsUrl?: string): Promise<GatewayForTest> {
  await migrated(postgres.url);
  return startGateway({ databaseUrl: postgres.url, ...(natsUrl === undefined ? {} : { natsUrl }) });
}

test('Postgres gone: 503 with a sentence within seconds, what needs no database goes on, and all works when it is back', async () => {
  const dataFolder = `${folder.path}/postgres`;
  let postgres = await startPostgres({ dataFolder });
  await using _server = { [Symbol.asyncDispose]: () => postgres.stop() };
  const port = Number(new URL(postgres.url).port);
  await using gateway = await startOn(postgres);
  await using host = await startFakeIocHost(gateway.bus, 'host-1', '127.0.0.1:5064');
  await eventually(async () => (await gateway.good('GET', '/v1/health/heartbeat')).alive, { saying: 'the gateway to see the host' });

  // The key is known from an earlier request.
  await gateway.good('GET', '/v1/snapshots');
  await postgres.stop();
  const { answer, seconds: took } = await seconds(() => gateway.refused('GET', '/v1/snapshots'));
  expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable', detail: expect.stringMatching(/database/i) } });
  expect(took).toBeLessThan(10);
  expect((await gateway.refused('POST', '/v1/pvs', { setpointAddress: 'A' })).status).toBe(503);
  // The key is remembered, the IOCs are on the bus.
  expect(await gateway.good('GET', '/v1/iocs')).toHaveLength(1);
  expect(await gateway.good('GET', '/v1/health/summary')).toMatchObject({ status: 'unhealthy', database: { up: false }, issues: [expect.stringContaining('the database is away')] });
  // A1: what cannot be recorded is not done.
  expect((await gateway.refused('POST', '/v1/iocs/127.0.0.1:5064/open', { reason: 'x' })).status).toBe(503);
  expect(host.commands).toEqual([]);

  postgres = await startPostgres({ dataFolder, port });
  await eventually(async () => (await gateway.call('GET', '/v1/snapshots')).status === 200, { saying: 'the gateway to work again', withinMs: 20_000, everyMs: 100 });
  expect(await gateway.good('POST', '/v1/pvs', { setpointAddress: 'A' })).toMatchObject({ setpointAddress: 'A' });
}, 60_000);

test('NATS gone: 503 with a sentence for what needs it, the database goes on, and all works when it is back', async () => {
  const dataFolder = `${folder.path}/nats`;
  const port = await freePort();
  let nats = await startNats({ dataFolder, port });
  await using _server = { [Symbol.asyncDispose]: () => nats.stop() };
  await using gateway = await startGateway({ natsUrl: nats.connection.servers });
  await gateway.good('POST', '/v1/pvs', { setpointAddress: 'A' });

  await nats.stop();
  await eventually(async () => (await gateway.good('GET', '/v1/health/summary')).bus === 'disconnected', { saying: 'the loss to be seen' });
  for (const [method, path, body] of [['POST', '/v1/snapshots', { title: 'x' }], ['GET', '/v1/jobs', undefined], ['GET', '/v1/iocs', undefined], ['POST', '/v1/pvs/live', { pv_names: ['A'] }]] as const) {
    const { answer, seconds: took } = await seconds(() => gateway.refused(method, path, body));
    expect(answer, `${method} ${path}`).toMatchObject({ status: 503, body: { code: 'unavailable', detail: expect.stringMatching(/bus|nats/i) } });
    expect(took, `${method} ${path}`).toBeLessThan(10);
  }
  expect(await gateway.good('GET', '/v1/snapshots')).toEqual([]);
  expect(await gateway.good('POST', '/v1/pvs', { setpointAddress: 'B' })).toMatchObject({ setpointAddress: 'B' });
  expect(await gateway.call('GET', '/v1/health/heartbeat')).toMatchObject({ body: { alive: false, error: 'the bus is disconnected' } });

  nats = await startNats({ dataFolder, port });
  await eventually(async () => (await gateway.call('GET', '/v1/jobs')).status === 200, { saying: 'the gateway to work again', withinMs: 20_000, everyMs: 100 });
  const { jobId } = await gateway.good('POST', '/v1/snapshots', { title: 'after the outage' });
  expect(await gateway.good('GET', `/v1/jobs/${jobId}`)).toMatchObject({ status: 'pending' });
}, 60_000);
