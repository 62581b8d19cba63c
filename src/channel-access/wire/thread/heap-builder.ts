/** One growing buffer for text and arrays of a batch, ready to be transferred; how arrays get into it is each client's own. */
import { HeapEntry, type Heap, heapRoom } from '../packed-values.ts';

export class HeapBuilder {
  protected bytes: Buffer;
  protected end = 0;
  #entries: Int32Array;
  #count = 0;

  /**
   * @param expected Bytes and numbers of entries, four for each.
   * @param room An earlier heap to be written over, if it is about as large.
   */
  constructor(expected: { bytes: number; entries: number }, room?: Heap) {
    const { entries, bytes } = heapRoom(expected, room);
    this.bytes = bytes;
    this.#entries = entries;
  }

  /** For the next batch: it tends to be like this one. */
  get size(): { bytes: number; entries: number } {
    return { bytes: this.end, entries: 4 * this.#count };
  }

  /** Bytes up to the first NUL, `limit` at most, as the text of `row`. */
  text(row: number, from: Buffer, at: number, limit: number): void {
    this.reserve(limit);
    const bytes = this.bytes;
    const start = this.end;
    let end = start;
    for (let i = at; i < at + limit; i++) {
      const byte = from[i]!;
      if (byte === 0) break;
      bytes[end++] = byte;
    }
    this.end = end;
    this.enter(row, start, HeapEntry.text);
  }

  /** Takes the last entry back. */
  drop(): void {
    this.#count--;
    this.end = this.#entries[4 * this.#count + 1]!;
  }

  /** The heap, its buffers to be transferred; undefined when nothing was written. */
  finish(): Heap | undefined {
    if (this.#count === 0) return undefined;
    return { entries: this.#entries.subarray(0, 4 * this.#count), bytes: this.bytes.subarray(0, this.end) };
  }

  protected enter(row: number, start: number, what: number): void {
    if (4 * this.#count + 4 > this.#entries.length) {
      const larger = new Int32Array(2 * this.#entries.length);
      larger.set(this.#entries);
      this.#entries = larger;
    }
    const i = 4 * this.#count++;
    this.#entries[i] = row;
    this.#entries[i + 1] = start;
    this.#entries[i + 2] = this.end - start;
    this.#entries[i + 3] = what;
  }

  protected reserve(size: number): void {
    if (this.end + size <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow((Math.max(2 * this.bytes.length, this.end + size) + 7) & ~7);
    this.bytes.copy(larger, 0, 0, this.end);
    this.bytes = larger;
  }
}
