/**
 * What was queued for one job on one circuit, in order, as the sink sees it: `struct run` of
 * sink/sink.h. The columns of the job are V8's memory; only calls of this thread look at them.
 */
import { ValueKind } from '../../contracts/values.ts';
import type { PutJob } from '../wire/thread/put-job.ts';
import type { PutValues } from '../wire/thread-messages.ts';
import { addressOfView } from './ffi.ts';
import type { Lane } from './lane.ts';
import type { Memory } from './memory.ts';

/** Words of the structure, behind its pointers. */
const word = { rows: 26, length: 27, noted: 28, open: 29, sent: 30, window: 31 } as const;
/** As the size of what lies beside a number: nothing, or what is left to put-value.ts. */
const nothing = -1;
const notForTheSink = -2;
/** Longer texts fit no type that the sink writes text to. */
const longestText = 39;
const bytesPerUnit = 3;

export class PutRun {
  readonly job: PutJob;
  /** Says when all have completed. */
  readonly batch: number;
  /** Slots, and which rows of the job they are. */
  readonly slots: Int32Array;
  readonly indices: Int32Array;
  readonly #memory: Memory;
  readonly #lane: Lane;
  readonly #at: number;
  /** Kept, because the sink is told where they lie. */
  readonly #places: readonly NodeJS.TypedArray[];

  constructor(memory: Memory, lane: Lane, batch: number, job: PutJob) {
    this.#memory = memory;
    this.#lane = lane;
    this.job = job;
    this.batch = batch;
    this.#at = memory.run(batch);
    this.slots = new Int32Array(job.rows.length);
    this.indices = new Int32Array(job.rows.length);
    const { rows, values, outcome, code, sentTimes, order } = job;
    this.#places = [rows, values.kind, values.num, ...besideNumbers(values), outcome, code, sentTimes, order, this.slots, this.indices];
    this.#places.forEach((place, i) => memory.setPointer(this.#at + 8 * i, addressOfView(place)));
    memory.setPointer(this.#at + 8 * this.#places.length, memory.base + batch);
    this.#set('rows', rows.length);
    this.#set('length', 0);
    this.#set('noted', 0);
    this.#set('open', 0);
    this.#set('window', job.window);
  }

  get length(): number {
    return this.#get('length');
  }

  /** All before this one were sent. */
  get noted(): number {
    return this.#get('noted');
  }

  /** Row `i` of the job is queued as the put of a slot. */
  add(slot: number, i: number): void {
    const at = this.length;
    this.slots[at] = slot;
    this.indices[at] = i;
    this.#set('length', at + 1);
  }

  /** Makes requests of rows from `next` on and lists them, `most` at most, up to the first that is not for the sink. How many. */
  fill(next: number, listed: number, most: number): number {
    return this.#lane.fill(this.#at, next, listed, most);
  }

  /** Tells the job what was sent, and what became of it. How many were sent since the last look. */
  look(): number {
    const { job } = this;
    const before = job.sentCount;
    this.#set('sent', before);
    job.left -= this.#lane.look(this.#at);
    job.sentCount = this.#get('sent');
    return job.sentCount - before;
  }

  #get(name: keyof typeof word): number {
    return this.#memory.u32[(this.#at >> 2) + word[name]]!;
  }

  #set(name: keyof typeof word, value: number): void {
    this.#memory.u32[(this.#at >> 2) + word[name]] = value;
  }
}

/** By row, where text and arrays lie in the bytes, and how long they are. */
function besideNumbers({ kind, text, bytes }: PutValues): [Int32Array, Int32Array, Buffer] {
  const start = new Int32Array(kind.length);
  const size = new Int32Array(kind.length).fill(nothing);
  let most = text.size * longestText * bytesPerUnit;
  for (const value of bytes.values()) most += value.length;
  const heap = Buffer.allocUnsafeSlow(Math.max(most, 1));
  let end = 0;
  for (const [i, value] of text) {
    if (kind[i] !== ValueKind.text || bytes.has(i)) continue;
    if (value.length > longestText) size[i] = notForTheSink;
    else {
      start[i] = end;
      end += size[i] = heap.write(value, end, 'utf8');
    }
  }
  for (const [i, value] of bytes) {
    if (kind[i] === ValueKind.text) size[i] = notForTheSink;
    else {
      heap.set(value, end);
      start[i] = end;
      end += size[i] = value.length;
    }
  }
  return [start, size, heap];
}
