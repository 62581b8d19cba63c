/** Tries again for ever, with growing jittered pauses, until it works or the host stops. */
import { backoffMs } from '../../kernel/backoff.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';

export interface Retry {
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly log: Log;
}

const pauses = { baseMs: 200, maxMs: 5_000 };

/** Says the first fault and every tenth after. Once the host stops, the fault of the last attempt is thrown. */
export async function untilDone<T>(what: string, run: () => Promise<T>, { clock, random, signal, log }: Retry): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (signal.aborted) throw error;
      if (attempt % 10 === 0) log.warn({ what, attempt, err: error }, 'did not work, will be tried again');
      await pause(backoffMs(attempt, pauses, random()), clock, signal);
    }
  }
}

/** Resolves after `ms`, or at once when the host stops. */
export function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const stop = (): void => {
      clock.clearTimeout(timer);
      resolve();
    };
    const timer = clock.setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
