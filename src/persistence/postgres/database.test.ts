import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createDatabase as createTestDatabase, eventually, freePort, startPostgres, temporaryFolder } from '../../../testing/harness/index.ts';
import { addEntries, allChannels, doubles, newSnapshot, numberedEntries, quality, takeSnapshot } from '../../../testing/persistence/store.ts';
import { silentLog } from '../../kernel/log.ts';
import { createDatabase } from './database.ts';
import { createPersistence } from './index.ts';

/** 3 s, and some for a machine that is busy. */
const soon = 4_000;

test('Postgres gone: calls fail as unavailable within 3 s; Postgres back: they work again, and nothing half is there', async () => {
  using folder = temporaryFolder('persistence');
  const place = { dataFolder: folder.path, port: await freePort() };
  const server = await startPostgres(place);
  const store = createPersistence({ url: server.url, log: silentLog });
  try {
    await store.migrate();
    await addEntries(store, numberedEntries(100));
    const channels = await allChannels(store);
    const whole = await takeSnapshot(store, doubles(channels, (i) => i));
    const writer = await store.snapshots.begin(await newSnapshot(store, { jobId: 'interrupted' }));
    await writer.write(doubles(channels, (i) => i));

    await server.stop();
    for (const call of [
      () => writer.commit(quality), () => store.ping(), () => store.catalogue.revisions(), () => store.catalogue.create([]), () => store.snapshots.columns(whole.id),
      () => store.snapshots.list({}, { limit: 1, offset: 0 }), () => newSnapshot(store), () => store.apiKeys.verify('x'), () => store.migrate(),
    ]) {
      const began = performance.now();
      await expect(call(), String(call)).rejects.toMatchObject({ code: 'unavailable' });
      expect(performance.now() - began, String(call)).toBeLessThan(soon);
    }
    await writer.abort();

    await using again = await startPostgres(place);
    expect(again.url).toBe(server.url);
    expect(await store.ping()).toBeLessThan(soon);
    expect((await store.snapshots.list({}, { limit: 10, offset: 0 })).results).toEqual([whole]);
    expect((await store.snapshots.columns(whole.id)).length).toBe(100);
    await takeSnapshot(store, doubles(channels, (i) => i), { jobId: 'interrupted' });
  } finally {
    await store.close();
    await server.stop();
  }
});

test('a frozen server is unavailable: to a ping and to a newcomer within 3 s, to work under way soon after', async () => {
  await using server = await startPostgres();
  const store = createPersistence({ url: server.url, log: silentLog });
  const fresh = createPersistence({ url: server.url, log: silentLog });
  await store.migrate();
  await store.ping();
  const writer = await store.snapshots.begin(await newSnapshot(store));
  const watcher = createDatabase({ url: server.url, poolSize: 1, log: silentLog });
  const hung = [server.process.pid, ...(await watcher.rows<{ pid: number }>(`select pid from pg_stat_activity where backend_type = 'client backend'`)).map((row) => row.pid)];
  try {
    for (const pid of hung) process.kill(pid, 'SIGSTOP');
    const began = performance.now();
    const unavailable = async (call: Promise<unknown>, withinMs: number): Promise<void> => {
      await expect(call).rejects.toMatchObject({ code: 'unavailable' });
      expect(performance.now() - began).toBeLessThan(withinMs);
    };
    await Promise.all([
      unavailable(store.ping(), soon), unavailable(fresh.ping(), soon), unavailable(fresh.catalogue.revisions(), soon),
      unavailable(watcher.rows('select 1'), 10_000), unavailable(writer.commit(quality), 10_000),
    ]);
    await Promise.all([store.close(), fresh.close(), watcher.close()]);
    expect(performance.now() - began).toBeLessThan(10_000);
  } finally {
    for (const pid of hung) process.kill(pid, 'SIGCONT');
  }
});

test('an idle connection that the server ends is replaced, and ends no process', async () => {
  await using database = await createTestDatabase();
  const [mine, admin] = [createDatabase({ url: database.url, poolSize: 2, log: silentLog }), createDatabase({ url: database.url, poolSize: 1, log: silentLog })];
  try {
    const [before] = await mine.rows<{ pid: number }>('select pg_backend_pid() as pid');
    await admin.rows('select pg_terminate_backend($1)', [before!.pid]);
    const [after] = await eventually(() => mine.rows<{ pid: number }>('select pg_backend_pid() as pid').catch(() => undefined), { saying: 'a new connection' });
    expect(after!.pid).not.toBe(before!.pid);
  } finally {
    await mine.close();
    await admin.close();
  }
});

test('a transaction that fails leaves nothing, and its connection is used again', async () => {
  await using database = await createTestDatabase();
  const mine = createDatabase({ url: database.url, poolSize: 1, log: silentLog });
  try {
    await mine.rows('create table t (n int)');
    await expect(mine.transaction(async (session) => {
      await session.rows('insert into t values (1)');
      throw new Error('changed my mind');
    })).rejects.toThrow('changed my mind');
    await expect(mine.transaction((session) => session.rows('select nonsense'))).rejects.toMatchObject({ code: 'internal' });
    expect(await mine.rows('select * from t')).toEqual([]);
  } finally {
    await mine.close();
  }
});

test('processes that start at once migrate once, and a database of a newer program is refused', async () => {
  await using database = await createTestDatabase();
  const script = `
    import { createPersistence } from ${JSON.stringify(fileURLToPath(new URL('./index.ts', import.meta.url)))};
    const log = { debug() {}, info: () => process.stdout.write('changed '), warn() {}, error() {}, child() { return log; } };
    const store = createPersistence({ url: process.env.STORE_URL, log });
    await Promise.all([store.migrate(), store.migrate()]);
    await store.close();`;
  const run = async (): Promise<string> => {
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { env: { ...process.env, STORE_URL: database.url }, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    const [code] = (await once(child, 'close')) as [number];
    return `${said}exit ${code}`;
  };
  const migrations = readdirSync(new URL('./migrations', import.meta.url)).length;
  expect((await Promise.all([run(), run(), run()])).sort()).toEqual([`${'changed '.repeat(migrations)}exit 0`, 'exit 0', 'exit 0']);

  const mine = createDatabase({ url: database.url, poolSize: 1, log: silentLog });
  await mine.rows(`insert into schema_version (name) values ('9999-future.sql')`);
  await mine.close();
  const store = createPersistence({ url: database.url, log: silentLog });
  await expect(store.migrate()).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('9999-future.sql') });
  await store.close();
});
