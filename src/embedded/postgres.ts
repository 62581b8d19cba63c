import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { failure, run } from './command.ts';
import { keptPassword, tailOf } from './data-folder.ts';
import { lockFolder } from './folder-lock.ts';
import { freePort, isPortFree } from './free-port.ts';
import { makeFolder } from './make-folder.ts';
import { stopOrphan } from './orphan.ts';
import { giveTo, placeFor, postgresAccount, type Account, type Place } from './postgres-account.ts';
import { birthMark } from './process-life.ts';
import { startServerProcess, type Exit, type ServerProcess } from './server-process.ts';
import { until } from './until.ts';

export interface PostgresOptions {
  /** The folder of programs and its version, as findPostgres() reports them. */
  programs: string;
  version: string;
  /** Holds the database, the password, the log and the lock. One server per folder. */
  dataFolder: string;
  environment: Record<string, string | undefined>;
  /** The database to make at the first start. */
  database?: string;
  /** A port of 127.0.0.1; else the last one again if it is free, else a free one. */
  port?: number;
  /** Where programs and data go when root's `nobody` cannot reach them where they are. */
  outsideFolder?: string;
  /** Settings on top of Drey's own. */
  settings?: Record<string, string>;
  onUnexpectedExit?: (exit: Exit, logTail: string) => void;
}

export interface PostgresServer extends AsyncDisposable {
  /** With the password in it: not for logs. */
  readonly url: string;
  readonly port: number;
  readonly process: ServerProcess;
  stop(): Promise<void>;
}

const USER = 'drey';
const OUTSIDE_FOLDER = '/var/lib/drey';
const READY_WITHIN_MS = 60_000; // recovery after a crash reads the log of all that was not yet written
const SETTINGS: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '128MB',
  max_wal_size: '2GB',
  fsync: 'on',
  synchronous_commit: 'on',
  jit: 'off',
};

export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { dataFolder, database = 'drey' } = options;
  makeFolder(dataFolder, 0o711);
  const lock = lockFolder(dataFolder);
  let server: ServerProcess | undefined;
  try {
    if (lock.orphan !== undefined) await stopOrphan(lock.orphan, 'Postgres');
    const account = await postgresAccount();
    if (account !== undefined) chmodSync(dataFolder, 0o711);
    const place = await placeFor(account, options.programs, options.version, dataFolder, options.outsideFolder ?? OUTSIDE_FOLDER);
    const password = keptPassword(dataFolder);
    const data = join(place.base, 'data');
    if (!existsSync(data)) await makeCluster(place, data, password, account, options.environment);
    await clearStalePidFile(data);

    const port = await choosePort(options.port, join(dataFolder, 'port'));
    const logFile = join(dataFolder, 'postgres.log');
    const settings = Object.entries({ ...SETTINGS, ...options.settings, port: String(port) });
    server = await startServerProcess({
      name: 'Postgres',
      command: [join(place.programs, 'bin', 'postgres'), '-D', data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      environment: { ...options.environment, LC_ALL: 'C' },
      cwd: '/',
      ...account,
      stopSignal: 'SIGINT', // a fast shutdown: does not wait for clients to leave
      stopWithinMs: 10_000,
      logFile,
      onUnexpectedExit: (exit) => options.onUnexpectedExit?.(exit, tailOf(logFile)),
    });
    lock.noteServer(server.pid);
    await ready(server, data, logFile);
    const urlOf = (name: string): string => `postgresql://${USER}:${password}@127.0.0.1:${port}/${name}`;
    await makeDatabase(urlOf('postgres'), database);
    const running = server;
    void running.exited.then(() => lock.release());
    const stop = async (): Promise<void> => {
      await running.stop();
      lock.release();
    };
    return { url: urlOf(database), port, process: running, stop, [Symbol.asyncDispose]: stop };
  } catch (fault) {
    await server?.stop();
    lock.release();
    throw fault;
  }
}

/** Made beside its place and moved there whole, so that a start cut short leaves no half cluster. */
async function makeCluster(place: Place, data: string, password: string, account: Account | undefined, environment: PostgresOptions['environment']): Promise<void> {
  const draft = `${data}.new`;
  const passwordFile = join(place.base, 'password.new');
  rmSync(draft, { recursive: true, force: true });
  rmSync(passwordFile, { force: true });
  mkdirSync(draft, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  giveTo(account, draft);
  giveTo(account, passwordFile);
  const made = await run(join(place.programs, 'bin', 'initdb'), [
    '-D', draft, '-U', USER, '--pwfile', passwordFile, '--auth=scram-sha-256', '--encoding=UTF8',
    '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C', '--no-sync', '--no-instructions',
  ], { timeoutMs: 120_000, cwd: '/', environment: { ...environment, LC_ALL: 'C' }, ...account });
  rmSync(passwordFile, { force: true });
  if (made.code !== 0) throw new Error(`the database could not be made in ${data}: ${failure('initdb', made)}`);
  renameSync(draft, data);
}

/** After kill -9 the pid file names a process that is gone, or whose pid somebody else has by now. The folder's lock is ours, so no live server owns it. */
async function clearStalePidFile(data: string): Promise<void> {
  const path = join(data, 'postmaster.pid');
  const pid = pidFileLines(path)?.[0];
  if (pid === undefined) return;
  const program = programOf(Number(pid));
  if (program?.includes('postgres') === true && program.includes(data)) await stopOrphan(Number(pid), 'Postgres');
  else if (birthMark(Number(pid)) !== undefined) rmSync(path, { force: true });
}

async function choosePort(wanted: number | undefined, noteFile: string): Promise<number> {
  if (wanted !== undefined) {
    if (await isPortFree(wanted)) return wanted;
    throw new Error(`port ${wanted} of 127.0.0.1, wanted for Postgres, is taken by another program: free it or choose another port`);
  }
  const last = existsSync(noteFile) ? Number(readFileSync(noteFile, 'utf8')) : NaN;
  if (Number.isInteger(last) && last > 0 && await isPortFree(last)) return last;
  const port = await freePort();
  writeFileSync(noteFile, String(port));
  return port;
}

/** The eighth line of the pid file is how the server says that it accepts connections. */
async function ready(server: ServerProcess, data: string, logFile: string): Promise<void> {
  const path = join(data, 'postmaster.pid');
  const state = await until(() => {
    if (!server.running) throw new Error(`Postgres ended while starting. The end of ${logFile}:\n${tailOf(logFile)}`);
    const lines = pidFileLines(path);
    return Number(lines?.[0]) === server.pid && lines?.[7]?.trim() === 'ready' ? true : undefined;
  }, READY_WITHIN_MS);
  if (state === undefined) throw new Error(`Postgres did not get ready within ${READY_WITHIN_MS / 1000} s. The end of ${logFile}:\n${tailOf(logFile)}`);
}

async function makeDatabase(url: string, database: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(database)}`);
  } finally {
    await client.end();
  }
}

function pidFileLines(path: string): string[] | undefined {
  try { return readFileSync(path, 'utf8').split('\n'); } catch { return undefined; }
}

function programOf(pid: number): string | undefined {
  try { return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '); } catch { return undefined; }
}
