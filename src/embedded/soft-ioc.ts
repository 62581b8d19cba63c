// One soft IOC as a child process, on loopback. EPICS names its own faults on the way to iocInit, so
// its last words go into the error.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { onPath, run } from './command.ts';
import { freePort } from './free-port.ts';
import { startServerProcess, type Exit, type ServerProcess } from './server-process.ts';

export interface SoftIocOptions {
  /** The program, as findSoftIoc() reports it. */
  command: readonly string[];
  environment: Record<string, string | undefined>;
  /** Database files, loaded in this order with the same macros. */
  databases?: readonly string[];
  /** Database text, loaded after the files. */
  records?: string;
  macros?: Record<string, string>;
  /** A port of 127.0.0.1, or a free one. */
  port?: number;
  /** Where beacons go. The IOC's own port by default: nobody listens there, so it stays silent. */
  beaconAddresses?: readonly string[];
  /** Passed on as EPICS_CA_MAX_ARRAY_BYTES. */
  maxArrayBytes?: number;
  readyWithinMs?: number;
  onUnexpectedExit?: (exit: Exit, lastLines: readonly string[]) => void;
}

export interface SoftIoc extends AsyncDisposable {
  readonly port: number;
  /** As it stands in EPICS_CA_ADDR_LIST. */
  readonly address: string;
  readonly process: ServerProcess;
  /** SIGSTOP hangs it, SIGCONT lets it go on, SIGKILL kills it. */
  kill(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

const READY = /iocRun: All initialization complete|IOC Running/;
const PORT_TAKEN = /cas\w* warning: Configured TCP port was unavailable/i;
/** A failed assertion of EPICS prints its stack and leaves the process standing. Seen now and then when many start at once on a busy machine. */
const CRASHED = /Dumping a stack trace of thread|^A call to 'assert\(/;
const TRIES_AFTER_A_CRASH = 3;
const TRIES_FOR_A_FREE_PORT = 5;

export async function startSoftIoc(options: SoftIocOptions): Promise<SoftIoc> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? await freePort();
    const started = await startOn(port, options);
    if (typeof started === 'object') return started;
    if (started === 'crashed') {
      if (attempt >= TRIES_AFTER_A_CRASH) throw new Error(`the soft IOC stopped itself while starting, ${attempt} times`);
      continue;
    }
    if (options.port !== undefined) throw new Error(`port ${port} of 127.0.0.1, wanted for a soft IOC, is taken by another program: free it or choose another port`);
    if (attempt >= TRIES_FOR_A_FREE_PORT) throw new Error(`no free port for a soft IOC in ${attempt} tries`);
  }
}

async function startOn(port: number, options: SoftIocOptions): Promise<SoftIoc | 'port taken' | 'crashed'> {
  const scratch = mkdtempSync(join(tmpdir(), 'drey-ioc-'));
  const files = [...options.databases ?? []];
  if (options.records !== undefined) {
    const path = join(scratch, 'records.db');
    writeFileSync(path, options.records);
    files.push(path);
  }
  let portTaken = false;
  let crashed = false;
  let tellReady: () => void = () => {};
  const ready = new Promise<void>((resolve) => { tellReady = resolve; });
  let server: ServerProcess | undefined;
  try {
    const macros = Object.entries(options.macros ?? {}).map(([name, value]) => `${name}=${value}`).join(',');
    server = await startServerProcess({
      name: 'the soft IOC',
      command: [
        ...options.command,
        ...(macros === '' ? [] : ['-m', macros]),
        ...files.flatMap((file) => ['-d', file]),
      ],
      environment: { ...options.environment, ...addresses(port, options) },
      cwd: '/',
      stopSignal: 'SIGTERM',
      // It keeps nothing, and a stopped one (kill -STOP) must not outlive us.
      deathSignal: 'SIGKILL',
      stopWithinMs: 2000,
      privileges: await withoutRealTimePriority(options.environment),
      onLine: (line) => {
        if (PORT_TAKEN.test(line)) portTaken = true;
        if (CRASHED.test(line)) crashed = true;
        if (crashed || READY.test(line)) tellReady();
      },
      onUnexpectedExit: (exit) => options.onUnexpectedExit?.(exit, server?.lastLines() ?? []),
    });
    await reached(ready, server, options.readyWithinMs ?? 30_000);
    if (portTaken || crashed) {
      await server.stop();
      return portTaken ? 'port taken' : 'crashed';
    }
  } catch (fault) {
    await server?.stop();
    throw fault;
  } finally {
    rmSync(scratch, { recursive: true, force: true }); // the records have been read by now
  }
  const running = server;
  const stop = async (): Promise<void> => { await running.stop(); };
  return {
    port, address: `127.0.0.1:${port}`, process: running, stop, kill: (signal) => running.signal(signal), [Symbol.asyncDispose]: stop,
  };
}

function addresses(port: number, { beaconAddresses, maxArrayBytes }: SoftIocOptions): Record<string, string> {
  return {
    EPICS_CAS_INTF_ADDR_LIST: '127.0.0.1',
    EPICS_CAS_SERVER_PORT: String(port),
    EPICS_CAS_AUTO_BEACON_ADDR_LIST: 'NO',
    EPICS_CAS_BEACON_ADDR_LIST: (beaconAddresses ?? [`127.0.0.1:${port}`]).join(' '),
    // What the IOC itself would look for as a client stays on this machine too.
    EPICS_CA_AUTO_ADDR_LIST: 'NO',
    EPICS_CA_ADDR_LIST: '127.0.0.1',
    // The packaged IOC brings a PVAccess server along.
    EPICS_PVAS_INTF_ADDR_LIST: '127.0.0.1',
    EPICS_PVAS_AUTO_BEACON_ADDR_LIST: 'NO',
    EPICS_PVAS_SERVER_PORT: '0',
    EPICS_PVA_AUTO_ADDR_LIST: 'NO',
    EPICS_PVA_ADDR_LIST: '127.0.0.1',
    ...(maxArrayBytes === undefined ? {} : { EPICS_CA_MAX_ARRAY_BYTES: String(maxArrayBytes) }),
    PYTHONUNBUFFERED: '1',
  };
}

async function reached(ready: Promise<void>, server: ServerProcess, withinMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const outcome = await Promise.race([
    ready.then(() => 'ready' as const),
    server.exited,
    new Promise<'late'>((resolve) => { timer = setTimeout(() => resolve('late'), withinMs); }),
  ]);
  clearTimeout(timer);
  if (outcome === 'ready') return;
  const words = server.lastLines().filter((line) => !isPythonsOwn(line)).slice(-12).map((line) => `\n  ${line}`).join('');
  if (outcome === 'late') throw new Error(`the soft IOC did not serve within ${withinMs / 1000} s. Its last words:${words}`);
  throw new Error(`the soft IOC ended while starting (code ${outcome.code}, signal ${outcome.signal}). Its last words:${words}`);
}

/** The packaged IOC wraps what EPICS says into a trace of itself. */
function isPythonsOwn(line: string): boolean {
  return line.trim() === '' || /^(Traceback |RuntimeError: | {2}File "| {4}\S)/.test(line);
}

let mayDropPriority: Promise<readonly string[]> | undefined;

/** Under root EPICS gives its threads real-time priority, which would starve everything else of a small machine. */
function withoutRealTimePriority(environment: SoftIocOptions['environment']): Promise<readonly string[]> {
  const privileges = ['--bounding-set', '-sys_nice'];
  mayDropPriority ??= (async () => {
    const setpriv = onPath('setpriv', environment);
    if (process.getuid?.() !== 0 || setpriv === undefined) return [];
    const tried = await run(setpriv, [...privileges, '--', 'true'], { timeoutMs: 5000, environment });
    return tried.code === 0 ? privileges : [];
  })();
  return mayDropPriority;
}
