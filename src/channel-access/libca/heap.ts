/** Text and arrays of a batch, gathered in one buffer that is then transferred. */
import { type Heap, HeapEntry } from '../wire/packed-values.ts';
import { Native, valueSize } from '../wire/protocol/dbr.ts';

const textSize = valueSize[Native.string]!;

/** Copies from memory of the C library. */
export type CopyFrom = (to: Buffer, from: number, length: number) => void;

export class HostHeap {
  readonly #copy: CopyFrom;
  #bytes: Buffer;
  #entries: Int32Array = new Int32Array(64);
  #staging: Buffer = Buffer.alloc(0);
  #end = 0;
  #count = 0;

  constructor(copy: CopyFrom, expectedBytes: number) {
    this.#copy = copy;
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(256, (expectedBytes + 7) & ~7));
  }

  get size(): number {
    return this.#end;
  }

  /** Bytes up to the first NUL, `limit` at most, as the text of `row`. */
  text(row: number, from: Buffer, at: number, limit: number): void {
    this.#reserve(limit);
    const start = this.#end;
    const bytes = this.#bytes;
    let end = start;
    for (let i = at; i < at + limit; i++) {
      const byte = from[i]!;
      if (byte === 0) break;
      bytes[end++] = byte;
    }
    this.#end = end;
    this.#enter(row, start, HeapEntry.text);
  }

  /** One long text that lies outside the cells. */
  farText(row: number, from: number, length: number): void {
    this.text(row, this.#stage(from, length), 0, length);
  }

  /** `count` elements that lie outside the cells, as the array of `row`; text elements separated by NUL. */
  array(row: number, native: number, count: number, from: number): void {
    // Whoever makes a Float64Array of it wants the start aligned.
    this.#end = (this.#end + 7) & ~7;
    const start = this.#end;
    const length = count * valueSize[native]!;
    this.#reserve(length + count);
    if (native === Native.string) {
      const texts = this.#stage(from, length);
      for (let i = 0; i < count; i++) {
        if (i > 0) this.#bytes[this.#end++] = 0;
        const nul = texts.subarray(i * textSize, (i + 1) * textSize).indexOf(0);
        this.#end += texts.copy(this.#bytes, this.#end, i * textSize, i * textSize + (nul < 0 ? textSize : nul));
      }
    } else if (length > 0) {
      this.#copy(this.#bytes.subarray(start, start + length), from, length);
      this.#end += length;
    }
    this.#enter(row, start, HeapEntry.array);
  }

  /** Takes the last entry back. */
  drop(): void {
    this.#count--;
    this.#end = this.#entries[4 * this.#count + 1]!;
  }

  finish(): Heap | undefined {
    if (this.#count === 0) return undefined;
    return { entries: this.#entries.subarray(0, 4 * this.#count), bytes: this.#bytes.subarray(0, this.#end) };
  }

  #stage(from: number, length: number): Buffer {
    if (this.#staging.length < length) this.#staging = Buffer.allocUnsafeSlow(length);
    if (length > 0) this.#copy(this.#staging, from, length);
    return this.#staging;
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
  }
}
