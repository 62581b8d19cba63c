/** Tells everybody what changed on the board, no more often than people can look. */
import type { Bus } from '../../bus/port.ts';
import { json } from '../../bus/port.ts';
import type { IocView } from '../../contracts/iocs.ts';
import { subjects } from '../../contracts/subjects.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';

export interface IocEvents {
  changed(ioc: string, what: 'breaker' | 'channels'): void;
  stop(): void;
}

/** A breaker is news; channels come and go in thousands. */
const delayMs = { breaker: 100, channels: 1_000 } as const;

export function createIocEvents(deps: { bus: Bus; host: string; clock: Clock; log: Log; view: (ioc: string) => IocView | undefined }): IocEvents {
  const dirty = new Set<string>();
  /** Breaker state last logged, by IOC. */
  const logged = new Map<string, IocView['state']>();
  let timer: unknown;
  let due = Infinity;

  const tell = ({ name, state, reason, nextProbeAt }: IocView): void => {
    const before = logged.get(name) ?? 'closed';
    logged.set(name, state);
    if (before === state) return;
    const facts = { ioc: name, before, reason, ...(nextProbeAt === null ? {} : { nextProbeAt }) };
    // Between open and half-open it goes to and fro with each probe: that is no news at three in the morning.
    if ((state === 'open' && before !== 'halfOpen') || state === 'forcedOpen') deps.log.warn(facts, `breaker ${state === 'open' ? 'opened' : 'opened by an operator'}`);
    else if (state === 'closed' || state === 'observing') deps.log.info(facts, state === 'closed' ? 'breaker closed' : 'breaker only observes');
    else deps.log.debug(facts, `breaker ${state}`);
  };

  const flush = (): void => {
    due = Infinity;
    timer = undefined;
    const names = [...dirty];
    dirty.clear();
    for (const name of names) {
      const view = deps.view(name);
      if (!view) continue;
      tell(view);
      try {
        deps.bus.publish(subjects.iocEvent(deps.host), json.encode(view));
      } catch (error) {
        // The bus is away: whoever comes back asks for the whole board.
        deps.log.debug({ ioc: name, err: error }, 'an IOC event was not published');
        return;
      }
    }
  };

  return {
    changed: (ioc, what) => {
      dirty.add(ioc);
      const at = deps.clock.now() + delayMs[what];
      if (at >= due) return;
      deps.clock.clearTimeout(timer);
      due = at;
      timer = deps.clock.setTimeout(flush, delayMs[what]);
    },
    stop: () => deps.clock.clearTimeout(timer),
  };
}
