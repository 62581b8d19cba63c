import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keptPassword, tailOf } from './data-folder.ts';
import { lockFolder } from './folder-lock.ts';
import { isPortFree } from './free-port.ts';
import { makeFolder } from './make-folder.ts';
import { stopOrphan } from './orphan.ts';
import { startServerProcess, type Exit, type ServerProcess } from './server-process.ts';
import { until } from './until.ts';

export interface NatsServerOptions {
  /** The program, as findNatsServer() reports it. */
  command: readonly string[];
  /** Holds the streams, the log and the lock. One server per folder. */
  dataFolder: string;
  environment: Record<string, string | undefined>;
  /** A port of 127.0.0.1, or a free one. */
  port?: number;
  /** Ask clients for a password, made at the first start and kept in the data folder for its owner only. */
  withPassword?: boolean;
  /** The bound of what JetStream keeps on disk. */
  maxStoreBytes?: number;
  onUnexpectedExit?: (exit: Exit, logTail: string) => void;
}

export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** What connect() of a NATS client takes. */
  readonly connection: { servers: string; user?: string; pass?: string };
  readonly process: ServerProcess;
  stop(): Promise<void>;
}

export const NATS_MAX_PAYLOAD = 8 * 1024 * 1024;
const READY_WITHIN_MS = 15_000;
const USER = 'drey';

export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const { dataFolder, port = -1 } = options;
  makeFolder(dataFolder, 0o700);
  const lock = lockFolder(dataFolder);
  let server: ServerProcess | undefined;
  try {
    if (lock.orphan !== undefined) await stopOrphan(lock.orphan, 'nats-server');
    if (port !== -1 && !await isPortFree(port)) {
      throw new Error(`port ${port} of 127.0.0.1, wanted for nats-server, is taken by another program: free it or choose another port`);
    }
    const password = options.withPassword === true ? keptPassword(dataFolder) : undefined;
    const configuration = join(dataFolder, 'nats-server.conf');
    writeFileSync(configuration, configurationFor(options, port, password), { mode: 0o600 });
    const portsFolder = join(dataFolder, 'ports');
    rmSync(portsFolder, { recursive: true, force: true });
    mkdirSync(portsFolder);
    const logFile = join(dataFolder, 'nats-server.log');
    server = await startServerProcess({
      name: 'nats-server',
      command: [...options.command, '-c', configuration, '--ports_file_dir', portsFolder],
      environment: options.environment,
      stopSignal: 'SIGTERM',
      stopWithinMs: 5000,
      logFile,
      onUnexpectedExit: (exit) => options.onUnexpectedExit?.(exit, tailOf(logFile)),
    });
    lock.noteServer(server.pid);
    const address = await readyAt(server, portsFolder, logFile);
    const running = server;
    void running.exited.then(() => lock.release());
    const stop = async (): Promise<void> => {
      await running.stop();
      lock.release();
    };
    return {
      url: `nats://${address.host}`,
      port: address.port,
      connection: password === undefined ? { servers: address.host } : { servers: address.host, user: USER, pass: password },
      process: running,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (fault) {
    await server?.stop();
    lock.release();
    throw fault;
  }
}

function configurationFor({ dataFolder, maxStoreBytes }: NatsServerOptions, port: number, password: string | undefined): string {
  const quoted = JSON.stringify;
  return [
    `listen: "127.0.0.1:${port}"`,
    `max_payload: ${NATS_MAX_PAYLOAD}`,
    'max_pending: 256MB',
    `jetstream { store_dir: ${quoted(join(dataFolder, 'streams'))}, max_file_store: ${maxStoreBytes ?? 20 * 1024 ** 3} }`,
    ...(password === undefined ? [] : [`authorization { user: ${quoted(USER)}, password: ${quoted(password)} }`]),
    '',
  ].join('\n');
}

/** The server writes its ports file when it accepts clients. */
async function readyAt(server: ServerProcess, folder: string, logFile: string): Promise<{ host: string; port: number }> {
  const host = await until(() => {
    if (!server.running) throw new Error(`nats-server ended while starting. The end of ${logFile}:\n${tailOf(logFile)}`);
    const name = readdirSync(folder).find((entry) => entry.endsWith('.ports'));
    if (name === undefined) return undefined;
    try {
      const ports = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { nats?: string[] };
      return ports.nats?.[0]?.replace(/^nats:\/\//, '');
    } catch {
      return undefined; // not written to its end yet
    }
  }, READY_WITHIN_MS);
  if (host === undefined) throw new Error(`nats-server did not get ready within ${READY_WITHIN_MS / 1000} s. The end of ${logFile}:\n${tailOf(logFile)}`);
  return { host, port: Number(host.split(':').pop()) };
}
