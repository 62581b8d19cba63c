/** Role `up`: everything in one process, beside an embedded nats-server, an embedded Postgres and the demo facility. */
import { accessSync, constants, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCaEnvironment } from '../channel-access/environment.ts';
import type { CaEnvironment } from '../channel-access/port.ts';
import { settings, type ReadConfig } from '../config.ts';
import { DreyError } from '../contracts/errors.ts';
import { findNatsServer, findPostgres, findSoftIoc, isPortFree, lockFolder, makeFolder, startNatsServer, startPostgres, type NatsServer, type PostgresServer } from '../embedded/index.ts';
import { systemClock } from '../kernel/clock.ts';
import { createLifecycle, Stopping } from '../kernel/lifecycle.ts';
import { createLog } from '../kernel/log.ts';
import { keepRunning } from './kept-running.ts';
import { ground, type Ground } from './ground.ts';
import type { NatsLogin } from './parts.ts';
import { stopOnSignals } from './stop-signals.ts';
import { welcome } from './welcome.ts';

/** The door waits this long at most for the names to be searched. */
const namesFirstMs = 250;

export async function runUp(read: ReadConfig): Promise<void> {
  const { config } = read;
  checkFolder(config.data);
  const logFile = join(config.data, 'drey.log');
  // The terminal is for people: the log goes to a file, unless a collector reads standard error.
  const log = createLog({ level: config.logLevel, pretty: config.logFormat === 'pretty', ...(config.logFormat === 'pretty' ? { file: logFile } : {}) });
  const lifecycle = createLifecycle(log);
  const stopped = stopOnSignals(lifecycle, log);
  const base = ground(config, log, lifecycle);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  try {
    await lifecycle.open('data folder', async () => lockFolder(config.data), async (lock) => lock.release());
    // Before the servers start, which takes seconds the first time.
    if (config.port !== 0 && !(await isPortFree(config.port))) {
      throw new DreyError('conflict', `port ${config.port} is taken by another program: free it, or choose another with DREY_PORT or --port`);
    }
    // What needs nobody starts at once. Threads of Channel Access load on another core, programs start by themselves,
    // and what is loaded here first is what brings the channels: the gateway comes when they are searched.
    const openingDemo = openDemo(base, read, say);
    const openingNats = openNats(base, read, say);
    const openingPostgres = openPostgres(base, read, say);
    const openingChannels = Promise.all([openingDemo, import('./channel-access.ts')]).then(([demo, { openChannelAccess }]) => openChannelAccess(base, demo?.environment ?? config.caEnvironment, read.environment));
    const loading = import('./parts.ts');
    const openingBus = Promise.all([openingNats, loading]).then(([login, { openBus }]) => openBus(base, 'up', login));
    const openingPersistence = Promise.all([openingPostgres, loading]).then(([url, { openPersistence }]) => openPersistence(base, url));
    const [facility, channelAccess, bus, persistence, { runCoordinator, runIocHost }, { firstCatalogue, firstKey }] = await Promise.all([openingDemo, openingChannels, openingBus, openingPersistence, loading, import('./first-start.ts')]);
    const token = await firstKey(persistence, config.data);
    const loaded = facility === undefined ? 0 : await firstCatalogue(persistence, facility.entries);
    const [, host] = await Promise.all([runCoordinator(base, bus, persistence), runIocHost(base, bus, channelAccess)]);
    // Loaded while the first page of names is on its way. The door's forty parts keep this thread for a while: the names
    // go out before they are made. Not for long, whatever is the matter with them.
    const { runGateway } = await import('./gateway.ts');
    await Promise.race([host.settled(), new Promise<void>((resume) => systemClock.setTimeout(resume, namesFirstMs))]);
    const url = await runGateway(base, bus, persistence);
    say(welcome({ url, token, demo: facility !== undefined, loaded, data: config.data, logFile: config.logFormat === 'pretty' ? logFile : null, prefix: elsewhere(read, url) }));
  } catch (error) {
    await lifecycle.stop();
    if (!(error instanceof Stopping)) throw error;
  }
  await stopped;
}

/** Settings that a command in another terminal needs to find this Drey. */
function elsewhere({ config, sources }: ReadConfig, url: string): string {
  const parts = [...(url === settings.url.fallback ? [] : [`DREY_URL=${url}`]), ...(sources.data === 'default' ? [] : [`DREY_DATA=${config.data}`])];
  return parts.map((part) => `${part} `).join('');
}

function checkFolder(folder: string): void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new DreyError('unavailable', `the data folder ${folder} cannot be written (${error instanceof Error ? error.message : String(error)}): choose another with DREY_DATA or --data`);
  }
}

async function openNats({ config, log, lifecycle }: Ground, { environment }: ReadConfig, say: (line: string) => void): Promise<NatsLogin> {
  if (config.natsUrl !== undefined) return { servers: config.natsUrl, user: config.natsUser, password: config.natsPassword };
  const { command } = await findNatsServer({ folder: config.bring, environment, say, ...(config.natsServer ? { override: config.natsServer } : {}), ...(config.natsReleaseUrl ? { releaseUrl: config.natsReleaseUrl } : {}) });
  const kept = await lifecycle.open(
    'nats-server',
    () =>
      keepRunning<NatsServer>(
        'nats-server',
        (ended, before) =>
          startNatsServer({
            command,
            dataFolder: join(config.data, 'nats'),
            environment,
            withPassword: true,
            ...(before ? { port: before.port } : {}),
            onUnexpectedExit: (_, logTail) => ended(logTail),
          }),
        { clock: systemClock, log },
      ),
    (server) => server.stop(),
  );
  const { servers, user, pass } = kept.server.connection;
  return { servers, user, password: pass };
}

async function openPostgres({ config, log, lifecycle }: Ground, { environment }: ReadConfig, say: (line: string) => void): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl;
  const { found, version } = await findPostgres({ folder: config.bring, environment, say });
  const kept = await lifecycle.open(
    'postgres',
    () =>
      keepRunning<PostgresServer>(
        'postgres',
        (ended, before) => startPostgres({ programs: found, version, dataFolder: join(config.data, 'postgres'), environment, database: 'drey', ...(before ? { port: before.port } : {}), onUnexpectedExit: (_, logTail) => ended(logTail) }),
        { clock: systemClock, log },
      ),
    (server) => server.stop(),
  );
  return kept.server.url;
}

async function openDemo({ config, lifecycle }: Ground, { environment }: ReadConfig, say: (line: string) => void) {
  if (!config.demo) return undefined;
  const { command } = await findSoftIoc({ folder: config.bring, environment, say, ...(config.softIoc ? { override: config.softIoc } : {}) });
  // Loaded only here: a deployed Drey has no demo folder.
  const [{ startDemo }, { demoCatalogue }] = await Promise.all([import('../../demo/start.ts'), import('../../demo/catalogue.ts')]);
  const demo = await lifecycle.open(
    'demo facility',
    async () => startDemo({ runSoftIoc: command, folder: join(config.data, 'demo'), environment, ...(await usualPorts(say)) }),
    (facility) => facility.stop(),
  );
  // For other CA clients on this machine.
  writeFileSync(join(config.data, 'demo', 'address-list'), `${demo.addressList}\n`);
  return { environment: demoEnvironment(demo.addressList), entries: demoCatalogue() };
}

/** The same ports at every start, so that the directory stays true; free ones if somebody has them. */
async function usualPorts(say: (line: string) => void): Promise<{ ports?: number[] }> {
  const ports = [5161, 5162, 5163, 5164];
  const free = await Promise.all(ports.map((port) => isPortFree(port)));
  if (free.every(Boolean)) return { ports };
  say(`The demo's usual ports (${ports.join(', ')}) are not all free: its IOCs get others at this start.`);
  return {};
}

/** The demo's own world: nothing of the facility around is searched. */
function demoEnvironment(addressList: string): CaEnvironment {
  const read = readCaEnvironment({ EPICS_CA_ADDR_LIST: addressList, EPICS_CA_AUTO_ADDR_LIST: 'NO' });
  if (!read.ok) throw new Error(`the demo's address list ${addressList} cannot be read`);
  return read.environment;
}
