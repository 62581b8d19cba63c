/**
 * A Channel Access port that does what a test tells it: IOCs appear, hang and vanish on command, and
 * reads and writes answer from a table of values. It keeps the port's promises (a hung IOC answers at
 * the deadline of the clock given, never later) and can be told to break some.
 */
import { Access, ChannelColumns, ChannelState } from '../../src/channel-access/columns.ts';
import { WriteOutcome, type CaEvent, type ChannelAccess, type IocAddress, type Row, type WriteResult } from '../../src/channel-access/port.ts';
import { copyValueRow, emptyValueColumns, ReadOutcome, ValueKind, type ValueColumns } from '../../src/contracts/values.ts';
import type { Clock } from '../../src/kernel/clock.ts';

export interface ScriptedWrite {
  readonly ioc: IocAddress;
  readonly names: readonly string[];
  readonly values: readonly number[];
  readonly window: number;
}

export class ScriptedChannelAccess implements ChannelAccess {
  readonly lacks: readonly string[] = [];
  readonly columns: ChannelColumns;
  readonly names = new Map<Row, string>();
  /** What the records hold now. */
  readonly values = new Map<string, number>();
  /** Larger things than numbers. */
  readonly arrays = new Map<string, Uint8Array>();
  /** Outcome of a put by name, where it is not `done`. */
  readonly writeOutcomes = new Map<string, WriteOutcome>();
  readonly hung = new Set<IocAddress>();
  /** IOCs for which `allowConnect` throws. */
  readonly broken = new Set<IocAddress>();
  readonly paused = new Set<IocAddress>();
  readonly writes: ScriptedWrite[] = [];
  reads = 0;
  recycled = 0;
  /** Awaited after the records took the values of a write, before it resolves. */
  afterWrite: (() => Promise<void>) | undefined;
  readonly #clock: Clock;
  readonly #iocOfRow = new Map<Row, IocAddress>();
  readonly #up = new Set<IocAddress>();
  #listener: (event: CaEvent) => void = () => {};
  #next = 0;

  constructor(clock: Clock, capacity = 1_000) {
    this.#clock = clock;
    this.columns = new ChannelColumns(capacity);
  }

  // What a test does to the facility.

  rowsOf(names: readonly string[]): Int32Array {
    const wanted = new Set(names);
    return Int32Array.from([...this.names].filter(([, name]) => wanted.has(name)).map(([row]) => row));
  }
  /** The IOC answers the search, and the circuit and the channels come up. */
  serve(ioc: IocAddress, names: readonly string[]): void {
    const rows = this.rowsOf(names);
    for (const row of rows) {
      this.#iocOfRow.set(row, ioc);
      this.columns.state[row] = ChannelState.connecting;
    }
    this.emit({ kind: 'channels.found', ioc, rows });
    if (!this.#up.has(ioc)) {
      this.#up.add(ioc);
      this.emit({ kind: 'circuit.up', ioc });
    }
    this.connect(ioc, rows);
  }
  connect(ioc: IocAddress, rows: Int32Array): void {
    for (const row of rows) {
      this.columns.state[row] = ChannelState.connected;
      this.columns.access[row] = Access.read | Access.write;
      this.columns.elements[row] = 1;
      this.columns.kind[row] = ValueKind.double;
      this.columns.updates[row] = 1;
    }
    this.emit({ kind: 'channels.connected', ioc, rows });
  }
  /** The circuit is lost with all its channels. */
  drop(ioc: IocAddress, reason = 'the IOC closed the connection'): void {
    this.#up.delete(ioc);
    const rows = this.#rowsOn(ioc);
    for (const row of rows) this.columns.state[row] = ChannelState.disconnected;
    this.emit({ kind: 'channels.disconnected', ioc, rows, reason });
    this.emit({ kind: 'circuit.down', ioc, reason });
  }
  emit(event: CaEvent): void {
    this.#listener(event);
  }

  // The port.

  listen(listener: (event: CaEvent) => void): void {
    this.#listener = listener;
  }
  open(names: readonly string[]): Int32Array {
    if (this.#next + names.length > this.columns.capacity) throw new RangeError(`the columns have ${this.columns.capacity} rows`);
    return Int32Array.from(names, (name) => {
      const row = this.#next++;
      this.names.set(row, name);
      this.columns.state[row] = ChannelState.searching;
      return row;
    });
  }
  close(rows: Int32Array): void {
    for (const row of rows) {
      this.names.delete(row);
      this.#iocOfRow.delete(row);
      this.columns.state[row] = ChannelState.free;
    }
  }
  async read(ioc: IocAddress, rows: Int32Array, deadlineMs: number): Promise<ValueColumns> {
    this.reads++;
    if (this.hung.has(ioc)) await this.#wait(deadlineMs);
    return this.#answer(rows, (row) => (this.#iocOfRow.get(row) !== ioc ? ReadOutcome.notFound : this.hung.has(ioc) ? ReadOutcome.timeout : this.#stateOutcome(row)));
  }
  /** Whoever looks at them afterwards is to notice. */
  recycle(values: ValueColumns): void {
    this.recycled++;
    values.outcome.fill(ReadOutcome.pending);
    values.num.fill(NaN);
    for (const bytes of values.bytes.values()) (bytes.buffer as ArrayBuffer).transfer();
  }
  async write(ioc: IocAddress, rows: Int32Array, values: ValueColumns, options: { deadlineMs: number; window: number }): Promise<WriteResult> {
    const outcome = new Uint8Array(rows.length);
    const names: string[] = [];
    rows.forEach((row, i) => {
      const name = this.names.get(row)!;
      outcome[i] = this.#stateOutcome(row) === ReadOutcome.ok ? (this.writeOutcomes.get(name) ?? WriteOutcome.done) : WriteOutcome.disconnected;
      if (outcome[i] !== WriteOutcome.done && outcome[i] !== WriteOutcome.timeout && outcome[i] !== WriteOutcome.lost) return;
      names.push(name);
      if (outcome[i] !== WriteOutcome.lost) this.values.set(name, values.num[i]!);
    });
    this.writes.push({ ioc, names, values: names.map((name) => this.values.get(name)!), window: options.window });
    await this.afterWrite?.();
    return { outcome, code: Uint16Array.from(outcome, (one) => (one === WriteOutcome.refused ? 160 : 0)) };
  }
  prepareWrites(): void {}
  async alive(ioc: IocAddress, deadlineMs: number): Promise<boolean> {
    if (!this.#up.has(ioc)) return false;
    if (this.hung.has(ioc)) await this.#wait(deadlineMs);
    return !this.hung.has(ioc);
  }
  monitored(rows: Int32Array): ValueColumns {
    return this.#answer(rows, (row) => this.#stateOutcome(row));
  }
  meta(): undefined {
    return undefined;
  }
  allowConnect(ioc: IocAddress, allowed: boolean): void {
    if (this.broken.has(ioc)) throw new Error(`no thread for ${ioc}`);
    if (allowed) this.paused.delete(ioc);
    else this.paused.add(ioc);
  }
  statistics() {
    const connected = [...this.names.keys()].filter((row) => this.columns.state[row] === ChannelState.connected).length;
    return { circuits: this.#up.size, channels: this.names.size, connected, searching: this.names.size - connected, updates: 0, reads: this.reads, writes: this.writes.length, lateReplies: 0, hostileCircuits: 0 };
  }
  async stop(): Promise<void> {}

  #rowsOn(ioc: IocAddress): Int32Array {
    return Int32Array.from([...this.#iocOfRow].filter(([, other]) => other === ioc).map(([row]) => row));
  }
  #stateOutcome(row: Row): ReadOutcome {
    const state = this.columns.state[row];
    return state === ChannelState.connected ? ReadOutcome.ok : state === ChannelState.disconnected ? ReadOutcome.disconnected : ReadOutcome.notFound;
  }
  #answer(rows: Int32Array, outcomeOf: (row: Row) => ReadOutcome): ValueColumns {
    const columns = emptyValueColumns(rows.length);
    columns.channel.set(rows);
    rows.forEach((row, i) => {
      columns.outcome[i] = outcomeOf(row);
      if (columns.outcome[i] !== ReadOutcome.ok) return;
      const name = this.names.get(row)!;
      columns.kind[i] = ValueKind.double;
      columns.num[i] = this.values.get(name) ?? 0;
      const array = this.arrays.get(name);
      if (array) columns.bytes.set(i, array.slice());
    });
    return columns;
  }
  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.setTimeout(resolve, ms));
  }
}

/** Targets for these channels, as a write item carries them. */
export function targetsFor(channels: Int32Array, values: readonly number[]): ValueColumns {
  const one = emptyValueColumns(1);
  one.kind[0] = ValueKind.double;
  one.outcome[0] = ReadOutcome.ok;
  const targets = emptyValueColumns(channels.length);
  channels.forEach((channel, i) => {
    one.channel[0] = channel;
    one.num[0] = values[i]!;
    copyValueRow(one, 0, targets, i);
  });
  return targets;
}
