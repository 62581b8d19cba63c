/** What every part of a role stands on. */
import type { Config } from '../config.ts';
import type { Lifecycle } from '../kernel/lifecycle.ts';
import type { Log } from '../kernel/log.ts';
import { createMetrics, type Registry } from '../kernel/metrics.ts';

export interface Ground {
  readonly config: Config;
  readonly log: Log;
  readonly lifecycle: Lifecycle;
  readonly metrics: Registry;
}

export const ground = (config: Config, log: Log, lifecycle: Lifecycle): Ground => ({ config, log, lifecycle, metrics: createMetrics() });
