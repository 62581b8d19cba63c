/**
 * Where the sink finds what it needs for the sweeps of one IOC: `struct sweep` of sink/sink.h. The
 * columns and the heap are V8's memory; only calls of this thread look at them.
 */
import { type Heap, heapRoom, type PackedColumns, packedColumns, type PackedValues } from '../wire/packed-values.ts';
import { addressOfView } from './ffi.ts';
import type { Lane } from './lane.ts';
import type { Memory } from './memory.ts';

/** Words of the structure, behind its pointers. */
const word = { length: 30, next: 31, mostEntries: 32, mostBytes: 33, usedEntries: 34, usedBytes: 35 } as const;
/** Sweeps tend to repeat, but texts grow. */
const spareBytes = 256;

export class SweepPlace {
  readonly #memory: Memory;
  readonly #lane: Lane;
  readonly #at: number;
  #slots = new Int32Array(0);
  /** Entries and bytes that the last sweep had. */
  #entries = 0;
  #bytes = 0;

  constructor(memory: Memory, lane: Lane, batch: number) {
    this.#memory = memory;
    this.#lane = lane;
    this.#at = memory.sweep(batch);
    memory.setPointer(this.#at + 104, memory.base + batch);
  }

  /** Columns for the rows asked, with what is known before asking and nothing else (S1), and the slots of those that can be asked, else -1. */
  start({ length, buffer }: PackedValues, number: number): { columns: PackedColumns; slots: Int32Array } {
    const columns = packedColumns(length, buffer);
    if (this.#slots.length !== length) this.#slots = new Int32Array(length);
    const { timeNs, metaHash, num, channel, code, outcome, kind, severity, status, access } = columns;
    const base = addressOfView(timeNs) - timeNs.byteOffset;
    [timeNs, metaHash, num, channel, code, outcome, kind, severity, status, access].forEach((column, i) =>
      this.#memory.setPointer(this.#at + 8 * i, base + column.byteOffset));
    this.#memory.setPointer(this.#at + 80, addressOfView(this.#slots));
    this.#memory.f64[(this.#at + 112) >> 3] = number;
    this.#set('length', length);
    this.#lane.start(this.#at);
    return { columns, slots: this.#slots };
  }

  /** Whether every row has been asked for. */
  get isAsked(): boolean {
    return this.#get('next') >= this.#get('length');
  }

  ask(): number {
    return this.#lane.ask(this.#at);
  }

  /** What has come into the columns, and text and arrays into a heap, `room` if it suits; `otherwise` for rows without an answer. */
  take(otherwise: number, room: Heap | undefined): Heap | undefined {
    for (;;) {
      const { entries, bytes } = heapRoom({ entries: 4 * this.#entries, bytes: this.#bytes + spareBytes }, room);
      this.#memory.setPointer(this.#at + 88, addressOfView(entries));
      this.#memory.setPointer(this.#at + 96, addressOfView(bytes));
      this.#set('mostEntries', entries.length >> 2);
      this.#set('mostBytes', bytes.length);
      const whole = this.#lane.take(this.#at, otherwise);
      this.#entries = this.#get('usedEntries');
      this.#bytes = this.#get('usedBytes');
      if (!whole) continue;
      return this.#entries === 0 ? undefined : { entries: entries.subarray(0, 4 * this.#entries), bytes: bytes.subarray(0, this.#bytes) };
    }
  }

  #get(name: keyof typeof word): number {
    return this.#memory.u32[(this.#at >> 2) + word[name]]!;
  }

  #set(name: keyof typeof word, value: number): void {
    this.#memory.u32[(this.#at >> 2) + word[name]] = value;
  }
}
