/**
 * One life of an IOC's circuit for puts: its channels, and which of them have a put under way. It is
 * a circuit of its own because the IOC serves the requests of a circuit in turn, and a put whose
 * record is busy can hold all that come behind it.
 */
import { ValueKind } from '../../../contracts/values.ts';
import { WriteOutcome } from '../../port.ts';
import { Counter } from '../counters.ts';
import { Command, Eca } from '../protocol/commands.ts';
import { kindOfNative, Native, valueSize } from '../protocol/dbr.ts';
import { encodePut } from '../protocol/encode-put.ts';
import { errorReport } from '../protocol/error-report.ts';
import type { Frame } from '../protocol/frames.ts';
import { HostileBytes } from '../protocol/hostile.ts';
import { PutRequests } from '../protocol/put-requests.ts';
import { Channels, SlotState } from './channels.ts';
import { Circuit, type CircuitRole } from './circuit.ts';
import type { ThreadContext } from './context.ts';
import type { PutJob } from './put-job.ts';
import { splitAddress } from './ioc-address.ts';

export interface PutSessionHooks {
  /** Completions have come, or channels: there may be more to send. */
  progress(): void;
  down(reason: string): void;
}

export class PutSession implements CircuitRole {
  readonly circuit: Circuit;
  /** Puts under way that are not given up. */
  inFlight = 0;
  readonly #context: ThreadContext;
  readonly #channels: Channels;
  readonly #hooks: PutSessionHooks;
  /**
   * By slot, which is the request's id too: one put per channel. A put that was given up has no job
   * any more, and keeps its channel busy until the completion comes after all.
   */
  #busy = new Uint8Array(64);
  #index = new Int32Array(64);
  #sentAt = new Float64Array(64);
  readonly #jobs: (PutJob | undefined)[] = [];
  #pending: number[] = [];
  readonly #awaited = new Set<number>();
  readonly #requests = new PutRequests();

  constructor(context: ThreadContext, ioc: string, priority: number, hooks: PutSessionHooks) {
    this.#context = context;
    this.#hooks = hooks;
    const { host, port } = splitAddress(ioc);
    this.#channels = new Channels(context.putSlotOf, (bytes) => this.circuit.send(bytes), {
      live: (slot) => this.#awaited.delete(this.#channels.row[slot]!),
      gone: (slot) => {
        this.#awaited.delete(this.#channels.row[slot]!);
        this.#settle(slot, WriteOutcome.lost, 0);
      },
      access: () => {},
    });
    this.circuit = new Circuit(context, host, port, priority, this);
  }

  /** Creates the put channels of these rows unless they are there. */
  create(rows: ArrayLike<number>): void {
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      if (this.#channels.slot(row) >= 0 || this.#awaited.has(row)) continue;
      this.#awaited.add(row);
      this.#pending.push(row);
    }
    this.#flushPending();
  }

  remove(rows: Int32Array): void {
    const leaving = new Set(rows);
    this.#pending = this.#pending.filter((row) => !leaving.has(row));
    for (const row of rows) {
      this.#awaited.delete(row);
      const slot = this.#channels.slot(row);
      if (slot >= 0) this.#settle(slot, WriteOutcome.lost, 0);
    }
    this.#channels.clear(rows);
  }

  /** Whether the channel of this row is on its way. */
  isAwaited(row: number): boolean {
    return this.#awaited.has(row);
  }

  /** When the put that keeps this row busy was sent; undefined when none does. */
  busySince(row: number): number | undefined {
    const slot = this.#channels.slot(row);
    return slot >= 0 && this.#busy[slot] === 1 ? this.#sentAt[slot] : undefined;
  }

  /** Puts row `i` of the job, which is not busy, into the batch. Returns pending, or why it was not sent. */
  put(job: PutJob, i: number, at: number): WriteOutcome {
    const row = job.rows[i]!;
    const slot = this.#channels.slot(row);
    const { state, access } = this.#channels;
    if (slot < 0 || state[slot] !== SlotState.live) return WriteOutcome.disconnected;
    if ((access[slot]! & 2) === 0) return WriteOutcome.noWriteAccess;
    if (!this.#encode(job, i, slot)) return WriteOutcome.doesNotFit;
    if (slot >= this.#busy.length) this.#growSlots(slot);
    this.#busy[slot] = 1;
    this.#index[slot] = i;
    this.#sentAt[slot] = at;
    this.#jobs[slot] = job;
    job.sent(i, at);
    this.inFlight++;
    this.#context.counters[Counter.writes]! += 1;
    return WriteOutcome.pending;
  }

  /** Sends the batch. */
  flush(): void {
    if (this.#requests.isEmpty) return;
    this.circuit.send(this.#requests.take());
    // What the system has not taken yet is the socket's.
    if (this.circuit.backlog > 0) this.#requests.renew();
  }

  /** Stops waiting for the completion of a row; its channel stays busy. */
  giveUp(row: number): void {
    const slot = this.#channels.slot(row);
    if (slot < 0 || this.#jobs[slot] === undefined) return;
    this.#jobs[slot] = undefined;
    this.inFlight--;
  }

  /** Ends this session; what is under way is lost. */
  discard(): void {
    this.#drop();
    this.circuit.discard();
  }

  up(): void {
    this.#flushPending();
  }

  unresponsive(): void {
    // The IOC's first circuit says so; a put's own deadline finds a circuit that is stuck alone.
  }

  responsive(): void {}

  frame(frame: Frame): void {
    switch (frame.command) {
      case Command.writeNotify:
        this.#completed(frame.parameter2, frame.parameter1);
        return;
      case Command.error: {
        const { command, requestId, code } = errorReport(frame);
        if (command === Command.writeNotify) this.#completed(requestId, code);
        return;
      }
      default:
        if (!this.#channels.take(frame)) throw new HostileBytes(`command ${frame.command} is not one that an IOC sends on a circuit for puts`);
    }
  }

  settled(): void {
    this.#hooks.progress();
  }

  awaitsAnswer(): boolean {
    return true;
  }

  down(reason: string): void {
    this.#drop();
    this.#hooks.down(reason);
  }

  #completed(slot: number, status: number): void {
    if (slot >= this.#channels.used || this.#busy[slot] !== 1) {
      throw new HostileBytes(`a put with number ${slot} was completed and is not under way`);
    }
    this.#settle(slot, status === Eca.normal ? WriteOutcome.done : WriteOutcome.refused, status === Eca.normal ? 0 : status);
  }

  #settle(slot: number, outcome: WriteOutcome, code: number): void {
    const job = this.#jobs[slot];
    this.#busy[slot] = 0;
    this.#jobs[slot] = undefined;
    if (job === undefined) return;
    this.inFlight--;
    job.settle(this.#index[slot]!, outcome, code);
  }

  #drop(): void {
    this.#jobs.forEach((_, slot) => this.#settle(slot, WriteOutcome.lost, 0));
    this.#busy.fill(0);
    this.#pending = [];
    this.#awaited.clear();
    this.#channels.drop(() => {});
  }

  #flushPending(): void {
    if (!this.circuit.isUp || this.#pending.length === 0) return;
    const rows = this.#pending.filter((row) => this.#context.nameOf.has(row));
    this.#pending = [];
    this.#channels.create(rows, (row) => this.#context.nameOf.get(row)!);
  }

  /** Whether the value fits; then it is in the batch. */
  #encode({ plain, rows, values }: PutJob, i: number, slot: number): boolean {
    const native = this.#channels.native[slot]!;
    const sid = this.#channels.sid[slot]!;
    if (plain[i] === 1 && native !== Native.string && native !== Native.char) return this.#requests.number(native, sid, slot, values.num[i]!);
    const { columns, metas, nameOf, arrayLimit } = this.#context;
    const kind = values.kind[i]!;
    const bytes = values.bytes.get(i);
    if (kind === ValueKind.text) {
      const text = values.text.get(i);
      if (native === Native.string && bytes === undefined && text !== undefined) return this.#requests.text(sid, slot, text);
    }
    const maxElements = Math.max(1, this.#channels.elements[slot]!);
    if (bytes !== undefined && native !== Native.string && native !== Native.char && kind === kindOfNative[native]) {
      const size = valueSize[native]!;
      if (bytes.length % size !== 0 || bytes.length > Math.min(arrayLimit, maxElements * size)) return false;
      this.#requests.array(native, sid, slot, bytes);
      return true;
    }
    const row = rows[i]!;
    const encoded = encodePut({
      native,
      maxElements,
      longText: native === Native.char && nameOf.get(row)!.endsWith('$'),
      labels: native === Native.enum && kind === ValueKind.text ? metas.labels(columns.metaHash[row]!) : undefined,
    }, values, i);
    if (encoded === undefined || encoded.payload.length > arrayLimit) return false;
    this.#requests.encoded(native, sid, slot, encoded);
    return true;
  }

  #growSlots(slot: number): void {
    const length = Math.max(2 * this.#busy.length, slot + 1);
    const grow = <Column extends Uint8Array | Int32Array | Float64Array>(column: Column, target: Column): Column => {
      target.set(column);
      return target;
    };
    this.#busy = grow(this.#busy, new Uint8Array(length));
    this.#index = grow(this.#index, new Int32Array(length));
    this.#sentAt = grow(this.#sentAt, new Float64Array(length));
  }
}
