/**
 * What stands in for monitors: the monitored channels of an IOC are read again and again, and those
 * that have changed are shown in the shared columns. What changed twice between two sweeps is seen
 * once.
 */
import { now } from '../../wire/clock.ts';
import { Counter } from '../../wire/counters.ts';
import { Eca } from '../../wire/protocol/commands.ts';
import { Native, timeValueOffset, valueSize } from '../../wire/protocol/dbr.ts';
import { writeTime } from '../../wire/protocol/time.ts';
import { ChannelFlag } from '../../wire/thread/channel-flags.ts';
import type { SideUpdates } from '../../wire/thread-messages.ts';
import { alarmSeverity, alarmStatus, scalarAt, timeBytes } from '../decode.ts';
import { HostHeap } from '../heap.ts';
import { SlotState } from '../slots.ts';
import type { SweptContext } from './context.ts';
import type { Gets, Job } from './gets.ts';
import { ValueRounds } from './value-rounds.ts';

/** Text or array of a channel as it was shown last, with its time and alarm state. */
interface Shown {
  readonly row: number;
  bytes: Buffer;
  count: number;
  seconds: number;
  nanoseconds: number;
  status: number;
  severity: number;
  dirty: boolean;
}

/** Text and arrays of all IOCs of a thread. */
export class SweptSides {
  readonly #context: SweptContext;
  readonly #shown: (Shown | undefined)[] = [];
  #dirty: number[] = [];

  constructor(context: SweptContext) {
    this.#context = context;
  }

  /** Keeps what the cell of this slot holds; whether it differs from what was kept before. */
  keep(slot: number): boolean {
    const { slots, cells, native: { c } } = this.#context;
    const native = slots.native[slot]!;
    const place = cells.value(slot);
    const far = slots.far[slot];
    const count = slots.count[slot]!;
    const size = far === undefined ? valueSize[native]! : count * valueSize[native]!;
    const from = far === undefined ? cells.base + place + timeValueOffset[native]! : far.places.at(-1)! + timeBytes(native, 0);
    const bytes = Buffer.allocUnsafeSlow(size);
    c.copyOut(bytes, from, size);
    // What stands behind the end of a single text is no part of it.
    if (far === undefined && bytes.includes(0)) bytes.fill(0, bytes.indexOf(0));
    const before = this.#shown[slot];
    const row = slots.row[slot]!;
    const stamp = { seconds: cells.u32[(place >> 2) + 1]!, nanoseconds: cells.u32[(place >> 2) + 2]!, status: alarmStatus(cells, place), severity: alarmSeverity(cells, place) };
    const same = before?.row === row && before.count === count && before.seconds === stamp.seconds && before.nanoseconds === stamp.nanoseconds
      && before.status === stamp.status && before.severity === stamp.severity && before.bytes.equals(bytes);
    if (same) return false;
    if (before?.dirty !== true) this.#dirty.push(slot);
    this.#shown[slot] = { row, bytes, count, ...stamp, dirty: true };
    return true;
  }

  forget(slot: number): void {
    this.#shown[slot] = undefined;
  }

  /** Text and arrays since the last call. */
  take(): SideUpdates | undefined {
    const { slots } = this.#context;
    const batch = this.#dirty.filter((slot) => this.#shown[slot]?.row === slots.row[slot] && slots.state[slot] === SlotState.live);
    this.#dirty = [];
    if (batch.length === 0) return undefined;
    let source: Buffer = Buffer.alloc(0);
    const heap = new HostHeap((to, from, length) => source.copy(to, 0, from, from + length), {
      bytes: batch.reduce((sum, slot) => sum + this.#shown[slot]!.bytes.length + 8, 0), entries: 4 * batch.length,
    });
    const times = new Uint32Array(2 * batch.length);
    const severity = new Uint8Array(batch.length);
    const status = new Uint8Array(batch.length);
    batch.forEach((slot, i) => {
      const shown = this.#shown[slot]!;
      shown.dirty = false;
      source = shown.bytes;
      status[i] = shown.status;
      severity[i] = shown.severity;
      writeTime(times, i, shown.seconds, shown.nanoseconds);
      if ((slots.flags[slot]! & ChannelFlag.array) !== 0) heap.array(shown.row, slots.native[slot]!, shown.count, 0);
      else heap.text(shown.row, source, 0, source.length);
    });
    return { heap: heap.finish()!, times, severity, status };
  }
}

export class Sweeps {
  readonly #context: SweptContext;
  readonly #gets: Gets;
  readonly #sides: SweptSides;
  readonly #updated: (updates: number) => void;
  readonly #rounds: ValueRounds;
  readonly #slots = new Set<number>();
  #waiting: ((swept: boolean) => void)[] = [];
  #asked = false;
  #dueAt = 0;

  /** @param updated Called with the number of channels that have changed. */
  constructor(context: SweptContext, gets: Gets, sides: SweptSides, updated: (updates: number) => void) {
    this.#context = context;
    this.#gets = gets;
    this.#sides = sides;
    this.#updated = updated;
    this.#rounds = new ValueRounds(context);
  }

  /** The channels that are swept, in no special order. */
  get slots(): ReadonlySet<number> {
    return this.#slots;
  }

  add(slot: number, at: number): void {
    this.#slots.add(slot);
    this.#dueAt = Math.min(this.#dueAt, at);
  }

  forget(slot: number): void {
    if (this.#slots.delete(slot)) this.#sides.forget(slot);
  }

  /** Sweeps if it is time to. Whether it was. */
  pump(at: number): boolean {
    if (at < this.#dueAt || this.#slots.size === 0 || this.#asked) return false;
    this.#ask(at + this.#context.options.echoTimeoutMs);
    return true;
  }

  /** Calls back after a sweep that begins from here on: what the IOC has said before is in the columns then. */
  sweep(deadlineAt: number, done: (swept: boolean) => void): void {
    this.#waiting.push(done);
    if (!this.#asked) this.#ask(deadlineAt, true);
  }

  /** Whoever waits for the next sweep by this does so no more. */
  abandon(done: (swept: boolean) => void): boolean {
    const at = this.#waiting.indexOf(done);
    if (at >= 0) this.#waiting.splice(at, 1);
    return at >= 0;
  }

  #ask(deadlineAt: number, urgent = false): void {
    this.#asked = true;
    this.#gets.ask(this.#job(), { deadlineAt, urgent });
  }

  #job(): Job {
    let slots: number[] = [];
    let done: ((swept: boolean) => void)[] = [];
    let begun = false;
    return {
      begin: () => {
        begun = true;
        done = this.#waiting.splice(0);
        this.#asked = false;
        const { access } = this.#context.slots;
        slots = [...this.#slots].filter((slot) => (access[slot]! & 1) !== 0);
        return this.#rounds.begin(slots);
      },
      send: (i, group) => this.#rounds.send(i, group),
      settle: () => this.#rounds.settle(),
      end: (how) => {
        if (!begun) {
          this.#asked = false;
          done = this.#waiting.splice(0);
        }
        this.#dueAt = now() + this.#context.sweepMs;
        if (begun && how !== 'lost') {
          if (how === 'late') this.#rounds.settle();
          this.#show(slots);
        }
        for (const each of done) each(how === 'done');
      },
    };
  }

  #show(slots: readonly number[]): void {
    const { slots: table, counters } = this.#context;
    let updates = 0;
    for (const slot of slots) {
      if (table.found[slot] !== Eca.normal || table.state[slot] !== SlotState.live || !this.#slots.has(slot)) continue;
      if (this.#showOne(slot)) updates++;
    }
    counters[Counter.updates]! += updates;
    if (updates > 0) this.#updated(updates);
  }

  #showOne(slot: number): boolean {
    const { slots, cells, columns, timeWords, arrayLimit } = this.#context;
    const row = slots.row[slot]!;
    const place = cells.value(slot);
    const native = slots.native[slot]!;
    const status = alarmStatus(cells, place);
    const severity = alarmSeverity(cells, place);
    const isSide = slots.far[slot] !== undefined || native === Native.string;
    const num = isSide ? 0 : scalarAt(cells, native, place);
    if (isSide) {
      if (slots.count[slot]! * valueSize[native]! > arrayLimit || !this.#sides.keep(slot)) return false;
    } else {
      writeTime(scratchTime, 0, cells.u32[(place >> 2) + 1]!, cells.u32[(place >> 2) + 2]!);
      const same = columns.updates[row]! > 0 && columns.status[row] === status && columns.severity[row] === severity
        && timeWords[2 * row] === scratchTime[0] && timeWords[2 * row + 1] === scratchTime[1] && Object.is(columns.num[row], num);
      if (same) return false;
    }
    Atomics.add(columns.sequence, row, 1);
    columns.num[row] = num;
    columns.status[row] = status;
    columns.severity[row] = severity;
    writeTime(timeWords, row, cells.u32[(place >> 2) + 1]!, cells.u32[(place >> 2) + 2]!);
    Atomics.add(columns.sequence, row, 1);
    columns.updates[row]!++;
    return true;
  }
}

const scratchTime = new Uint32Array(2);
