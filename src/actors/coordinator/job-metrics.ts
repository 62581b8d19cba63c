import { Counter, Gauge, Histogram, type Registry } from '../../kernel/metrics.ts';

export function jobMetrics(registry: Registry) {
  const ended = new Counter({ name: 'drey_jobs_ended_total', help: 'Jobs that ended here, by type and status; `lost` = taken over or given up by this process', labelNames: ['type', 'status'], registers: [registry] });
  const running = new Gauge({ name: 'drey_jobs_running', help: 'Jobs that run here', labelNames: ['type'], registers: [registry] });
  const seconds = new Histogram({
    name: 'drey_job_seconds', help: 'Time from taking up a job to its end', labelNames: ['type', 'status'],
    buckets: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300], registers: [registry],
  });
  return {
    /** Returns what to call at its end. */
    begun: (type: string) => {
      const began = performance.now();
      running.inc({ type });
      return (status: string): void => {
        running.dec({ type });
        ended.inc({ type, status });
        seconds.observe({ type, status }, (performance.now() - began) / 1000);
      };
    },
  };
}
