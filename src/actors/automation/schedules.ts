/**
 * Fires schedules. Every coordinator does it: the job of a firing has an id made of schedule and moment, so
 * that the first one makes it and the others find it there. What passed while none ran is made up once, for
 * the latest firing, and the rest said.
 */
import { firingTimes, mostCounted, type FiringTimes } from '../../automation/firing-times.ts';
import type { Subscription } from '../../bus/port.ts';
import type { ScheduleDefinition } from '../../contracts/automation.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Rule } from '../../persistence/port.ts';
import type { Fire } from './fire.ts';
import type { Rules } from './rules.ts';

export interface SchedulesDeps {
  readonly rules: Rules;
  readonly fire: Fire;
  readonly clock: Clock;
  readonly log: Log;
}

const lookAgainMs = 30_000;
const retryMs = 2_000;
/** A firing later than this is called made up. */
const lateMs = 60_000;

export function runSchedules({ rules, fire, clock, log }: SchedulesDeps): Subscription {
  const firedUpTo = new Map<string, number>();
  const busy = new Set<string>();
  const times = new Map<string, { of: string; times: FiringTimes | undefined }>();
  let timer: unknown;
  let stopped = false;

  const timesOf = ({ id, name, definition: { cron, timeZone } }: Rule<ScheduleDefinition>): FiringTimes | undefined => {
    const of = `${cron} ${timeZone}`;
    const known = times.get(id);
    if (known?.of === of) return known.times;
    let made: FiringTimes | undefined;
    try {
      made = firingTimes(cron, timeZone);
    } catch (error) {
      log.error({ schedule: name, err: error }, 'a schedule cannot be understood and does not fire');
    }
    times.set(id, { of, times: made });
    return made;
  };

  const fireDue = (rule: Rule<ScheduleDefinition>, when: FiringTimes, now: number): void => {
    const due = when.latest(new Date(now));
    // What came before it was made, edited or enabled is not its business.
    const from = Math.max(Date.parse(rule.lastModifiedDate), Date.parse(String(rule.state['lastFiringAt'] ?? '')) || 0, firedUpTo.get(rule.id) ?? 0);
    if (due === null || due.getTime() <= from || busy.has(rule.id)) return;
    const note = noteOf(when.between(new Date(from), due), due, now);
    if (note !== '') log.warn({ schedule: rule.name, note }, 'firings of a schedule were late or missed');
    busy.add(rule.id);
    fire(rule, { at: due, key: due.toISOString(), note }).then(
      () => {
        firedUpTo.set(rule.id, due.getTime());
        busy.delete(rule.id);
      },
      (error: unknown) => {
        log.warn({ schedule: rule.name, err: error }, 'a schedule could not be fired, it will be tried again');
        clock.setTimeout(() => {
          busy.delete(rule.id);
          look();
        }, retryMs);
      },
    );
  };

  const look = (): void => {
    if (stopped) return;
    const now = clock.now();
    let next = now + lookAgainMs;
    for (const rule of rules.schedules()) {
      const when = rule.definition.enabled ? timesOf(rule) : undefined;
      if (when === undefined) continue;
      fireDue(rule, when, now);
      next = Math.min(next, when.next(new Date(now))?.getTime() ?? next);
    }
    clock.clearTimeout(timer);
    timer = clock.setTimeout(look, Math.max(1, next - now));
  };

  rules.onRead(look);
  look();
  return {
    stop: async () => {
      stopped = true;
      clock.clearTimeout(timer);
    },
  };
}

/** Empty when all is as it ought to be. */
function noteOf(missed: number, due: Date, now: number): string {
  const late = now - due.getTime() > lateMs ? [`made up at ${new Date(now).toISOString()} for the firing of ${due.toISOString()}: no coordinator could fire it then`] : [];
  const before = missed > 0 ? [`${missed >= mostCounted ? `${mostCounted} or more` : missed} earlier ${missed === 1 ? 'firing was' : 'firings were'} missed and not made up`] : [];
  return [...late, ...before].join('; ');
}
