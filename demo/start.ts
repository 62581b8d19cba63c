import { startSoftIoc, type SoftIoc } from '../src/embedded/soft-ioc.ts';
import { backoffMs } from '../src/kernel/backoff.ts';
import { writeFacility, type WrittenIoc } from './facility.ts';
import { demoIocCommand } from './ioc-command.ts';

export interface DemoOptions {
  /** The soft IOC's command, as findSoftIoc() reports it. */
  runSoftIoc: readonly string[];
  /** Databases and access files are written here. */
  folder: string;
  /** One port per IOC, in the order of facility(); free ones by default. */
  ports?: readonly number[];
  /** Loopback by default; a container serves other containers on 0.0.0.0. */
  bind?: string;
  environment?: Record<string, string | undefined>;
  say?: (line: string) => void;
}

export interface Demo {
  /** For EPICS_CA_ADDR_LIST. */
  readonly addressList: string;
  readonly iocs: readonly DemoIocProcess[];
  stop(): Promise<void>;
}

export interface DemoIocProcess {
  readonly name: string;
  readonly port: number;
  /** The soft IOC that runs now; undefined while a dead one waits for its restart. */
  readonly running: SoftIoc | undefined;
  /** The next start after a death. */
  restarted(): Promise<SoftIoc>;
}

const restartPause = { baseMs: 1_000, maxMs: 30_000 };
/** An IOC that ran this long has recovered: its next restart is quick again. */
const steadyMs = 60_000;

export async function startDemo(options: DemoOptions): Promise<Demo> {
  const written = await writeFacility(options.folder);
  if (options.ports !== undefined && options.ports.length !== written.length) {
    throw new Error(`the demo has ${written.length} IOCs (${written.map(({ name }) => name).join(', ')}), but ${options.ports.length} ports were given: ${options.ports.join(', ')}`);
  }
  const starts = await Promise.allSettled(written.map((ioc, index) => keptAlive(ioc, options, options.ports?.[index])));
  const iocs = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(iocs.map((ioc) => ioc.stop()));
  };
  const faults = starts.flatMap((start, index) => (start.status === 'rejected' ? [`demo IOC ${written[index]?.name}: ${String((start.reason as Error).message)}`] : []));
  if (faults.length > 0) {
    await stop();
    throw new Error(faults.join('\n'));
  }
  return { addressList: iocs.map((ioc) => `127.0.0.1:${ioc.port}`).join(' '), iocs, stop };
}

/** An IOC that comes back on its port after every death, so that killing one is something to watch. */
async function keptAlive(ioc: WrittenIoc, options: DemoOptions, wantedPort: number | undefined): Promise<DemoIocProcess & { stop(): Promise<void> }> {
  let running: SoftIoc | undefined;
  let starting: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopping = false;
  let deaths = 0;
  let startedAt = 0;
  let waiting: ((ioc: SoftIoc) => void)[] = [];

  const start = async (port: number | undefined): Promise<SoftIoc> => {
    const started = await startSoftIoc({
      command: demoIocCommand(options.runSoftIoc, ioc.accessFile, options.bind ?? '127.0.0.1'),
      environment: options.environment ?? process.env,
      databases: [ioc.database],
      beaconAddresses: ['127.0.0.1'],
      ...(port === undefined ? {} : { port }),
      onUnexpectedExit: ({ code, signal }) => {
        // One that dies while starting is reported by its start.
        if (running !== undefined) restartLater(running.port, signal === null ? `exit code ${code}` : signal);
      },
    });
    if (!started.process.running) throw new Error(`it ended as soon as it served. Its last words: ${started.process.lastLines().slice(-3).join(' | ')}`);
    running = started;
    startedAt = Date.now();
    return started;
  };

  const restartLater = (port: number, why: string): void => {
    running = undefined;
    if (stopping) return;
    if (Date.now() - startedAt > steadyMs) deaths = 0;
    const pause = backoffMs(deaths++, restartPause, Math.random());
    options.say?.(`demo IOC ${ioc.name} on port ${port} ended (${why}), starting it again in ${(pause / 1000).toFixed(1)} s`);
    timer = setTimeout(() => {
      starting = start(port).then(
        (again) => {
          for (const resolve of waiting.splice(0)) resolve(again);
        },
        (fault: unknown) => restartLater(port, (fault as Error).message),
      );
    }, pause);
  };

  const { port } = await start(wantedPort);
  return {
    name: ioc.name,
    port,
    get running() {
      return running;
    },
    restarted: () => new Promise((resolve) => waiting.push(resolve)),
    async stop() {
      stopping = true;
      clearTimeout(timer);
      await starting;
      await running?.stop();
      waiting = [];
    },
  };
}
