/**
 * One skeleton under everything that runs. Services start in the order given and stop in the
 * opposite one; a start that fails stops what had started; a stop that fails does not keep the
 * others from stopping. Both are idempotent.
 */
import type { Log } from './log.ts';

export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface Lifecycle {
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function createLifecycle(services: readonly Service[], log: Log): Lifecycle {
  const started: Service[] = [];
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  const stopAll = async (): Promise<void> => {
    for (let service = started.pop(); service; service = started.pop()) {
      const began = performance.now();
      try {
        await service.stop();
        log.debug({ service: service.name, ms: Math.round(performance.now() - began) }, 'stopped');
      } catch (error) {
        log.error({ service: service.name, err: error }, 'did not stop cleanly');
      }
    }
  };

  const startAll = async (): Promise<void> => {
    for (const service of services) {
      if (stopping) return;
      const began = performance.now();
      // Before its start, so that a half-started service is stopped too.
      started.push(service);
      try {
        await service.start();
      } catch (error) {
        await stopAll();
        throw error;
      }
      log.debug({ service: service.name, ms: Math.round(performance.now() - began) }, 'started');
    }
  };

  return {
    start: () => (starting ??= startAll()),
    stop: () =>
      (stopping ??= (async () => {
        await starting?.catch(() => {});
        await stopAll();
      })()),
  };
}
