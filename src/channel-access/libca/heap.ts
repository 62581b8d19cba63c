/** A heap for values out of memory of the C library. */
import { type Heap, HeapEntry } from '../wire/packed-values.ts';
import { Native, valueSize } from '../wire/protocol/dbr.ts';
import { HeapBuilder } from '../wire/thread/heap-builder.ts';

const textSize = valueSize[Native.string]!;

/** Copies from memory of the C library. */
export type CopyFrom = (to: Buffer, from: number, length: number) => void;

export class HostHeap extends HeapBuilder {
  readonly #copy: CopyFrom;
  #staging: Buffer = Buffer.alloc(0);

  constructor(copy: CopyFrom, expected: { bytes: number; entries: number }, room?: Heap) {
    super(expected, room);
    this.#copy = copy;
  }

  /** One long text that lies outside the cells. */
  farText(row: number, from: number, length: number): void {
    this.text(row, this.#stage(from, length), 0, length);
  }

  /** `count` elements that lie outside the cells, as the array of `row`; text elements separated by NUL. */
  array(row: number, native: number, count: number, from: number): void {
    // Whoever makes a Float64Array of it wants the start aligned.
    this.end = (this.end + 7) & ~7;
    const start = this.end;
    const length = count * valueSize[native]!;
    this.reserve(length + count);
    if (native === Native.string) {
      const texts = this.#stage(from, length);
      for (let i = 0; i < count; i++) {
        if (i > 0) this.bytes[this.end++] = 0;
        const nul = texts.subarray(i * textSize, (i + 1) * textSize).indexOf(0);
        this.end += texts.copy(this.bytes, this.end, i * textSize, i * textSize + (nul < 0 ? textSize : nul));
      }
    } else if (length > 0) {
      this.#copy(this.bytes.subarray(start, start + length), from, length);
      this.end += length;
    }
    this.enter(row, start, HeapEntry.array);
  }

  #stage(from: number, length: number): Buffer {
    if (this.#staging.length < length) this.#staging = Buffer.allocUnsafeSlow(length);
    if (length > 0) this.#copy(this.#staging, from, length);
    return this.#staging;
  }
}
