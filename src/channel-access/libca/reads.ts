/**
 * Reads of one IOC. One sweep is outstanding; further ones wait with their deadlines running, also
 * while the late answers of an abandoned one are still to come: they are written to the same cells,
 * and must not be taken for answers to a later read. So a hung IOC's queue stays short as well: libca
 * would block the thread that fills it (I1).
 */
import { ReadOutcome } from '../../contracts/values.ts';
import { after } from '../wire/clock.ts';
import { Counter } from '../wire/counters.ts';
import { outcomeOfState } from '../wire/outcome-of-state.ts';
import { type PackedColumns, packedColumns } from '../wire/packed-values.ts';
import { Eca } from '../wire/protocol/commands.ts';
import { Native, timeForm } from '../wire/protocol/dbr.ts';
import { ChannelFlag } from '../wire/thread/channel-flags.ts';
import { alarmSeverity, alarmStatus, scalarAt, timeAt, timeBytes } from './decode.ts';
import { HostHeap } from './heap.ts';
import { longestPiece, Memory, Purpose, unanswered } from './memory.ts';
import { SlotState } from './slots.ts';
import type { LibcaContext } from './thread-context.ts';

interface Waiting {
  readonly id: number;
  readonly rows: Int32Array;
  readonly timer: NodeJS.Timeout;
}

interface Sweep extends Waiting {
  readonly columns: PackedColumns;
  /** Slot of each row that is asked, else -1. */
  readonly slots: Int32Array;
  next: number;
}

const disconnected = 192;
/** As a count: for one, a record without any element would be read as 0 (S1). */
const asManyAsThereAre = 0;
const known = 4;

export class Reads {
  readonly #context: LibcaContext;
  readonly #batch: number;
  #current: Sweep | undefined;
  /** Answers of an abandoned sweep are still under way. */
  #stale = false;
  readonly #queue: Waiting[] = [];
  /** Number of the last sweep, of all sweeps of the thread. */
  #number = 0;
  /** Of the heap: sweeps tend to repeat. */
  #heapSize = { bytes: 0, entries: 0 };

  constructor(context: LibcaContext) {
    this.#context = context;
    const batch = context.memory.takeBatch();
    if (batch === undefined) throw new Error('too many IOCs for one thread of the libca client');
    this.#batch = batch;
    context.memory.setLeft(batch, 0);
    context.onBatch.set(batch, () => this.#pieceDone());
  }

  ask(id: number, rows: Int32Array, deadlineAt: number): void {
    this.#queue.push({ id, rows, timer: after(deadlineAt, () => this.#expire(id)) });
    this.#next();
  }

  /** A channel leaves; libca sends no answer for it any more, and its slot will be another's. */
  forget(slot: number): void {
    const { memory } = this.#context;
    const sweep = this.#current;
    for (let i = sweep?.slots.indexOf(slot) ?? -1; i >= 0; i = sweep!.slots.indexOf(slot, i)) {
      sweep!.slots[i] = -1;
      sweep!.columns.outcome[i] = ReadOutcome.disconnected;
      clear(sweep!.columns, i);
    }
    const cell = memory.cell(slot, Purpose.read);
    if (memory.left(this.#batch) <= 0 || this.#context.slots.asked[slot] !== this.#number || memory.status(cell) !== unanswered) return;
    memory.setStatus(cell, disconnected);
    if (memory.forgo(this.#batch) === 0) this.#pieceDone();
  }

  /** The circuit is gone: everything is answered now, while the channels and what came for them are still there. */
  drop(): void {
    this.#stale = false;
    this.#context.memory.setLeft(this.#batch, 0);
    const sweep = this.#current;
    this.#current = undefined;
    if (sweep !== undefined) this.#finish(sweep, ReadOutcome.disconnected, false);
    for (const waiting of this.#queue.splice(0)) this.#answerUnasked(waiting, ReadOutcome.disconnected);
  }

  #next(): void {
    while (this.#current === undefined && !this.#stale) {
      const waiting = this.#queue.shift();
      if (waiting === undefined) return;
      this.#start(waiting);
    }
  }

  #start(waiting: Waiting): void {
    const { columns: shared, slotOf, slots: table, hashWords } = this.#context;
    const { rows } = waiting;
    const columns = packedColumns(rows.length);
    const slots = new Int32Array(rows.length).fill(-1);
    columns.channel.set(rows);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const slot = slotOf[row] === undefined ? -1 : slotOf[row]! - 1;
      if (slot < 0 || table.state[slot] !== SlotState.live) {
        columns.outcome[i] = outcomeOfState(shared.state[row] ?? 0);
        continue;
      }
      columns.access[i] = table.access[slot]! | known;
      if ((table.access[slot]! & 1) === 0) {
        columns.outcome[i] = ReadOutcome.noReadAccess;
        continue;
      }
      columns.kind[i] = shared.kind[row]!;
      columns.hashWords[2 * i] = hashWords[2 * row]!;
      columns.hashWords[2 * i + 1] = hashWords[2 * row + 1]!;
      slots[i] = slot;
    }
    this.#current = { ...waiting, columns, slots, next: 0 };
    this.#number = table.nextSweep();
    this.#piece(this.#current);
  }

  /** Asks for the next rows; finishes when there are none. */
  #piece(sweep: Sweep): void {
    const { memory, lane, slots: table, counters } = this.#context;
    const { slots, rows } = sweep;
    let listed = 0;
    for (; sweep.next < rows.length && listed < longestPiece; sweep.next++) {
      const slot = slots[sweep.next]!;
      if (slot < 0 || table.asked[slot] === this.#number) continue;
      table.asked[slot] = this.#number;
      if (table.readData[slot] === 0 && isFar(table.flags[slot]!)) this.#reserve(slot);
      memory.setListed(listed++, slot);
    }
    // Held above zero while requests go out, so that quick answers do not end the piece early.
    memory.setLeft(this.#batch, listed + 1);
    const asked = lane.sweep(listed);
    counters[Counter.reads]! += asked;
    lane.flush();
    if (memory.forgo(this.#batch, listed + 1 - asked) === 0) this.#pieceDone();
  }

  #pieceDone(): void {
    // The same end can be seen twice: here and in the ring.
    if (this.#context.memory.left(this.#batch) !== 0) return;
    if (this.#stale) {
      this.#stale = false;
      this.#next();
      return;
    }
    const sweep = this.#current;
    if (sweep === undefined) return;
    if (sweep.next < sweep.rows.length) {
      this.#piece(sweep);
      return;
    }
    this.#current = undefined;
    this.#finish(sweep, ReadOutcome.timeout, true);
    this.#next();
  }

  #expire(id: number): void {
    const sweep = this.#current;
    if (sweep?.id === id) {
      const left = this.#context.memory.left(this.#batch);
      this.#current = undefined;
      this.#stale = left > 0;
      if (left > 0) this.#context.counters[Counter.lateReplies]! += left;
      this.#finish(sweep, ReadOutcome.timeout, left <= 0);
      this.#next();
      return;
    }
    const at = this.#queue.findIndex((waiting) => waiting.id === id);
    if (at >= 0) this.#answerUnasked(this.#queue.splice(at, 1)[0]!, ReadOutcome.timeout);
  }

  /**
   * Answers with what has come; rows without an answer get `otherwise`.
   * @param settled No answer is under way any more.
   */
  #finish(sweep: Sweep, otherwise: ReadOutcome, settled: boolean): void {
    clearTimeout(sweep.timer);
    const { columns, slots } = sweep;
    const heap = new HostHeap(this.#context.copy, this.#heapSize);
    this.#context.lane.take(slots, columns);
    for (let i = 0; i < slots.length; i++) {
      if (slots[i]! < 0 || columns.outcome[i] === ReadOutcome.ok) continue;
      this.#take(columns, heap, i, slots[i]!, otherwise, settled);
      if (columns.outcome[i] !== ReadOutcome.ok) clear(columns, i);
    }
    this.#heapSize = heap.size;
    const whole = heap.finish();
    const transfers: ArrayBuffer[] = [columns.buffer];
    if (whole !== undefined) transfers.push(whole.entries.buffer as ArrayBuffer, whole.bytes.buffer as ArrayBuffer);
    this.#context.outbox.report({ is: 'read', id: sweep.id, values: { length: slots.length, buffer: columns.buffer, heap: whole } }, transfers);
  }

  /** Takes what is no number: text, arrays, and why there is no value. Time and alarm state of what is settled are there. */
  #take(columns: PackedColumns, heap: HostHeap, i: number, slot: number, otherwise: ReadOutcome, settled: boolean): void {
    const { memory, slots: table } = this.#context;
    const cell = memory.cell(slot, Purpose.read);
    const status = settled ? memory.settledStatus(cell) : memory.status(cell);
    if (status !== Eca.normal) {
      refused(columns, i, status, otherwise);
      return;
    }
    const native = table.native[slot]!;
    const flags = table.flags[slot]!;
    const data = memory.data(cell);
    for (;;) {
      const before = settled ? 0 : memory.sequence(cell);
      const count = memory.count(cell);
      if (isFar(flags)) {
        if (timeBytes(native, count) > table.room[slot]!) {
          columns.outcome[i] = ReadOutcome.tooLarge;
          return;
        }
        const far = table.readData[slot]!;
        if (!settled) status16(columns, memory, this.#context.head(far), i);
        const value = far + timeBytes(native, 0);
        if ((flags & ChannelFlag.longText) !== 0) heap.farText(i, value, count);
        else heap.array(i, native, count, value);
        if (settled || memory.sequence(cell) === before) break;
        heap.drop();
        continue;
      }
      if (count === 0) {
        refused(columns, i, Eca.badCount, otherwise);
        return;
      }
      if (!settled) status16(columns, memory, data, i);
      if (native === Native.string) heap.text(i, memory.u8, data + timeBytes(native, 0), 40);
      else columns.num[i] = scalarAt(memory, native, data);
      if (settled || memory.sequence(cell) === before) break;
      if (native === Native.string) heap.drop();
    }
    columns.outcome[i] = ReadOutcome.ok;
  }

  #reserve(slot: number): void {
    const { memory, slots: table, native } = this.#context;
    const cell = memory.cell(slot, Purpose.read);
    table.readData[slot] = native.c.calloc(1, table.room[slot]!);
    memory.prepare(cell, { batch: this.#batch, room: table.room[slot]!, data: table.readData[slot]! });
  }

  /** Makes the cell of a new channel ready. */
  prepare(slot: number): void {
    const { memory, slots: table } = this.#context;
    memory.prepare(memory.cell(slot, Purpose.read), { batch: this.#batch, room: Memory.scalarRoom });
    memory.setAsk(slot, table.channel[slot]!, table.native[slot]! + timeForm, asManyAsThereAre);
  }

  #answerUnasked({ id, rows, timer }: Waiting, outcome: ReadOutcome): void {
    clearTimeout(timer);
    const columns = packedColumns(rows.length);
    columns.channel.set(rows);
    rows.forEach((row, i) => {
      const slot = (this.#context.slotOf[row] ?? 0) - 1;
      const live = slot >= 0 && this.#context.slots.state[slot] === SlotState.live;
      columns.outcome[i] = live ? outcome : outcomeOfState(this.#context.columns.state[row] ?? 0);
    });
    this.#context.outbox.report({ is: 'read', id, values: { length: rows.length, buffer: columns.buffer, heap: undefined } }, [columns.buffer]);
  }
}

/** Whether values lie outside the cells. */
function isFar(flags: number): boolean {
  return (flags & (ChannelFlag.array | ChannelFlag.longText)) !== 0;
}

/** S1: a row without a value has no part of one either. */
function clear(columns: PackedColumns, i: number): void {
  columns.kind[i] = 0;
  columns.num[i] = 0;
  columns.status[i] = 0;
  columns.severity[i] = 0;
  columns.timeNs[i] = 0n;
  columns.metaHash[i] = 0n;
}

function status16(columns: PackedColumns, memory: Memory, data: number, i: number): void {
  columns.status[i] = alarmStatus(memory, data);
  columns.severity[i] = alarmSeverity(memory, data);
  timeAt(memory, data, columns.timeWords, i);
}

function refused(columns: PackedColumns, i: number, status: number, otherwise: ReadOutcome): void {
  if (status === unanswered) columns.outcome[i] = otherwise;
  else if (status === disconnected) columns.outcome[i] = ReadOutcome.disconnected;
  else if (status === Eca.noReadAccess) columns.outcome[i] = ReadOutcome.noReadAccess;
  else if (status === Eca.tooLarge) columns.outcome[i] = ReadOutcome.tooLarge;
  else {
    columns.outcome[i] = ReadOutcome.refused;
    columns.code[i] = status;
  }
}
