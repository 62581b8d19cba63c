/** Prometheus metrics of this process. Each part registers its own; the gateway (or a small server) shows them. */
import { collectDefaultMetrics, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'drey_' });
  return registry;
}
