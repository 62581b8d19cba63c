/** When a cron expression fires, by the clocks of its time zone. A time that summer time skips fires right after the gap; one that comes twice fires once. */
import { Cron } from 'croner';
import { DreyError } from '../contracts/errors.ts';

export interface FiringTimes {
  /** The first one after `at`; null = never again. */
  next(at: Date): Date | null;
  /** The last one not after `at`. */
  latest(at: Date): Date | null;
  /** How many after `from`, and before `to`; at most {@link mostCounted}. */
  between(from: Date, to: Date): number;
}

export const mostCounted = 1_000;

/** D1: throws `invalid` for what is no expression or no time zone. */
export function firingTimes(expression: string, timeZone: string): FiringTimes {
  const cron = parsed(expression, timeZone);
  return {
    next: (at) => cron.nextRun(at),
    // The library's "previous" is before, not at.
    latest: (at) => cron.previousRuns(1, new Date(at.getTime() + 1))[0] ?? null,
    between: (from, to) => {
      let count = 0;
      for (let at = cron.nextRun(from); at !== null && at < to && count < mostCounted; at = cron.nextRun(at)) count += 1;
      return count;
    },
  };
}

function parsed(expression: string, timeZone: string): Cron {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone });
  } catch {
    throw new DreyError('invalid', `timeZone: ${JSON.stringify(timeZone)} is no time zone; an IANA name is, such as UTC or Europe/Zurich`);
  }
  try {
    return new Cron(expression, { mode: '5-part', timezone: timeZone, paused: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^Cron\w+: /, '') : String(error);
    throw new DreyError('invalid', `cron: ${JSON.stringify(expression)} is no cron expression of five fields (minute, hour, day of month, month, day of week): ${reason}`);
  }
}
