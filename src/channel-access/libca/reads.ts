/**
 * Reads of one IOC. One sweep is outstanding; further ones wait with their deadlines running, also
 * while the late answers of an abandoned one are still to come: they are written to the same cells,
 * and must not be taken for answers to a later read. So a hung IOC's queue stays short as well: libca
 * would block the thread that fills it (I1).
 */
import { ReadOutcome } from '../../contracts/values.ts';
import { Counter } from '../wire/counters.ts';
import type { PackedColumns, PackedValues } from '../wire/packed-values.ts';
import { Eca } from '../wire/protocol/commands.ts';
import { answerRead, clearValue } from '../wire/thread/read-answers.ts';
import { type WaitingRead, WaitingReads } from '../wire/thread/waiting-reads.ts';
import { Memory, Purpose, unanswered } from './memory.ts';
import { SweepPlace } from './sweep-place.ts';
import type { LibcaContext } from './thread-context.ts';

interface Sweep extends WaitingRead {
  readonly columns: PackedColumns;
  /** Slot of each row that is asked, else -1. */
  readonly slots: Int32Array;
}

export class Reads {
  readonly #context: LibcaContext;
  readonly #batch: number;
  readonly #place: SweepPlace;
  #current: Sweep | undefined;
  /** Answers of an abandoned sweep are still under way. */
  #stale = false;
  readonly #waiting: WaitingReads;
  /** Number of the last sweep, of all sweeps of the thread. */
  #number = 0;

  constructor(context: LibcaContext) {
    this.#context = context;
    const batch = context.memory.takeBatch();
    if (batch === undefined) throw new Error('too many IOCs for one thread of the libca client');
    this.#batch = batch;
    this.#waiting = new WaitingReads(context, (id) => this.#expire(id));
    this.#place = new SweepPlace(context.memory, context.lane, batch);
    context.memory.setLeft(batch, 0);
    context.onBatch.set(batch, () => this.#pieceDone());
  }

  ask(id: number, into: PackedValues, deadlineAt: number): void {
    this.#waiting.add(id, into, deadlineAt);
    this.#next();
  }

  /** A channel leaves; libca sends no answer for it any more, and its slot will be another's. */
  forget(slot: number): void {
    const { memory } = this.#context;
    const sweep = this.#current;
    for (let i = sweep?.slots.indexOf(slot) ?? -1; i >= 0; i = sweep!.slots.indexOf(slot, i)) {
      sweep!.slots[i] = -1;
      sweep!.columns.outcome[i] = ReadOutcome.disconnected;
      clearValue(sweep!.columns, i);
    }
    const cell = memory.cell(slot, Purpose.read);
    if (memory.left(this.#batch) <= 0 || this.#context.slots.asked[slot] !== this.#number || memory.status(cell) !== unanswered) return;
    memory.setStatus(cell, Eca.disconnected);
    if (memory.forgo(this.#batch) === 0) this.#pieceDone();
  }

  /** The circuit is gone: everything is answered now, while the channels and what came for them are still there. */
  drop(): void {
    this.#stale = false;
    this.#context.memory.setLeft(this.#batch, 0);
    const sweep = this.#current;
    this.#current = undefined;
    if (sweep !== undefined) this.#finish(sweep, ReadOutcome.disconnected);
    this.#waiting.drop();
  }

  #next(): void {
    while (this.#current === undefined && !this.#stale) {
      const waiting = this.#waiting.take();
      if (waiting === undefined) return;
      this.#start(waiting);
    }
  }

  #start(waiting: WaitingRead): void {
    this.#number = this.#context.slots.nextSweep();
    this.#current = { ...waiting, ...this.#place.start(waiting.into, this.#number) };
    this.#piece();
  }

  /** Asks for the next rows; finishes when there are none. */
  #piece(): void {
    const { memory, lane, counters } = this.#context;
    counters[Counter.reads]! += this.#place.ask();
    lane.flush();
    if (memory.left(this.#batch) === 0) this.#pieceDone();
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
    if (!this.#place.isAsked) {
      this.#piece();
      return;
    }
    this.#current = undefined;
    this.#finish(sweep, ReadOutcome.timeout);
    this.#next();
  }

  #expire(id: number): void {
    const sweep = this.#current;
    if (sweep?.id !== id) return;
    const left = this.#context.memory.left(this.#batch);
    this.#current = undefined;
    this.#stale = left > 0;
    if (left > 0) this.#context.counters[Counter.lateReplies]! += left;
    this.#finish(sweep, ReadOutcome.timeout);
    this.#next();
  }

  /** Answers with what has come; rows without an answer get `otherwise`. */
  #finish({ id, into, timer }: Sweep, otherwise: ReadOutcome): void {
    clearTimeout(timer);
    answerRead(this.#context, id, { ...into, heap: this.#place.take(otherwise, into.heap) });
  }

  /** Makes the cell of a new channel ready. */
  prepare(slot: number): void {
    const { memory } = this.#context;
    memory.prepare(memory.cell(slot, Purpose.read), { batch: this.#batch, room: Memory.scalarRoom });
  }
}
