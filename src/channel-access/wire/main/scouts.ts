/**
 * Names whose IOC is known from before need not all be searched. A few of each IOC are: its scouts. When one is found
 * where it was, the search, as it is configured today, leads to that IOC, and the others are tried there at once. What
 * the IOC does not have any more it refuses, and that is searched as anything else that is refused. Scouts that are found
 * elsewhere, or not at all, have everybody searched.
 *
 * What was not searched, nobody else was asked for: that is made up for at leisure, or a PV that two IOCs serve would
 * stay unnoticed.
 */
import type { IocAddress } from '../../port.ts';
import type { Finder } from './finder.ts';
import { Place, type Rows } from './rows.ts';

/** One name may have been taken out of its IOC; hardly several of them. */
const scoutsOfIoc = 4;
/** How long scouts are waited for: at a start the thread of the search is loaded meanwhile. */
const patienceMs = 2_000;
/** How long an IOC that was just found is taken for there. */
const trustMs = 5_000;
const reviewAfterMs = 10_000;
const reviewNames = 2_000;
const reviewPauseMs = 200;

interface Party {
  /** Rows that wait, and their search ids: a row may be closed and opened anew meanwhile. */
  readonly rows: number[];
  readonly ids: number[];
  isThere: boolean;
  timer: NodeJS.Timeout;
}

export class Scouts {
  readonly #rows: Rows;
  readonly #finder: Finder;
  readonly #there: (rows: Int32Array, ioc: IocAddress) => void;
  readonly #parties = new Map<IocAddress, Party>();
  /** By search id: where it should be. */
  readonly #scouts = new Map<number, IocAddress>();
  readonly #unreviewed: { rows: Int32Array; ids: Int32Array; ioc: IocAddress }[] = [];
  #reviewTimer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param there Called with rows that are to be tried at this IOC now. */
  constructor(rows: Rows, finder: Finder, there: (rows: Int32Array, ioc: IocAddress) => void) {
    this.#rows = rows;
    this.#finder = finder;
    this.#there = there;
  }

  /** Rows just opened, with where they were last. Returns those to be searched now. */
  take(rows: Int32Array, last: readonly (IocAddress | null)[]): Int32Array {
    const search: number[] = [];
    const byIoc = new Map<IocAddress, number[]>();
    rows.forEach((row, i) => {
      const ioc = last[i] ?? null;
      if (ioc === null) search.push(row);
      else if (byIoc.has(ioc)) byIoc.get(ioc)!.push(row);
      else byIoc.set(ioc, [row]);
    });
    for (const [ioc, members] of byIoc) {
      const party = this.#parties.get(ioc);
      this.#wait(party ?? this.#send(members, ioc, search), members);
      // Whoever opens them does not know the rows before that has returned.
      if (party?.isThere === true) setImmediate(() => this.#release(party, ioc));
    }
    return Int32Array.from(search);
  }

  /** What was searched under these ids is at `ioc`. */
  found(ids: Int32Array, ioc: IocAddress): void {
    if (this.#scouts.size === 0) return;
    for (const id of ids) {
      const expected = this.#scouts.get(id);
      if (expected === undefined) continue;
      this.#scouts.delete(id);
      const party = this.#parties.get(expected);
      if (party === undefined || party.isThere) continue;
      clearTimeout(party.timer);
      if (expected !== ioc) {
        this.#giveUp(expected, party);
        continue;
      }
      party.isThere = true;
      party.timer = setTimeout(() => this.#parties.delete(ioc), trustMs);
      this.#release(party, ioc);
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const { timer } of this.#parties.values()) clearTimeout(timer);
    this.#parties.clear();
    clearTimeout(this.#reviewTimer);
  }

  #send(members: number[], ioc: IocAddress, search: number[]): Party {
    const party: Party = { rows: [], ids: [], isThere: false, timer: setTimeout(() => this.#overdue(ioc, party), patienceMs) };
    this.#parties.set(ioc, party);
    const count = Math.min(scoutsOfIoc, members.length);
    // From all over its names, the last ones first, so that the places of the others stay.
    for (let n = count - 1; n >= 0; n--) {
      const [row] = members.splice(Math.floor((n * members.length) / count), 1) as [number];
      this.#scouts.set(this.#rows.searchId[row]!, ioc);
      search.push(row);
    }
    return party;
  }

  #wait(party: Party, members: readonly number[]): void {
    for (const row of members) {
      this.#rows.place[row] = Place.pause;
      party.rows.push(row);
      party.ids.push(this.#rows.searchId[row]!);
    }
  }

  #waiting({ rows, ids }: Party): number[] {
    const waiting = rows.filter((row, i) => this.#rows.place[row] === Place.pause && this.#rows.searchId[row] === ids[i]);
    rows.length = 0;
    ids.length = 0;
    return waiting;
  }

  /** Answers that came while this thread was busy have their turn first. */
  #overdue(ioc: IocAddress, party: Party): void {
    setImmediate(() => {
      if (!party.isThere && !this.#stopped) this.#giveUp(ioc, party);
    });
  }

  #giveUp(ioc: IocAddress, party: Party): void {
    this.#parties.delete(ioc);
    const rows = Int32Array.from(this.#waiting(party));
    if (rows.length === 0) return;
    for (const row of rows) this.#rows.place[row] = Place.search;
    this.#finder.add(this.#rows.searchIds(rows), this.#rows.namesOf(rows));
  }

  #release(party: Party, ioc: IocAddress): void {
    const rows = Int32Array.from(this.#waiting(party));
    if (rows.length === 0 || this.#stopped) return;
    this.#unreviewed.push({ rows, ids: this.#rows.searchIds(rows), ioc });
    this.#reviewTimer ??= setTimeout(() => this.#review(), reviewAfterMs);
    this.#there(rows, ioc);
  }

  /** A part of what was not searched: is it served by anybody else? */
  #review(): void {
    const next = this.#unreviewed.shift();
    this.#reviewTimer = undefined;
    if (next === undefined) return;
    const { rows, ids, ioc } = next;
    const now = rows.subarray(0, reviewNames).filter((row, i) => this.#rows.isWith(row, ioc) && this.#rows.searchId[row] === ids[i]);
    if (now.length > 0) this.#finder.review(this.#rows.searchIds(now), this.#rows.namesOf(now), ioc);
    if (rows.length > reviewNames) this.#unreviewed.unshift({ rows: rows.subarray(reviewNames), ids: ids.subarray(reviewNames), ioc });
    this.#reviewTimer = setTimeout(() => this.#review(), reviewPauseMs);
  }
}
