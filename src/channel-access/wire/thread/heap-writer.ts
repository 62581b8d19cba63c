/** A heap for values as they come over the wire: big-endian. */
import { HeapEntry } from '../packed-values.ts';
import { Native, valueSize } from '../protocol/dbr.ts';
import { copySwapped, copySwapped64 } from '../protocol/swap.ts';
import { HeapBuilder } from './heap-builder.ts';

const textSize = valueSize[Native.string]!;

export class HeapWriter extends HeapBuilder {
  #words = new Uint32Array(this.bytes.buffer);

  /** `count` big-endian elements as a little-endian array of `row`; text elements separated by NUL. */
  array(row: number, native: number, count: number, from: Buffer, view: DataView, at: number, limit: number): void {
    const size = valueSize[native]!;
    // Whoever makes a Float64Array of it wants the start aligned.
    this.end = (this.end + 7) & ~7;
    const start = this.end;
    if (native === Native.string) {
      this.reserve(count * (size + 1));
      for (let i = 0; i < count; i++) {
        if (i > 0) this.bytes[this.end++] = 0;
        const element = at + i * textSize;
        const stop = Math.min(element + textSize, at + limit);
        for (let j = element; j < stop && from[j] !== 0; j++) this.bytes[this.end++] = from[j]!;
      }
    } else {
      const length = count * size;
      this.reserve(length);
      if (size === 8) copySwapped64(view, at, this.#wordsOfBytes(), start, length);
      else copySwapped(from, at, this.bytes, start, length, size);
      this.end = start + length;
    }
    this.enter(row, start, HeapEntry.array);
  }

  #wordsOfBytes(): Uint32Array {
    if (this.#words.buffer !== this.bytes.buffer) this.#words = new Uint32Array(this.bytes.buffer);
    return this.#words;
  }
}
