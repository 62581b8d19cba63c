/** Runs until a signal asks for the end, then stops in order, within a bound. */
import type { Lifecycle } from '../kernel/lifecycle.ts';
import type { Log } from '../kernel/log.ts';

const stopWithinMs = 5_000;

/** Ctrl-C once: orderly stop. Twice, or 5 s later: exit at once; children end with this process. */
export function stopOnSignals(lifecycle: Lifecycle, log: Log): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (asked) {
        process.exit(130);
      }
      asked = true;
      log.info({ signal }, 'stopping');
      setTimeout(() => {
        log.error({ stopWithinMs }, 'did not stop in time, leaving');
        process.exit(1);
      }, stopWithinMs).unref();
      void lifecycle.stop().then(() => {
        log.info({}, 'stopped');
        resolve();
      });
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}
