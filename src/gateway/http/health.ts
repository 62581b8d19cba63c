import { z } from 'zod';
import type { Registry } from '../../kernel/metrics.ts';
import { healthSummary, heartbeat, type HealthOperations } from '../operations/health.ts';
import type { Door } from './door.ts';

const tags = ['health'];
const banner = z.object({ name: z.string(), version: z.string(), docs: z.string() });

export function healthRoutes(app: Door, health: HealthOperations, { version, metrics }: { version: string; metrics: Registry }): void {
  app.get('/', {
    config: { operation: 'open' },
    schema: { tags, summary: 'What this is', response: { 200: banner } },
  }, async () => ({ name: 'Drey', version, docs: '/docs' }));

  app.get('/health', {
    config: { operation: 'open' },
    schema: { tags, summary: 'This process is up; whether all works says /v1/health/summary', response: { 200: z.object({ status: z.literal('healthy') }) } },
  }, async () => ({ status: 'healthy' as const }));

  app.get('/v1/health/heartbeat', {
    config: { operation: 'open' },
    schema: { tags, summary: 'Newest sign of life of an ioc-host', response: { 200: heartbeat } },
  }, () => health.heartbeat());

  app.get('/v1/health/summary', {
    config: { operation: 'health.read' },
    schema: { tags, summary: 'Bus, database, ioc-hosts, IOCs, PVs, and what is wrong with them', response: { 200: healthSummary } },
  }, () => health.summary());

  app.get('/metrics', {
    config: { operation: 'open' },
    schema: { tags, summary: 'Prometheus metrics of this process; no PV values' },
  }, async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()));
}
