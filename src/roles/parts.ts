/** The parts that roles are made of, opened through the lifecycle; gateway and Channel Access, which are loaded at other times, have files of their own. */
import { createCoordinator } from '../actors/coordinator/index.ts';
import { createIocHost, type IocHost } from '../actors/ioc-host/index.ts';
import { connectNats, ensureTopology } from '../bus/nats/index.ts';
import type { Bus } from '../bus/port.ts';
import type { ChannelAccess } from '../channel-access/port.ts';
import { DreyError } from '../contracts/errors.ts';
import { backoffMs } from '../kernel/backoff.ts';
import { systemClock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { createPersistence } from '../persistence/postgres/index.ts';
import type { Persistence } from '../persistence/port.ts';
import type { Ground } from './ground.ts';

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

export async function runIocHost({ config, log, lifecycle, metrics }: Ground, bus: Bus, channelAccess: ChannelAccess): Promise<IocHost> {
  const host = createIocHost({
    id: config.id,
    bus,
    channelAccess,
    ca: config.ca,
    clock: systemClock,
    log: log.child({ part: 'ioc-host' }),
    metrics,
    breaker: { window: config.breakerWindow, minCalls: config.breakerMinCalls, rate: config.breakerRate, baseMs: config.breakerBaseMs, maxMs: config.breakerMaxMs },
  });
  await lifecycle.run(host);
  return host;
}
