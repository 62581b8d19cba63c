/**
 * Values on their way between a CA thread and the main thread: the numeric columns in one buffer that
 * is transferred, text and arrays in one heap beside it. Nothing here is allocated per row.
 */
import { isUtf8 } from 'node:buffer';
import type { ValueColumns } from '../../contracts/values.ts';

/** Columns over one buffer, laid out widest first. */
export interface PackedColumns {
  readonly buffer: ArrayBuffer;
  readonly timeNs: BigInt64Array;
  readonly metaHash: BigInt64Array;
  readonly num: Float64Array;
  readonly channel: Int32Array;
  readonly code: Uint16Array;
  readonly outcome: Uint8Array;
  readonly kind: Uint8Array;
  readonly severity: Uint8Array;
  readonly status: Uint8Array;
  readonly access: Uint8Array;
  /** The 64-bit columns as pairs of words. */
  readonly timeWords: Uint32Array;
  readonly hashWords: Uint32Array;
}

const bytesPerRow = 8 + 8 + 8 + 4 + 2 + 5;

export function packedColumns(length: number, buffer = new ArrayBuffer(length * bytesPerRow)): PackedColumns {
  let at = 0;
  const take = (size: number): number => {
    const start = at;
    at += size * length;
    return start;
  };
  return {
    buffer,
    timeNs: new BigInt64Array(buffer, take(8), length),
    metaHash: new BigInt64Array(buffer, take(8), length),
    num: new Float64Array(buffer, take(8), length),
    channel: new Int32Array(buffer, take(4), length),
    code: new Uint16Array(buffer, take(2), length),
    outcome: new Uint8Array(buffer, take(1), length),
    kind: new Uint8Array(buffer, take(1), length),
    severity: new Uint8Array(buffer, take(1), length),
    status: new Uint8Array(buffer, take(1), length),
    access: new Uint8Array(buffer, take(1), length),
    timeWords: new Uint32Array(buffer, 0, 2 * length),
    hashWords: new Uint32Array(buffer, 8 * length, 2 * length),
  };
}

/** What a heap entry is. */
export const HeapEntry = { text: 0, array: 1 } as const;

/** Text and arrays of a batch. `entries` holds four numbers each: row, start, length, {@link HeapEntry}. */
export interface Heap {
  readonly entries: Int32Array;
  readonly bytes: Uint8Array;
}

export const noHeap: Heap = { entries: new Int32Array(0), bytes: new Uint8Array(0) };

/** A finished sweep as it is posted. */
export interface PackedValues {
  readonly length: number;
  readonly buffer: ArrayBuffer;
  readonly heap: Heap | undefined;
}

/** The values of a sweep in the port's shape, over the transferred buffers. */
export function unpackValues(packed: PackedValues): ValueColumns {
  const { buffer: _buffer, timeWords: _time, hashWords: _hash, ...columns } = packedColumns(packed.length, packed.buffer);
  const values: ValueColumns = { length: packed.length, ...columns, text: new Map(), bytes: new Map(), rawText: new Set() };
  if (packed.heap === undefined) return values;
  const { entries, bytes } = packed.heap;
  const heap = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i + 3 < entries.length; i += 4) {
    const row = entries[i]!;
    const start = entries[i + 1]!;
    const length = entries[i + 2]!;
    if (entries[i + 3] === HeapEntry.array) values.bytes.set(row, new Uint8Array(bytes.buffer, bytes.byteOffset + start, length));
    else setText(values, row, heap, start, length);
  }
  return values;
}

/** Text as columns carry it: readable always, and with its raw bytes where it is not valid UTF-8 (S3). */
export function setText(values: ValueColumns, row: number, heap: Buffer, start: number, length: number): void {
  const end = start + length;
  for (let at = start; at < end; at++) {
    if (heap[at]! < 0x80) continue;
    const raw = heap.subarray(start, end);
    values.text.set(row, raw.toString('utf8'));
    if (!isUtf8(raw)) {
      values.bytes.set(row, Uint8Array.from(raw));
      values.rawText.add(row);
    }
    return;
  }
  values.text.set(row, heap.toString('latin1', start, end));
}
