/** The parts that roles are made of, opened in turn through the lifecycle. */
import { createCoordinator } from '../actors/coordinator/index.ts';
import { createIocHost } from '../actors/ioc-host/index.ts';
import { connectNats, ensureTopology } from '../bus/nats/index.ts';
import type { Bus } from '../bus/port.ts';
import type { CaEnvironment, ChannelAccess } from '../channel-access/port.ts';
import { DreyError } from '../contracts/errors.ts';
import { createGateway } from '../gateway/index.ts';
import { backoffMs } from '../kernel/backoff.ts';
import { systemClock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { createPersistence } from '../persistence/postgres/index.ts';
import type { Persistence } from '../persistence/port.ts';
import { createChannelAccess } from './channel-access.ts';
import type { Ground } from './ground.ts';
import { version } from './version.ts';

export interface NatsLogin {
  readonly servers: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

export function openBus({ config, log, lifecycle }: Ground, role: string, login: NatsLogin): Promise<Bus> {
  return lifecycle.open(
    'bus',
    async () => {
      const bus = await connectNats({ ...login, name: `drey ${role} ${config.id}`, log: log.child({ part: 'bus' }) });
      await ensureTopology(bus);
      return bus;
    },
    (bus) => bus.close(),
  );
}

export function openPersistence({ log, lifecycle }: Ground, url: string): Promise<Persistence> {
  return lifecycle.open(
    'persistence',
    async () => {
      const persistence = createPersistence({ url, log: log.child({ part: 'persistence' }) });
      try {
        await whenThere(() => persistence.migrate(), log);
      } catch (error) {
        await persistence.close();
        throw error;
      }
      return persistence;
    },
    (persistence) => persistence.close(),
  );
}

/** Servers often start together with their clients, and NATS is waited for as long. */
const firstAnswerMs = 30_000;
const pauses = { baseMs: 200, maxMs: 2_000 };

async function whenThere(begin: () => Promise<void>, log: Log): Promise<void> {
  const until = systemClock.now() + firstAnswerMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await begin();
    } catch (error) {
      const pause = backoffMs(attempt, pauses, Math.random());
      if (!(error instanceof DreyError) || error.code !== 'unavailable' || systemClock.now() + pause > until) throw error;
      if (attempt === 3) log.warn({ reason: error.message }, 'still waiting for the database');
      await new Promise<void>((resume) => systemClock.setTimeout(resume, pause));
    }
  }
}

export async function runCoordinator({ config, log, lifecycle, metrics }: Ground, bus: Bus, persistence: Persistence): Promise<void> {
  await lifecycle.run(createCoordinator({ bus, persistence, clock: systemClock, log: log.child({ part: 'coordinator' }), metrics, id: config.id, putWindow: config.putWindow }));
}

export async function runIocHost({ config, log, lifecycle, metrics }: Ground, bus: Bus, environment: CaEnvironment, variables: Readonly<Record<string, string | undefined>>): Promise<void> {
  const channelAccess: ChannelAccess = await lifecycle.open(
    'channel access',
    () => createChannelAccess(config, environment, variables, log),
    (client) => client.stop(),
  );
  await lifecycle.run(
    createIocHost({
      id: config.id,
      bus,
      channelAccess,
      ca: config.ca,
      clock: systemClock,
      log: log.child({ part: 'ioc-host' }),
      metrics,
      breaker: { window: config.breakerWindow, minCalls: config.breakerMinCalls, rate: config.breakerRate, baseMs: config.breakerBaseMs, maxMs: config.breakerMaxMs },
    }),
  );
}

/** As they are written in the environment. */
function caVariables({ addressList, autoAddressList, nameServers }: CaEnvironment): Record<string, string> {
  const list = (places: CaEnvironment['addressList']): string => places.map(({ host, port }) => `${host}:${port}`).join(' ');
  return { EPICS_CA_ADDR_LIST: list(addressList), EPICS_CA_AUTO_ADDR_LIST: autoAddressList ? 'YES' : 'NO', EPICS_CA_NAME_SERVERS: list(nameServers) };
}

export async function runGateway({ config, log, lifecycle, metrics }: Ground, bus: Bus, persistence: Persistence): Promise<string> {
  const gateway = createGateway({
    persistence,
    bus,
    log: log.child({ part: 'gateway' }),
    metrics,
    options: { host: config.host, port: config.port, allowOrigins: config.origins, version, environment: caVariables(config.caEnvironment) },
  });
  await lifecycle.run(gateway);
  return gateway.url;
}
