import { z } from 'zod';
import { cacheStatus, epicsTest, monitorHealth, monitorStatus, type MonitorOperations } from '../operations/monitor.ts';
import type { Door } from './door.ts';

export function monitorRoutes(app: Door, monitor: MonitorOperations): void {
  app.get('/v1/health/monitor', {
    config: { operation: 'health.read' },
    schema: { tags: ['health'], summary: 'How many PVs the ioc-hosts watch, and how many are connected', response: { 200: monitorHealth } },
  }, () => monitor.monitor());

  app.get('/v1/health/monitor/status', {
    config: { operation: 'health.read' },
    schema: { tags: ['health'], summary: 'Whether the ioc-hosts are alive', response: { 200: monitorStatus } },
  }, () => monitor.status());

  app.get('/v1/pvs/cache/status', {
    config: { operation: 'pvs.live' },
    schema: { tags: ['pvs'], summary: 'How many PVs the monitors keep values of', response: { 200: cacheStatus } },
  }, () => monitor.cache());

  app.get('/v1/pvs/test-epics', {
    config: { operation: 'pvs.live' },
    schema: {
      tags: ['pvs'],
      summary: 'Read one PV of the catalogue freshly, and say which EPICS_CA_* variables are in force',
      querystring: z.object({ pv: z.string().min(1).max(255).optional().describe('absent: the first of the catalogue') }),
      response: { 200: epicsTest },
    },
  }, (request) => monitor.test(request.query.pv));
}
