import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { eventually, isRunning, startOwner, startPostgres, temporaryFolder } from '../../testing/harness/index.ts';
import { postgresPrograms } from '../../testing/harness/run-folder.ts';
import { startPostgres as startEmbedded, type Exit } from './index.ts';

const asRoot = process.getuid?.() === 0;

test('J1: committed rows survive kill -9 of Postgres, and the next start recovers on the same port', async () => {
  using folder = temporaryFolder('postgres');
  const exits: Exit[] = [];
  const first = await startPostgres({ dataFolder: folder.path, onUnexpectedExit: (exit) => exits.push(exit) });
  await query(first.url, 'create table kept (n int)');
  await query(first.url, 'insert into kept values (1)');
  first.process.signal('SIGKILL');
  await first.process.exited;
  expect(exits).toEqual([{ code: null, signal: 'SIGKILL' }]);
  expect(existsSync(pidFile(folder.path))).toBe(true);

  await using second = await startPostgres({ dataFolder: folder.path });
  expect(second.port).toBe(first.port);
  expect(await query(second.url, 'select n from kept')).toEqual([{ n: 1 }]);
});

test('Postgres ends when its owner is killed with -9, and the next owner starts on the same data', async () => {
  using folder = temporaryFolder('postgres');
  const { found: programs, version } = await postgresPrograms();
  const owner = await startOwner({ kind: 'postgres', dataFolder: folder.path, programs, version });
  await query(owner.server.url as string, 'create table kept (n int)');
  await owner.kill('SIGKILL');
  await using next = await startPostgres({ dataFolder: folder.path });
  expect(isRunning(owner.server.pid)).toBe(false);
  expect(await query(next.url, 'select n from kept')).toEqual([]);
});

test('a Postgres left running by a dead owner is stopped in order by the next one', async () => {
  using folder = temporaryFolder('postgres');
  const { found: programs, version } = await postgresPrograms();
  const owner = await startOwner({ kind: 'postgres', dataFolder: folder.path, programs, version }, { PATH: '/no/setpriv/here' });
  await owner.kill('SIGKILL');
  expect(isRunning(owner.server.pid)).toBe(true);
  await using next = await startPostgres({ dataFolder: folder.path });
  expect(isRunning(owner.server.pid)).toBe(false);
  expect(readFileSync(join(folder.path, 'postgres.log'), 'utf8')).toContain('database system is shut down');
  expect(await query(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a second Postgres on the same data folder is refused with the pid of the holder', async () => {
  using folder = temporaryFolder('postgres');
  await using _first = await startPostgres({ dataFolder: folder.path });
  await expect(startPostgres({ dataFolder: folder.path })).rejects.toThrow(new RegExp(`in use by process ${process.pid} since`));
});

test('a pid file that names somebody else\'s process does not stop a start', async () => {
  using folder = temporaryFolder('postgres');
  await (await startPostgres({ dataFolder: folder.path })).stop();
  writeFileSync(pidFile(folder.path), `${process.pid}\n${folder.path}/data\n1\n1\n\n127.0.0.1\n0 0\nready\n`);
  await using again = await startPostgres({ dataFolder: folder.path });
  expect(await query(again.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a first start cut short in making the cluster is made anew', async () => {
  using folder = temporaryFolder('postgres');
  mkdirSync(join(folder.path, 'data.new', 'base'), { recursive: true });
  writeFileSync(join(folder.path, 'data.new', 'PG_VERSION'), '18\n');
  await using server = await startPostgres({ dataFolder: folder.path });
  expect(await query(server.url, 'show data_checksums')).toEqual([{ data_checksums: 'on' }]);
  expect(existsSync(join(folder.path, 'data.new'))).toBe(false);
});

test('the port changes only when the last one is taken', async () => {
  using folder = temporaryFolder('postgres');
  const first = await startPostgres({ dataFolder: folder.path });
  await first.stop();
  using other = temporaryFolder('postgres');
  await using _holder = await startPostgres({ dataFolder: other.path, port: first.port });
  await expect(startPostgres({ dataFolder: folder.path, port: first.port })).rejects.toThrow(`port ${first.port} of 127.0.0.1, wanted for Postgres, is taken`);
  await using second = await startPostgres({ dataFolder: folder.path });
  expect(second.port).not.toBe(first.port);
});

test('text is UTF-8 and compares the same on every machine', async () => {
  await using server = await startPostgres();
  expect(await query(server.url, `select upper('é') as up, 'B' < 'a' as by_code_point, current_setting('server_encoding') as encoding`))
    .toEqual([{ up: 'É', by_code_point: true, encoding: 'UTF8' }]);
});

test('nobody gets in without the password, which is kept for its owner only', async () => {
  using folder = temporaryFolder('postgres');
  await using server = await startPostgres({ dataFolder: folder.path });
  const url = new URL(server.url);
  url.password = 'wrong';
  await expect(query(url.toString(), 'select 1')).rejects.toThrow(/password authentication failed/);
  expect(statSync(join(folder.path, 'password')).mode & 0o077).toBe(0);
});

test.runIf(asRoot)('under root it runs as another user, who reaches data below a 0700 home by a folder outside', async () => {
  using home = temporaryFolder('home');
  using outside = temporaryFolder('outside');
  const dataFolder = join(home.path, 'project', 'postgres');
  mkdirSync(dataFolder, { recursive: true });
  chmodSync(home.path, 0o700);
  const { found, version } = await postgresPrograms();
  const hidden = join(home.path, 'programs');
  cpSync(found, hidden, { recursive: true, verbatimSymlinks: true });
  const start = () => startEmbedded({ programs: hidden, version, dataFolder, outsideFolder: outside.path, environment: process.env });

  const first = await start();
  await query(first.url, 'create table kept (n int)');
  expect(readFileSync(`/proc/${first.process.pid}/status`, 'utf8')).toMatch(/^Uid:\s+(?!0\b)/m);
  await first.stop();
  await using second = await start();
  expect(await query(second.url, 'select n from kept')).toEqual([]);
  const base = readFileSync(join(dataFolder, 'elsewhere'), 'utf8');
  expect(base.startsWith(outside.path)).toBe(true);
  expect(readFileSync(join(base, 'belongs-to'), 'utf8')).toBe(`${dataFolder}\n`);
  expect(statSync(join(base, 'data')).mode & 0o077).toBe(0);
  expect(statSync(home.path).mode & 0o777).toBe(0o700);
  rmSync(hidden, { recursive: true });
});

test('a server that cannot start says the end of its log', async () => {
  using folder = temporaryFolder('postgres');
  await expect(startPostgres({ dataFolder: folder.path, settings: { shared_buffers: 'a lot' } })).rejects.toThrow(/ended while starting[\s\S]*shared_buffers/);
  await using after = await startPostgres({ dataFolder: folder.path });
  await eventually(() => isRunning(after.process.pid), { saying: 'the server to run' });
});

function pidFile(folder: string): string {
  return join(folder, 'data', 'postmaster.pid');
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {}); // a server killed under an open connection
  await client.connect();
  try {
    return (await client.query(text)).rows as unknown[];
  } finally {
    await client.end();
  }
}
