import { z } from 'zod';
import { circuitCommand, circuitDone, circuitList, type CircuitOperations } from '../operations/circuits.ts';
import { disconnectedPvs, stalePvs, usualStaleSeconds, watchdogStats, type ConnectionOperations } from '../operations/connections.ts';
import type { Door } from './door.ts';

const tags = ['health'];
const circuitParam = z.object({ name: z.string().min(1).max(255).describe('host:port of the IOC') });

export function connectionRoutes(app: Door, connections: ConnectionOperations): void {
  app.get('/v1/health/disconnected', {
    config: { operation: 'health.read' },
    schema: { tags, summary: 'PVs of the catalogue without a connection, with the reason of each', response: { 200: disconnectedPvs } },
  }, () => connections.disconnected());

  app.get('/v1/health/stale', {
    config: { operation: 'health.read' },
    schema: {
      tags,
      summary: 'Connected PVs whose IOC has stamped no change for so long; a PV that does not change is not unwell',
      querystring: z.object({ max_age_seconds: z.coerce.number().min(0).max(1e9).default(usualStaleSeconds) }),
      response: { 200: stalePvs },
    },
  }, (request) => connections.stale(request.query.max_age_seconds));

  app.get('/v1/health/watchdog', {
    config: { operation: 'health.read' },
    schema: { tags, summary: 'Disconnected and unchanging PVs now, and the checks by hand; IOC actors watch their circuits without being asked', response: { 200: watchdogStats } },
  }, () => connections.watchdog());

  app.post('/v1/health/watchdog/check', {
    config: { operation: 'health.check' },
    schema: { tags, summary: 'Read the disconnected and unchanging PVs again, now', response: { 200: watchdogStats } },
  }, () => connections.check());
}

export function circuitRoutes(app: Door, circuits: CircuitOperations): void {
  app.get('/v1/health/circuits', {
    config: { operation: 'iocs.read' },
    schema: { tags, summary: 'Circuit breakers, one per IOC; /v1/iocs says more', response: { 200: circuitList } },
  }, () => circuits.list());

  for (const command of ['open', 'close'] as const) {
    app.post(`/v1/health/circuits/:name/${command}`, {
      config: { operation: 'iocs.command' },
      schema: { tags, summary: `As POST /v1/iocs/{name}/${command}; the reason may be left out`, params: circuitParam, body: circuitCommand, response: { 200: circuitDone } },
    }, (request) => circuits.force(request.caller, request.params.name, command, request.body?.reason));
  }
}
