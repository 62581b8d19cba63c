/** Gathers text and arrays of a batch into one growing buffer, ready to be transferred. */
import { HeapEntry, type Heap } from '../packed-values.ts';
import { Native, valueSize } from '../protocol/dbr.ts';
import { copySwapped, copySwapped64 } from '../protocol/swap.ts';

const textSize = valueSize[Native.string]!;

export class HeapWriter {
  #bytes: Buffer;
  #words: Uint32Array;
  #entries: Int32Array;
  #end = 0;
  #count = 0;

  /** @param expected Bytes and entries of the batch before: it tends to repeat. */
  constructor(expected: { bytes: number; entries: number }) {
    this.#bytes = Buffer.allocUnsafeSlow((Math.max(expected.bytes, 256) + 7) & ~7);
    this.#words = new Uint32Array(this.#bytes.buffer);
    this.#entries = new Int32Array(Math.max(expected.entries, 4));
  }

  get size(): { bytes: number; entries: number } {
    return { bytes: this.#end, entries: 4 * this.#count };
  }

  /** Bytes up to the first NUL, `limit` at most, as the text of `row`. */
  text(row: number, from: Buffer, at: number, limit: number): void {
    this.#reserve(limit);
    const bytes = this.#bytes;
    const start = this.#end;
    let end = start;
    for (let i = at; i < at + limit; i++) {
      const byte = from[i]!;
      if (byte === 0) break;
      bytes[end++] = byte;
    }
    this.#end = end;
    this.#enter(row, start, HeapEntry.text);
  }

  /** `count` big-endian elements as a little-endian array of `row`; text elements separated by NUL. */
  array(row: number, native: number, count: number, from: Buffer, view: DataView, at: number, limit: number): void {
    const size = valueSize[native]!;
    // Whoever makes a Float64Array of it wants the start aligned.
    this.#end = (this.#end + 7) & ~7;
    const start = this.#end;
    if (native === Native.string) {
      this.#reserve(count * (size + 1));
      for (let i = 0; i < count; i++) {
        if (i > 0) this.#bytes[this.#end++] = 0;
        const element = at + i * textSize;
        const stop = Math.min(element + textSize, at + limit);
        for (let j = element; j < stop && from[j] !== 0; j++) this.#bytes[this.#end++] = from[j]!;
      }
    } else {
      const length = count * size;
      this.#reserve(length);
      if (size === 8) copySwapped64(view, at, this.#words, start, length);
      else copySwapped(from, at, this.#bytes, start, length, size);
      this.#end = start + length;
    }
    this.#enter(row, start, HeapEntry.array);
  }

  /** The heap, its buffers to be transferred; undefined when nothing was written. */
  finish(): Heap | undefined {
    if (this.#count === 0) return undefined;
    return { entries: this.#entries.subarray(0, 4 * this.#count), bytes: this.#bytes.subarray(0, this.#end) };
  }

  #enter(row: number, start: number, what: number): void {
    if (4 * this.#count + 4 > this.#entries.length) {
      const larger = new Int32Array(2 * this.#entries.length);
      larger.set(this.#entries);
      this.#entries = larger;
    }
    const i = 4 * this.#count++;
    this.#entries[i] = row;
    this.#entries[i + 1] = start;
    this.#entries[i + 2] = this.#end - start;
    this.#entries[i + 3] = what;
  }

  #reserve(size: number): void {
    if (this.#end + size <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow((Math.max(2 * this.#bytes.length, this.#end + size) + 7) & ~7);
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
    this.#words = new Uint32Array(larger.buffer);
  }
}
