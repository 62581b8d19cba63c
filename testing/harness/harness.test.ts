import pg from 'pg';
import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { createDatabase, eventually, freePort, recordsDb, startNats, startPostgres, startSoftIoc } from './index.ts';

test('a nats-server with JetStream answers a client', async () => {
  await using nats = await startNats();
  const client = await connect({ ...nats.connection });
  expect(client.info?.jetstream).toBe(true);
  expect(client.info?.max_payload).toBe(8 * 1024 * 1024);
  await client.close();
});

test('each database is a copy of the template, prepared once, and independent of the others', async () => {
  let prepared = 0;
  const template = { name: 'harness_test', prepare: async (url: string) => {
    prepared++;
    await query(url, 'create table t (n int); insert into t values (1)');
  } };
  await using a = await createDatabase({ template });
  await using b = await createDatabase({ template });
  await query(a.url, 'insert into t values (2)');
  expect((await query(a.url, 'select n from t order by n')).length).toBe(2);
  expect((await query(b.url, 'select n from t order by n')).length).toBe(1);
  expect(prepared).toBe(1);
});

test('a Postgres of its own starts, answers and ends', async () => {
  await using server = await startPostgres();
  expect(await query(server.url, 'show server_version')).toEqual([{ server_version: expect.stringMatching(/^18\./) }]);
  expect(await query(server.url, 'show fsync')).toEqual([{ fsync: 'on' }]);
  await server.stop();
  expect(server.process.running).toBe(false);
});

test('a soft IOC serves on the port it was given', async () => {
  const port = await freePort();
  await using ioc = await startSoftIoc({ port, records: recordsDb([{ type: 'ao', name: '$(P)X', fields: { VAL: 3.5 } }]), macros: { P: 'T:' } });
  expect(ioc.address).toBe(`127.0.0.1:${port}`);
});

test('a soft IOC that cannot load its records says what EPICS said', async () => {
  await expect(startSoftIoc({ records: 'record(nonsense, "X") {}' })).rejects.toThrow(/nonsense/);
});

test('waiting in vain states what was seen last', async () => {
  let looks = 0;
  await expect(eventually(() => { looks++; return null; }, { saying: 'a bird', withinMs: 30 })).rejects.toThrow(/waited 30 ms for a bird; looked \d+ times, last saw null/);
  expect(looks).toBeGreaterThan(1);
});

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows as unknown[];
  } finally {
    await client.end();
  }
}
