/**
 * The main thread's side of the client: gives out rows, has names searched, hands found channels to
 * the thread of their IOC, and turns the threads' reports into the port's events. Values never pass
 * through here on their way into the columns.
 */
import { ReadOutcome, unansweredColumns, type ChannelMeta, type ValueColumns } from '../../../contracts/values.ts';
import { ChannelColumns, ChannelState } from '../../columns.ts';
import { type CaEvent, type CaOptions, type CaStatistics, type ChannelAccess, type IocAddress, WriteOutcome, type WriteResult } from '../../port.ts';
import { now } from '../clock.ts';
import { outcomeOfState } from '../outcome-of-state.ts';
import type { Report } from '../thread-messages.ts';
import { Crew, type ThreadProgram } from './crew.ts';
import { type Finder, type FinderListener, startFinder } from './finder.ts';
import { alone, putValues } from './for-message.ts';
import { monitoredValues } from './monitored.ts';
import { Requests } from './requests.ts';
import { Place, Rows } from './rows.ts';
import { Scouts } from './scouts.ts';
import { SearchReturns } from './search-returns.ts';
import { SideValues } from './side-values.ts';

export type StartFinder = (environment: CaOptions['environment'], listener: FinderListener) => Finder;

/** Channels handed to a thread at once: it begins with them while the next are made ready. */
const connectRows = 5_000;

export class WireClient implements ChannelAccess {
  readonly columns: ChannelColumns;
  readonly lacks: readonly string[];
  readonly #rows: Rows;
  readonly #crew: Crew;
  readonly #finder: Finder;
  readonly #returns: SearchReturns;
  /** libca does not say soon that an IOC lacks a channel: it goes on asking. */
  readonly #scouts: Scouts | undefined;
  readonly #requests = new Requests();
  readonly #side: SideValues;
  readonly #metas = new Map<bigint, ChannelMeta>();
  readonly #paused = new Set<IocAddress>();
  #listener: (event: CaEvent) => void = () => {};
  #stopped: Promise<void> | undefined;

  constructor(options: CaOptions, start: StartFinder = startFinder, program?: ThreadProgram) {
    this.columns = new ChannelColumns(options.capacity);
    this.lacks = program?.lacks ?? [];
    this.#rows = new Rows(this.columns);
    this.#side = new SideValues(this.columns);
    this.#crew = new Crew(options, this.columns.buffers, {
      reports: (reports) => {
        for (const report of reports) this.#hear(report);
      },
      exited: (reason, iocs) => this.#threadExited(reason, iocs),
    }, program);
    this.#finder = start(options.environment, {
      found: (ids, iocs) => this.#found(ids, iocs),
      duplicate: (id, used, other) => this.#duplicate(id, used, other),
      beacon: (ioc, what) => this.#beacon(ioc, what),
      exited: (reason) => this.#finderExited(reason),
    });
    this.#returns = new SearchReturns(this.#rows, this.#finder);
    this.#scouts = program === undefined ? new Scouts(this.#rows, this.#finder, (rows, ioc) => {
      this.#claim(rows, ioc);
      this.#connect(rows, ioc);
    }) : undefined;
  }

  listen(listener: (event: CaEvent) => void): void {
    this.#listener = listener;
  }

  open(names: readonly string[], options: { monitor?: boolean; last?: readonly (IocAddress | null)[] } = {}): Int32Array {
    const rows = this.#rows.open(names, options.monitor === true);
    const search = (options.last === undefined ? undefined : this.#scouts?.take(rows, options.last)) ?? rows;
    if (search.length > 0) this.#finder.add(this.#rows.searchIds(search), search === rows ? names : this.#rows.namesOf(search));
    return rows;
  }

  close(rows: Int32Array): void {
    const open = [...new Set(rows)].filter((row) => this.#rows.isOpen(row));
    const searched = Int32Array.from(open.filter((row) => this.#rows.place[row] === Place.search));
    if (searched.length > 0) this.#finder.remove(this.#rows.searchIds(searched));
    const held = open.filter((row) => this.#rows.place[row] === Place.thread);
    for (const [ioc, rowsOfIoc] of groupBy(held, (row) => this.#rows.iocs[row]!)) {
      this.#crew.post({ do: 'close', ioc, rows: rowsOfIoc });
    }
    for (const row of open) {
      this.#side.forget(row);
      if (this.#rows.place[row] === Place.thread) this.#rows.closing(row);
      else this.#rows.free(row);
    }
  }

  read(ioc: IocAddress, rows: Int32Array, deadlineMs: number): Promise<ValueColumns> {
    if (this.#stopped !== undefined || !this.#crew.knows(ioc)) return Promise.resolve(this.#fromState(rows));
    return this.#requests.read(ioc, rows, deadlineMs, (id, into) =>
      this.#crew.post({ do: 'read', id, ioc, into, deadlineAt: now() + deadlineMs }));
  }

  recycle(values: ValueColumns): void {
    this.#requests.recycle(values);
  }

  write(ioc: IocAddress, rows: Int32Array, values: ValueColumns, options: { deadlineMs: number; window: number }): Promise<WriteResult> {
    if (this.#stopped !== undefined || !this.#crew.knows(ioc)) {
      const outcome = new Uint8Array(rows.length).fill(this.#stopped === undefined ? WriteOutcome.disconnected : WriteOutcome.notSent);
      return Promise.resolve({ outcome, code: new Uint16Array(rows.length) });
    }
    return this.#requests.write(ioc, rows, (id) =>
      this.#crew.post({ do: 'write', id, ioc, rows: alone(rows), values: putValues(values), ...options }));
  }

  prepareWrites(ioc: IocAddress, rows: Int32Array): void {
    if (this.#stopped === undefined && this.#crew.knows(ioc)) this.#crew.post({ do: 'prepare', ioc, rows: alone(rows) });
  }

  alive(ioc: IocAddress, deadlineMs: number): Promise<boolean> {
    if (this.#stopped !== undefined || !this.#crew.knows(ioc)) return Promise.resolve(false);
    return this.#requests.alive(ioc, deadlineMs, (id) => this.#crew.post({ do: 'alive', id, ioc, deadlineAt: now() + deadlineMs }));
  }

  monitored(rows: Int32Array): ValueColumns {
    return monitoredValues(this.columns, this.#side, rows);
  }

  meta(hash: bigint): ChannelMeta | undefined {
    return this.#metas.get(hash);
  }

  allowConnect(ioc: IocAddress, allowed: boolean): void {
    if (allowed === !this.#paused.has(ioc)) return;
    if (allowed) this.#paused.delete(ioc);
    else this.#paused.add(ioc);
    if (this.#stopped === undefined) this.#crew.post({ do: 'allow', ioc, allowed });
  }

  statistics(): CaStatistics {
    const { state } = this.columns;
    let channels = 0;
    let connected = 0;
    let searching = 0;
    for (let row = 0; row < this.#rows.used; row++) {
      if (!this.#rows.isOpen(row)) continue;
      channels++;
      if (state[row] === ChannelState.connected) connected++;
      else searching++;
    }
    const count = (which: Parameters<Crew['count']>[0]): number => this.#crew.count(which);
    return {
      circuits: count('circuits'), channels, connected, searching, updates: count('updates'), reads: count('reads'),
      writes: count('writes'), lateReplies: count('lateReplies'), hostileCircuits: count('hostileCircuits'),
    };
  }

  stop(): Promise<void> {
    this.#stopped ??= (async () => {
      this.#returns.stop();
      this.#scouts?.stop();
      await Promise.all([this.#finder.stop(), this.#crew.stop()]);
      this.#requests.stop();
    })();
    return this.#stopped;
  }

  /** Ends the thread of an IOC as a fault would: for tests. */
  crashThread(ioc: IocAddress): Promise<void> {
    return this.#crew.crash(ioc);
  }

  #hear(report: Report): void {
    switch (report.is) {
      case 'read':
      case 'written':
      case 'alive':
        this.#requests.settle(report);
        return;
      case 'pulse':
        this.#pulse(report);
        return;
      case 'connected':
        this.#connected(report.ioc, report.rows);
        return;
      case 'access':
        this.#tell('channels.access', report.ioc, report.rows);
        return;
      case 'described':
        this.#described(report);
        return;
      case 'lost':
        this.#lost(report);
        return;
      case 'closed':
        for (const row of report.rows) if (this.#rows.place[row] === Place.closing) this.#rows.free(row);
        return;
      case 'up':
        this.#returns.reached(report.ioc);
        this.#listener({ kind: 'circuit.up', ioc: report.ioc });
        return;
      case 'down':
        this.#listener({ kind: 'circuit.down', ioc: report.ioc, reason: report.reason });
        return;
      case 'unresponsive':
        this.#listener({ kind: 'circuit.unresponsive', ioc: report.ioc, silentMs: report.silentMs });
        return;
      case 'responsive':
        this.#listener({ kind: 'circuit.responsive', ioc: report.ioc });
        return;
      case 'stopped':
        return;
    }
  }

  #found(ids: Int32Array, iocs: readonly IocAddress[]): void {
    if (this.#stopped !== undefined) return;
    const rows: number[] = [];
    ids.forEach((id, i) => {
      const row = this.#rows.searched(id);
      if (row === undefined) return;
      this.#claim([row], iocs[i]!);
      rows.push(row);
    });
    for (const [ioc, rowsOfIoc] of groupBy(rows, (row) => this.#rows.iocs[row]!)) {
      this.#connect(rowsOfIoc, ioc);
      this.#scouts?.found(this.#rows.searchIds(rowsOfIoc), ioc);
    }
  }

  #claim(rows: Iterable<number>, ioc: IocAddress): void {
    for (const row of rows) {
      this.#rows.place[row] = Place.thread;
      this.#rows.iocs[row] = ioc;
      this.columns.state[row] = ChannelState.connecting;
    }
  }

  #connect(found: Int32Array, ioc: IocAddress): void {
    for (let from = 0; from < found.length; from += connectRows) {
      const rows = found.subarray(from, from + connectRows).filter((row) => this.#rows.isWith(row, ioc));
      if (rows.length === 0) continue;
      this.#listener({ kind: 'channels.found', ioc, rows });
      // The listener may have closed some, or paused the IOC.
      const kept = rows.filter((row) => this.#rows.isWith(row, ioc));
      const monitor = Uint8Array.from(kept, (row) => this.#rows.monitored[row]!);
      this.#crew.post({ do: 'connect', ioc, rows: kept, names: this.#rows.namesOf(kept), monitor });
    }
  }

  #connected(ioc: IocAddress, rows: Int32Array): void {
    for (const row of rows) {
      this.#rows.known[row] = 1;
      this.#rows.refusals[row] = 0;
    }
    this.#tell('channels.connected', ioc, rows);
  }

  #described({ ioc, rows, metas }: Report & { is: 'described' }): void {
    for (const [hash, meta] of metas) this.#metas.set(hash, meta);
    const open = rows.filter((row) => this.#rows.isWith(row, ioc));
    if (open.length > 0 || metas.length > 0) this.#listener({ kind: 'channels.described', ioc, rows: open, metas: new Map(metas) });
  }

  #lost({ ioc, connected, connecting, reason, why }: Report & { is: 'lost' }): void {
    const lost = connected.filter((row) => this.#rows.isWith(row, ioc));
    for (const row of lost) this.#side.forget(row);
    const back = Int32Array.from([...lost, ...connecting.filter((row) => this.#rows.isWith(row, ioc))]);
    for (const row of back) {
      this.#rows.place[row] = Place.pause;
      this.columns.state[row] = this.#rows.known[row] === 1 ? ChannelState.disconnected : ChannelState.searching;
    }
    if (lost.length > 0) this.#listener({ kind: 'channels.disconnected', ioc, rows: lost, reason });
    if (this.#stopped === undefined) this.#returns.take(back, ioc, why);
  }

  #threadExited(reason: string, iocs: readonly IocAddress[]): void {
    this.#listener({ kind: 'thread.exited', reason });
    const dead = new Set(iocs);
    const held = new Map<IocAddress, { connected: number[]; connecting: number[] }>();
    for (let row = 0; row < this.#rows.used; row++) {
      const ioc = this.#rows.iocs[row];
      // A row that was being closed has nobody left to confirm it; its IOC is forgotten already.
      if (this.#rows.place[row] === Place.closing && dead.has(this.#rows.closingIoc(row))) this.#rows.free(row);
      if (this.#rows.place[row] !== Place.thread || ioc === undefined || !dead.has(ioc)) continue;
      // The thread may have died in the middle of an update.
      if ((this.columns.sequence[row]! & 1) !== 0) Atomics.add(this.columns.sequence, row, 1);
      const group = held.get(ioc) ?? { connected: [], connecting: [] };
      held.set(ioc, group);
      (this.columns.state[row] === ChannelState.connected ? group.connected : group.connecting).push(row);
    }
    for (const [ioc, { connected, connecting }] of held) {
      this.#listener({ kind: 'circuit.down', ioc, reason: `its thread ended: ${reason}` });
      this.#lost({ is: 'lost', ioc, connected: Int32Array.from(connected), connecting: Int32Array.from(connecting), reason: `its thread ended: ${reason}`, why: 'circuit' });
    }
    for (const ioc of iocs) if (this.#paused.has(ioc)) this.#crew.post({ do: 'allow', ioc, allowed: false });
    this.#requests.died(dead);
  }

  #pulse({ thread, iocs, updates, side }: Report & { is: 'pulse' }): void {
    this.#crew.pulseTaken(thread);
    if (side !== undefined) this.#side.take(side, (row) => this.#rows.isOpen(row) && this.columns.state[row] === ChannelState.connected);
    iocs.forEach((ioc, i) => this.#listener({ kind: 'pulse', ioc, updates: updates[i]! }));
  }

  #beacon(ioc: IocAddress, what: 'new' | 'restarted' | 'missing'): void {
    if (this.#stopped !== undefined) return;
    if (what === 'restarted' && this.#crew.knows(ioc)) this.#crew.post({ do: 'restarted', ioc });
    if (what !== 'missing') this.#returns.serverAppeared();
    this.#listener({ kind: 'beacon', ioc, what });
  }

  #duplicate(id: number, used: IocAddress, other: IocAddress): void {
    const name = this.#rows.nameOfSearch(id);
    if (name !== undefined) this.#listener({ kind: 'channel.duplicate', name, used, other });
  }

  #finderExited(reason: string): void {
    this.#listener({ kind: 'thread.exited', reason });
    const searched: number[] = [];
    for (let row = 0; row < this.#rows.used; row++) if (this.#rows.place[row] === Place.search) searched.push(row);
    const rows = Int32Array.from(searched);
    this.#finder.add(this.#rows.searchIds(rows), this.#rows.namesOf(rows));
  }

  #tell(kind: 'channels.connected' | 'channels.access', ioc: IocAddress, rows: Int32Array): void {
    const open = rows.filter((row) => this.#rows.isWith(row, ioc));
    if (open.length > 0) this.#listener({ kind, ioc, rows: open });
  }

  #fromState(rows: Int32Array): ValueColumns {
    const values = unansweredColumns(rows, ReadOutcome.disconnected);
    rows.forEach((row, i) => (values.outcome[i] = outcomeOfState(this.columns.state[row] ?? ChannelState.free)));
    return values;
  }
}

function groupBy(rows: readonly number[], key: (row: number) => string): Map<string, Int32Array> {
  const groups = new Map<string, number[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group === undefined) groups.set(key(row), [row]);
    else group.push(row);
  }
  return new Map([...groups].map(([name, members]) => [name, Int32Array.from(members)]));
}
