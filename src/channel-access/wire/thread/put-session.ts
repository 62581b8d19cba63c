/**
 * One life of an IOC's circuit for puts: its channels, and which of them have a put under way. It is
 * a circuit of its own because the IOC serves the requests of a circuit in turn, and a put whose
 * record is busy can hold all that come behind it.
 */
import { WriteOutcome } from '../../port.ts';
import { Counter } from '../counters.ts';
import { Command, Eca } from '../protocol/commands.ts';
import { Native, padded } from '../protocol/dbr.ts';
import { encodePut } from '../protocol/encode-put.ts';
import { errorReport } from '../protocol/error-report.ts';
import type { Frame } from '../protocol/frames.ts';
import { headerSizeFor, writeHeader } from '../protocol/header.ts';
import { HostileBytes } from '../protocol/hostile.ts';
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
  #batch: Buffer = Buffer.allocUnsafeSlow(16 * 1024);
  #batchView = new DataView(this.#batch.buffer);
  #batchEnd = 0;

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
    const { state, access, native: natives, sid, elements } = this.#channels;
    if (slot < 0 || state[slot] !== SlotState.live) return WriteOutcome.disconnected;
    if ((access[slot]! & 2) === 0) return WriteOutcome.noWriteAccess;
    const native = natives[slot]!;
    const { columns, metas, nameOf, arrayLimit } = this.#context;
    const encoded = encodePut({
      native,
      maxElements: Math.max(1, elements[slot]!),
      longText: native === Native.char && nameOf.get(row)!.endsWith('$'),
      labels: native === Native.enum ? metas.labels(columns.metaHash[row]!) : undefined,
    }, job.values, i);
    if (encoded === undefined || encoded.payload.length > arrayLimit) return WriteOutcome.doesNotFit;
    this.#write(native, encoded.count, sid[slot]!, slot, encoded.payload);
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
    if (this.#batchEnd === 0) return;
    this.circuit.send(Buffer.from(this.#batch.subarray(0, this.#batchEnd)));
    this.#batchEnd = 0;
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

  #write(native: number, count: number, sid: number, slot: number, payload: Buffer): void {
    const size = padded(payload.length);
    const total = headerSizeFor(size, count) + size;
    if (this.#batchEnd + total > this.#batch.length) this.#grow(total);
    const at = writeHeader(this.#batchView, this.#batchEnd, Command.writeNotify, size, native, count, sid, slot);
    payload.copy(this.#batch, at);
    for (let i = at + payload.length; i < at + size; i++) this.#batch[i] = 0;
    this.#batchEnd += total;
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

  #grow(total: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#batch.length, this.#batchEnd + total));
    this.#batch.copy(larger, 0, 0, this.#batchEnd);
    this.#batch = larger;
    this.#batchView = new DataView(larger.buffer);
  }
}
