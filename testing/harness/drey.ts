import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { freePort, startServerProcess, type ServerProcess } from '../../src/embedded/index.ts';
import type { Job } from '../../src/contracts/jobs.ts';
import { eventually } from './eventually.ts';
import { BROUGHT, PROJECT, temporaryFolder } from './run-folder.ts';

export interface DreyOptions {
  /** For EPICS_CA_ADDR_LIST; absent = the demo facility. */
  addressList?: string;
  environment?: Record<string, string>;
}

export interface Drey extends AsyncDisposable {
  readonly url: string;
  readonly key: string;
  readonly dataFolder: string;
  /** The process of role `up`; another one after `restart`. */
  readonly process: ServerProcess;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
  /** Any request, with the answer as it is. */
  call(method: string, path: string, body?: string | object): Promise<Response>;
  /** Within a minute. */
  finished(jobId: string): Promise<Job>;
  /** Waits until so many channels are connected. */
  connected(channels: number): Promise<void>;
  cli(...args: string[]): Promise<{ stdout: string; stderr: string; code: number | null }>;
  kill9(): Promise<void>;
  stop(): Promise<void>;
  /** Starts again on the same data, after kill9 or stop. */
  restart(): Promise<void>;
}

/** The whole system as a person starts it, in a process of its own, on a folder of its own. */
export async function startDrey(options: DreyOptions = {}): Promise<Drey> {
  const folder = temporaryFolder('system');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const environment: Record<string, string | undefined> = {
    ...process.env,
    DREY_DATA: folder.path,
    DREY_BRING: BROUGHT,
    DREY_LOG_FORMAT: 'json',
    // As the launcher sets it.
    NODE_COMPILE_CACHE: join(PROJECT, '.drey', 'compile-cache'),
    DREY_URL: url,
    EPICS_CA_AUTO_ADDR_LIST: 'NO',
    EPICS_CA_REPEATER_PORT: String(await freePort()),
    ...(options.addressList === undefined ? {} : { EPICS_CA_ADDR_LIST: options.addressList }),
    ...options.environment,
  };
  const main = join(PROJECT, 'src', 'main.ts');
  const start = async (): Promise<{ running: ServerProcess; key: string }> => {
    let said = '';
    const ready = Promise.withResolvers<string>();
    const running = await startServerProcess({
      name: 'drey up',
      command: [process.execPath, main, 'up', '--port', String(port), ...(options.addressList === undefined ? [] : ['--no-demo'])],
      environment,
      stopSignal: 'SIGINT',
      stopWithinMs: 8_000,
      onLine: (line) => {
        said = `${said}${line}\n`.slice(-20_000);
        const key = /API key: (\S+)/.exec(line)?.[1];
        if (key) ready.resolve(key);
      },
    });
    void running.exited.then((exit) => ready.reject(new Error(`drey up ended with ${JSON.stringify(exit)} before it was ready; it said:\n${said}`)));
    ready.promise.catch(() => {});
    return { running, key: await ready.promise };
  };

  let { running, key } = await start();
  const call = async (method: string, path: string, body?: string | object): Promise<Response> =>
    fetch(`${url}${path}`, {
      method,
      headers: { 'x-api-key': key, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  const good = async <T>(response: Response): Promise<T> => {
    if (!response.ok) throw new Error(`${response.status} ${response.url}: ${await response.text()}`);
    return (await response.json()) as T;
  };
  const drey: Drey = {
    url,
    get key() {
      return key;
    },
    dataFolder: folder.path,
    get process() {
      return running;
    },
    call,
    get: async (path) => good(await call('GET', path)),
    post: async (path, body) => good(await call('POST', path, body as object)),
    finished: async (jobId) => {
      for (let waited = 0; waited < 12; waited++) {
        const job = await drey.get<Job>(`/v1/jobs/${jobId}?wait=5000`);
        if (job.status !== 'pending' && job.status !== 'running') return job;
      }
      throw new Error(`a job does not end: ${JSON.stringify(await drey.get<Job>(`/v1/jobs/${jobId}`))}`);
    },
    connected: async (channels) => {
      await eventually(
        async () => {
          const iocs = await drey.get<{ channels: { connected: number } }[]>('/v1/iocs');
          const sum = iocs.reduce((all, ioc) => all + ioc.channels.connected, 0);
          return sum >= channels ? true : undefined;
        },
        { saying: `${channels} channels to be connected`, withinMs: 60_000, everyMs: 50 },
      );
    },
    cli: (...args) =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, [main, ...args], { env: { ...environment, DREY_API_KEY: key } as NodeJS.ProcessEnv, stdio: ['ignore', 'pipe', 'pipe'] });
        let stdout = '';
        let stderr = '';
        child.stdout.on('data', (data) => (stdout += String(data)));
        child.stderr.on('data', (data) => (stderr += String(data)));
        child.once('error', reject);
        child.once('close', (code) => resolve({ stdout, stderr, code }));
      }),
    kill9: async () => {
      running.signal('SIGKILL');
      await running.exited;
    },
    stop: async () => {
      await running.stop();
    },
    restart: async () => {
      ({ running, key } = await start());
    },
    [Symbol.asyncDispose]: async () => {
      await running.stop();
      folder[Symbol.dispose]();
    },
  };
  return drey;
}
