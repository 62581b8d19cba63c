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

/** D1. */
export function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone });
  } catch {
    throw new DreyError('invalid', `timeZone: ${JSON.stringify(timeZone)} is no time zone; an IANA name is, such as UTC or Europe/Zurich`);
  }
}

function parsed(expression: string, timeZone: string): Cron {
  checkTimeZone(timeZone);
  const cron = cronOf(expression, timeZone);
  if (cron === undefined) throw new DreyError('invalid', `cron: ${JSON.stringify(expression)} ${whyNoCron(expression)}`);
  return cron;
}

function cronOf(expression: string, timeZone: string): Cron | undefined {
  try {
    return new Cron(expression, { mode: '5-part', timezone: timeZone, paused: true });
  } catch {
    return undefined;
  }
}

const fields = [['minute', '0 to 59'], ['hour', '0 to 23'], ['day of month', '1 to 31, or L for the last'], ['month', '1 to 12, or JAN to DEC'], ['day of week', '0 to 7, where 0 and 7 are Sunday, or SUN to SAT']] as const;

/** Which field the library takes offence at, each tried by itself: its own words are for programmers. */
function whyNoCron(expression: string): string {
  const parts = expression.trim().split(/\s+/);
  const names = fields.map(([name]) => name).join(', ');
  if (parts.length !== fields.length) return `has ${parts.length === 1 ? 'one field' : `${parts.length} fields`}, five fields are needed: ${names}`;
  const wrong = fields.flatMap(([name, range], at) => {
    const alone = fields.map((_, i) => (i === at ? parts[at] : '*')).join(' ');
    return cronOf(alone, 'UTC') === undefined ? [`the ${name} ${JSON.stringify(parts[at])} will not do: it is ${range}, * for every, a list (1,2), a range (1-5) or a step (*/10)`] : [];
  });
  return wrong.length > 0 ? `is no cron expression: ${wrong.join('; ')}` : `is no cron expression of five fields: ${names}`;
}
