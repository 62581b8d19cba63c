/**
 * Brings lost channels back to the search: at once when their circuit was lost, after a growing,
 * jittered pause when the IOC answers the search and then cannot be reached, or does not know the
 * channel after all.
 */
import { backoffMs, type BackoffOptions } from '../../../kernel/backoff.ts';
import type { IocAddress } from '../../port.ts';
import type { LossReason } from '../thread-messages.ts';
import type { Finder } from './finder.ts';
import { Place, type Rows } from './rows.ts';

const unreachable: BackoffOptions = { baseMs: 200, maxMs: 30_000 };
const urgeMs = 1000;
const refused: BackoffOptions = { baseMs: 500, maxMs: 60_000 };

export class SearchReturns {
  readonly #rows: Rows;
  readonly #finder: Finder;
  readonly #attempts = new Map<IocAddress, number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #urging = false;

  constructor(rows: Rows, finder: Finder) {
    this.#rows = rows;
    this.#finder = finder;
  }

  /** The IOC's circuit is up: the next failure starts from the shortest pause again. */
  reached(ioc: IocAddress): void {
    this.#attempts.delete(ioc);
  }

  take(rows: Int32Array, ioc: IocAddress, why: LossReason): void {
    if (rows.length === 0) return;
    switch (why) {
      case 'circuit':
        this.#search(rows, this.#rows.searchIds(rows));
        return;
      case 'unreachable': {
        const attempt = this.#attempts.get(ioc) ?? 0;
        this.#attempts.set(ioc, attempt + 1);
        this.#later(rows, backoffMs(attempt, unreachable, Math.random()));
        return;
      }
      case 'refused': {
        let most = 0;
        for (const row of rows) {
          most = Math.max(most, this.#rows.refusals[row]!);
          this.#rows.refusals[row] = Math.min(255, this.#rows.refusals[row]! + 1);
        }
        this.#later(rows, backoffMs(most, refused, Math.random()));
      }
    }
  }

  /** A server has come up that may have what is missing. Many do after a power cut: once for all of them. */
  serverAppeared(): void {
    if (this.#urging) return;
    this.#urging = true;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#urging = false;
      this.#finder.urge();
    }, urgeMs * (0.5 + Math.random() / 2));
    this.#timers.add(timer);
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #later(rows: Int32Array, ms: number): void {
    const ids = this.#rows.searchIds(rows);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#search(rows, ids);
    }, ms);
    this.#timers.add(timer);
  }

  /** @param ids Search ids at the beginning of the pause: a row may have been closed and opened anew. */
  #search(rows: Int32Array, ids: Int32Array): void {
    const back = rows.filter((row, i) => this.#rows.place[row] === Place.pause && this.#rows.searchId[row] === ids[i]);
    if (back.length === 0) return;
    for (const row of back) {
      this.#rows.place[row] = Place.search;
      this.#rows.iocs[row] = undefined;
    }
    this.#finder.add(this.#rows.searchIds(back), this.#rows.namesOf(back));
  }
}
