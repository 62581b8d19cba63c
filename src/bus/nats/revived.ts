/**
 * Something that lives on the server only as long as the connection does, such as an ephemeral
 * consumer: opened again after each reconnection, and when it ends unasked, until it is stopped.
 */
import { backoffMs } from '../../kernel/backoff.ts';
import type { Subscription } from '../port.ts';
import type { Link } from './link.ts';

export interface Opened {
  close(): void;
  /** Settles when it has ended, for whatever reason. */
  readonly ended: Promise<unknown>;
}

const pauses = { baseMs: 100, maxMs: 5_000 };

/** The first opening is awaited and may fail; later ones are tried until they succeed. */
export async function revived(link: Link, what: string, open: () => Promise<Opened>): Promise<Subscription> {
  let stopped = false;
  let generation = 0;
  let current: Opened | undefined;
  let timer: NodeJS.Timeout | undefined;

  const watch = (opened: Opened, of: number): void => {
    current = opened;
    const again = (): void => {
      if (!stopped && of === generation && link.state === 'connected') reopen(0);
    };
    opened.ended.then(again, again);
  };
  const reopen = (attempt: number): void => {
    const mine = ++generation;
    clearTimeout(timer);
    current?.close();
    current = undefined;
    const retry = (fault: unknown): void => {
      if (stopped || mine !== generation || link.state !== 'connected') return;
      const pause = backoffMs(attempt, pauses, Math.random());
      link.log.warn({ what, err: fault, again: pause }, 'could not be opened again yet');
      timer = setTimeout(() => reopen(attempt + 1), pause);
    };
    open().then((opened) => (stopped || mine !== generation ? opened.close() : watch(opened, mine)), retry);
  };

  watch(await open(), generation);
  const unlisten = link.onState((state) => {
    if (state === 'connected') reopen(0);
    else {
      generation++;
      clearTimeout(timer);
    }
  });
  return {
    stop: async () => {
      stopped = true;
      generation++;
      unlisten();
      clearTimeout(timer);
      current?.close();
    },
  };
}
