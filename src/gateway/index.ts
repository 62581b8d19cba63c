/**
 * The gateway: two doors, HTTP and NATS services, to the same operations. It turns requests into
 * messages and questions to the store; it never touches a PV itself.
 */
import { watchHosts } from '../bus/hosts.ts';
import { watchJobs } from '../bus/jobs.ts';
import type { Bus } from '../bus/port.ts';
import { DreyError } from '../contracts/errors.ts';
import { systemClock, type Clock } from '../kernel/clock.ts';
import type { Service } from '../kernel/lifecycle.ts';
import type { Log } from '../kernel/log.ts';
import type { Registry } from '../kernel/metrics.ts';
import type { Persistence } from '../persistence/port.ts';
import { createAuthenticator } from './access.ts';
import { createAudit } from './audit.ts';
import { apiKeyRoutes } from './http/api-keys.ts';
import { auditRoutes } from './http/audit.ts';
import { automationRoutes } from './http/automation.ts';
import { comparisonRoutes, historyRoutes } from './http/comparisons.ts';
import { circuitRoutes, connectionRoutes } from './http/connections.ts';
import type { Door } from './http/door.ts';
import { fileRoutes } from './http/files.ts';
import { healthRoutes } from './http/health.ts';
import { iocRoutes } from './http/iocs.ts';
import { jobRoutes } from './http/jobs.ts';
import { liveSocketRoutes } from './http/live-sockets.ts';
import { liveValueRoutes } from './http/live-values.ts';
import { monitorRoutes } from './http/monitor.ts';
import { pvRoutes } from './http/pvs.ts';
import { restoreRoutes } from './http/restores.ts';
import { createHttpServer, type HttpOptions } from './http/server.ts';
import { snapshotRoutes } from './http/snapshots.ts';
import { tagRoutes } from './http/tags.ts';
import { offerServices } from './nats/services.ts';
import { createOperations } from './operations/index.ts';
import { createLiveSockets, type LiveSockets } from './ws/index.ts';

export interface GatewayOptions extends HttpOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Bytes that may wait in a WebSocket client before it is passed over. */
  readonly mostBuffered?: number;
  /** EPICS_CA_* in force, for the EPICS test to tell. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface GatewayDeps {
  readonly persistence: Persistence;
  readonly bus: Bus;
  readonly log: Log;
  readonly metrics: Registry;
  readonly options: GatewayOptions;
  readonly clock?: Clock;
}

/** Requests under way get this long to end when the gateway stops, ms. */
const lastRequestsMs = 2_000;

export function createGateway({ persistence, bus, log, metrics, options, clock = systemClock }: GatewayDeps): Service & { readonly url: string } {
  const stopping = new AbortController();
  const opened: { stop(): Promise<void> }[] = [];
  let http: Door | undefined;
  let sockets: LiveSockets | undefined;

  const open = async <S extends { stop(): Promise<void> }>(opening: Promise<S>): Promise<S> => {
    const service = await opening;
    opened.push(service);
    return service;
  };

  return {
    name: 'gateway',
    get url() {
      const address = http?.addresses()[0];
      if (address === undefined || typeof address === 'string') throw new Error('the gateway has no URL before it has started');
      return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
    },

    start: async () => {
      const audit = createAudit(persistence.audit, log);
      const hosts = await open(watchHosts(bus));
      const jobs = await open(watchJobs(bus));
      const operations = createOperations({ persistence, bus, audit, hosts, jobs, clock, ...(options.environment ? { environment: options.environment } : {}) });

      const authenticate = createAuthenticator(persistence.apiKeys);
      sockets = createLiveSockets({ persistence, bus, hosts, authenticate, clock, log, metrics, ...(options.mostBuffered === undefined ? {} : { mostBuffered: options.mostBuffered }) });

      http = await createHttpServer({ authenticate, log, metrics, options });
      apiKeyRoutes(http, operations.apiKeys);
      pvRoutes(http, operations.catalogue, operations.live);
      fileRoutes(http, operations);
      monitorRoutes(http, operations.monitor);
      liveValueRoutes(http, operations.live);
      tagRoutes(http, operations.tags);
      snapshotRoutes(http, operations.snapshots, stopping.signal);
      comparisonRoutes(http, operations.comparisons);
      historyRoutes(http, operations.history);
      restoreRoutes(http, operations.restores, stopping.signal);
      jobRoutes(http, operations.jobs, stopping.signal);
      iocRoutes(http, operations.iocs);
      connectionRoutes(http, operations.connections);
      circuitRoutes(http, operations.circuits);
      healthRoutes(http, operations.health, { version: options.version, metrics });
      auditRoutes(http, persistence.audit);
      automationRoutes(http, operations.automation);
      liveSocketRoutes(http, sockets);
      sockets.attach(http.server);

      await open(offerServices(bus, operations, options.version));
      await listen(http, options);
    },

    stop: async () => {
      stopping.abort();
      // The server would wait for them for ever: it does not count them as its connections.
      await sockets?.stop();
      sockets = undefined;
      const app = http;
      if (app) {
        const impatient = setTimeout(() => app.server.closeAllConnections(), lastRequestsMs);
        await app.close();
        clearTimeout(impatient);
      }
      for (let service = opened.pop(); service; service = opened.pop()) await service.stop();
    },
  };
}

async function listen(http: Door, { host, port }: GatewayOptions): Promise<void> {
  try {
    await http.listen({ host, port });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE') throw new DreyError('conflict', `port ${port} of ${host} is taken: another Drey, or another program, listens there; choose another port`, { cause: error });
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') throw new DreyError('badInput', `${host} is no address of this machine: the gateway cannot listen there`, { cause: error });
    if (code === 'EACCES') throw new DreyError('badInput', `this user may not listen on port ${port}: choose one of 1024 or higher`, { cause: error });
    throw error;
  }
}
