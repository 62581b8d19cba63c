/** The roles that run alone: gateway, coordinator, ioc-host. NATS and Postgres are somebody else's. */
import { DreyError } from '../contracts/errors.ts';
import type { ReadConfig } from '../config.ts';
import { createLifecycle } from '../kernel/lifecycle.ts';
import { createLog } from '../kernel/log.ts';
import { serveMetrics } from './metrics-server.ts';
import { ground } from './ground.ts';
import { openBus, openPersistence, runCoordinator, runIocHost } from './parts.ts';
import { stopOnSignals } from './stop-signals.ts';

export type SingleRole = 'gateway' | 'coordinator' | 'ioc-host';

export async function runSingle(role: SingleRole, { config, environment }: ReadConfig): Promise<void> {
  const needs: [string, string | undefined][] = [['NATS_URL', config.natsUrl], ...(role === 'ioc-host' ? [] : ([['DATABASE_URL', config.databaseUrl]] as [string, string | undefined][]))];
  const faults = needs.filter(([, value]) => value === undefined).map(([name]) => `${name}: role ${role} needs it`);
  if (faults.length > 0) throw new DreyError('badInput', `role ${role} cannot start`, { faults });

  const log = createLog({ level: config.logLevel, pretty: config.logFormat === 'pretty' }).child({ role, id: config.id });
  const lifecycle = createLifecycle(log);
  const stopped = stopOnSignals(lifecycle, log);
  const base = ground(config, log, lifecycle);
  if (role !== 'gateway' && config.metricsPort > 0) await lifecycle.run(serveMetrics(base.metrics, config.host, config.metricsPort));
  const bus = await openBus(base, role, { servers: config.natsUrl!, user: config.natsUser, password: config.natsPassword });
  if (role === 'ioc-host') {
    const { openChannelAccess } = await import('./channel-access.ts');
    await runIocHost(base, bus, await openChannelAccess(base, config.caEnvironment, environment));
  } else {
    const persistence = await openPersistence(base, config.databaseUrl!);
    if (role === 'coordinator') await runCoordinator(base, bus, persistence);
    else log.info({ url: await (await import('./gateway.ts')).runGateway(base, bus, persistence) }, 'listening');
  }
  log.info({}, 'ready');
  await stopped;
}
