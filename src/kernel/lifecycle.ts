/**
 * One skeleton under everything that runs. Parts start one after the other (or side by side, where
 * none needs the other) and stop in the opposite order; a start that fails stops what had started; a stop that fails does not keep the others from
 * stopping. A stop that comes while parts still start waits for the one under way, then stops all.
 */
import type { Log } from './log.ts';

export interface Service {
  readonly name: string;
  /** Idempotent. */
  start(): Promise<void>;
  /** Idempotent; also after a start that failed half-way. */
  stop(): Promise<void>;
}

export interface Lifecycle {
  /** Starts a service and stops it at the end. */
  run(service: Service): Promise<void>;
  /** Opens something that others need, and closes it at the end. */
  open<T>(name: string, open: () => Promise<T>, close: (opened: T) => Promise<void>): Promise<T>;
  stop(): Promise<void>;
}

/** What `run` and `open` reject with after `stop` was called. */
export class Stopping extends Error {
  constructor(name: string) {
    super(`${name} is not started: stopping`);
    this.name = 'Stopping';
  }
}

export function createLifecycle(log: Log): Lifecycle {
  const toStop: { name: string; stop: () => Promise<void> }[] = [];
  const underWay = new Set<Promise<unknown>>();
  let stopping: Promise<void> | undefined;

  const stopAll = async (): Promise<void> => {
    await Promise.allSettled(underWay);
    for (let part = toStop.pop(); part; part = toStop.pop()) {
      const began = performance.now();
      try {
        await part.stop();
        log.debug({ part: part.name, ms: Math.round(performance.now() - began) }, 'stopped');
      } catch (error) {
        log.error({ part: part.name, err: error }, 'did not stop cleanly');
      }
    }
  };

  const begin = async <T>(name: string, start: () => Promise<T>): Promise<T> => {
    if (stopping) throw new Stopping(name);
    const began = performance.now();
    const starting = start();
    underWay.add(starting);
    try {
      const started = await starting;
      log.debug({ part: name, ms: Math.round(performance.now() - began) }, 'started');
      return started;
    } catch (error) {
      await (stopping ??= stopAll());
      throw error;
    } finally {
      underWay.delete(starting);
    }
  };

  return {
    run: (service) => {
      // Before its start, so that a half-started service is stopped too.
      if (!stopping) toStop.push(service);
      return begin(service.name, () => service.start());
    },
    open: (name, open, close) =>
      begin(name, async () => {
        const opened = await open();
        toStop.push({ name, stop: () => close(opened) });
        return opened;
      }),
    stop: () => (stopping ??= stopAll()),
  };
}
