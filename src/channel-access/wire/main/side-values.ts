/**
 * The latest monitored text or array of each channel that has one, with the time and alarm state
 * that came with it: the shared columns may be one pulse ahead, and parts of two updates never make
 * one value (S1).
 */
import type { ValueColumns } from '../../../contracts/values.ts';
import type { ChannelColumns } from '../../columns.ts';
import { HeapEntry, setText } from '../packed-values.ts';
import type { SideUpdates } from '../thread-messages.ts';

interface Side {
  bytes: Buffer;
  length: number;
  isArray: boolean;
  timeLow: number;
  timeHigh: number;
  severity: number;
  status: number;
}

export class SideValues {
  readonly #byRow = new Map<number, Side>();
  readonly #columns: Pick<ChannelColumns, 'beside'>;

  constructor(columns: Pick<ChannelColumns, 'beside'>) {
    this.#columns = columns;
  }

  /** @param wanted Whether a row still takes values. */
  take({ heap, times, severity, status }: SideUpdates, wanted: (row: number) => boolean): void {
    const { entries, bytes } = heap;
    for (let i = 0; 4 * i + 3 < entries.length; i++) {
      const row = entries[4 * i]!;
      if (!wanted(row)) continue;
      const start = entries[4 * i + 1]!;
      const length = entries[4 * i + 2]!;
      const side = this.#place(row, length);
      side.bytes.set(bytes.subarray(start, start + length));
      side.length = length;
      side.isArray = entries[4 * i + 3] === HeapEntry.array;
      side.timeLow = times[2 * i]!;
      side.timeHigh = times[2 * i + 1]!;
      side.severity = severity[i]!;
      side.status = status[i]!;
      this.#columns.beside[row]!++;
    }
  }

  forget(row: number): void {
    this.#byRow.delete(row);
  }

  has(row: number): boolean {
    return this.#byRow.has(row);
  }

  /** Puts the value of `row` at place `i`. `words` are the time column's. */
  put(row: number, values: ValueColumns, words: Uint32Array, i: number): void {
    const side = this.#byRow.get(row)!;
    words[2 * i] = side.timeLow;
    words[2 * i + 1] = side.timeHigh;
    values.severity[i] = side.severity;
    values.status[i] = side.status;
    if (side.isArray) values.bytes.set(i, new Uint8Array(side.bytes.subarray(0, side.length)));
    else setText(values, i, side.bytes, 0, side.length);
  }

  #place(row: number, length: number): Side {
    let side = this.#byRow.get(row);
    if (side === undefined) {
      side = { bytes: Buffer.allocUnsafeSlow(length), length, isArray: false, timeLow: 0, timeHigh: 0, severity: 0, status: 0 };
      this.#byRow.set(row, side);
    } else if (side.bytes.length < length) side.bytes = Buffer.allocUnsafeSlow(length);
    return side;
  }
}
