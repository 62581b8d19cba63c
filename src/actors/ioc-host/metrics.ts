/** What an ioc-host counts. Gauges are read when somebody looks, so that nothing is kept up to date for nobody. */
import { breakerState } from '../../contracts/iocs.ts';
import { restoreOutcomeNames } from '../../contracts/restores.ts';
import type { RowResults } from '../../contracts/row-results.ts';
import { readOutcomeNames } from '../../contracts/values.ts';
import { Counter, Gauge, type Registry } from '../../kernel/metrics.ts';
import { phases } from '../pv-channel/index.ts';
import type { Facility } from '../facility/index.ts';

export interface HostMetrics {
  reads(outcomes: Uint8Array): void;
  writes(results: RowResults): void;
  tripped(): void;
  restarted(): void;
}

export function createHostMetrics(registry: Registry, facility: () => Facility): HostMetrics {
  const registers = [registry];
  new Gauge({
    name: 'drey_iocs', help: 'IOC actors by breaker state', labelNames: ['state'], registers,
    collect() {
      this.reset();
      for (const state of breakerState.options) this.set({ state }, 0);
      for (const view of facility().views()) this.inc({ state: view.state });
    },
  });
  new Gauge({
    name: 'drey_channels', help: 'channels of IOC actors by state; those of no known IOC are searching, connected ones whose IOC does not answer or has no closed breaker are unresponsive', labelNames: ['state'], registers,
    collect() {
      this.reset();
      for (const state of [...phases, 'unresponsive'] as const) this.set({ state }, 0);
      for (const { channels } of facility().views()) for (const state of [...phases, 'unresponsive'] as const) this.inc({ state }, channels[state] ?? 0);
      this.inc({ state: 'searching' }, facility().channels(null).length);
    },
  });
  const reads = new Counter({ name: 'drey_ioc_reads_total', help: 'rows read for others, by outcome', labelNames: ['outcome'], registers });
  const writes = new Counter({ name: 'drey_ioc_writes_total', help: 'rows of restores, by outcome', labelNames: ['outcome'], registers });
  const trips = new Counter({ name: 'drey_breaker_trips_total', help: 'breakers that opened', registers });
  const restarts = new Counter({ name: 'drey_ioc_restarts_total', help: 'IOC actors that were started again after a fault', registers });
  return {
    reads: (outcomes) => tally(outcomes, readOutcomeNames, (outcome, n) => reads.inc({ outcome }, n)),
    writes: (results) => tally(results.outcome, restoreOutcomeNames, (outcome, n) => writes.inc({ outcome }, n)),
    tripped: () => trips.inc(),
    restarted: () => restarts.inc(),
  };
}

function tally(numbers: Iterable<number>, names: readonly string[], add: (name: string, n: number) => void): void {
  const counts = new Array<number>(names.length).fill(0);
  for (const number of numbers) counts[number]!++;
  counts.forEach((n, i) => n > 0 && add(names[i]!, n));
}
