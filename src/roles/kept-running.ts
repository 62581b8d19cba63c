/** An embedded server that comes back on its port and its data when it dies under us. */
import type { Clock } from '../kernel/clock.ts';
import { backoffMs } from '../kernel/backoff.ts';
import type { Log } from '../kernel/log.ts';

export interface KeptRunning<S> {
  readonly server: S;
  stop(): Promise<void>;
}

const pause = { baseMs: 200, maxMs: 10_000 };

/** `start` gets what to call when the server ends unasked, and the server before (undefined at first), whose port to take again. */
export async function keepRunning<S extends { stop(): Promise<void> }>(
  name: string,
  start: (onUnexpectedExit: (logTail: string) => void, before: S | undefined) => Promise<S>,
  { clock, log }: { clock: Clock; log: Log },
): Promise<KeptRunning<S>> {
  let stopped = false;
  let attempt = 0;
  let timer: unknown;
  let restarting: Promise<void> = Promise.resolve();
  let server: S;

  const restartLater = (logTail: string): void => {
    if (stopped) return;
    const ms = backoffMs(attempt, pause, Math.random());
    attempt += 1;
    log.error({ server: name, restartInMs: ms, logTail }, `${name} ended unexpectedly, starting it again`);
    timer = clock.setTimeout(() => {
      restarting = (async () => {
        if (stopped) return;
        try {
          server = await start(restartLater, server);
          attempt = 0;
          log.info({ server: name }, `${name} is back`);
        } catch (error) {
          restartLater(error instanceof Error ? error.message : String(error));
        }
      })();
    }, ms);
  };

  server = await start(restartLater, undefined);
  return {
    get server() {
      return server;
    },
    async stop() {
      stopped = true;
      clock.clearTimeout(timer);
      await restarting;
      await server.stop();
    },
  };
}
