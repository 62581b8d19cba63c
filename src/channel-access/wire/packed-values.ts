/**
 * Values on their way between a CA thread and the main thread: the numeric columns in one buffer that
 * is transferred, text and arrays in one heap beside it. Nothing here is allocated per row.
 *
 * The main thread sends what an answer is to be written into along with a read: the rows asked stand in
 * its channel column. Memory that readers have given back goes round for good (see main/spares.ts).
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

/** Of the columns in front of `channel`, of it, and of those behind. */
const bytesBefore = 8 + 8 + 8;
const bytesOfChannel = 4;
const bytesPerRow = bytesBefore + bytesOfChannel + 2 + 5;

/** Bytes that so many rows take. */
export const packedBytes = (length: number): number => length * bytesPerRow;

export function packedColumns(length: number, buffer = new ArrayBuffer(packedBytes(length))): PackedColumns {
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

/** The channel column alone. */
export function channelColumn(length: number, buffer: ArrayBuffer): Int32Array {
  return new Int32Array(buffer, length * bytesBefore, length);
}

/** Columns to be filled in. S1: but for the rows asked, nothing stays of what the memory held before. */
export function blankColumns({ length, buffer }: PackedValues): PackedColumns {
  const end = length * (bytesBefore + bytesOfChannel);
  new Uint8Array(buffer, 0, length * bytesBefore).fill(0);
  new Uint8Array(buffer, end, packedBytes(length) - end).fill(0);
  return packedColumns(length, buffer);
}

/** What a heap entry is. */
export const HeapEntry = { text: 0, array: 1 } as const;

/** Text and arrays of a batch. `entries` holds four numbers each: row, start, length, {@link HeapEntry}. */
export interface Heap {
  readonly entries: Int32Array;
  readonly bytes: Uint8Array;
}

export const noHeap: Heap = { entries: new Int32Array(0), bytes: new Uint8Array(0) };

/** What a heap of this size is written into: `room`, an earlier one, if it is about as large. */
export function heapRoom(expected: { bytes: number; entries: number }, room?: Heap): { bytes: Buffer; entries: Int32Array } {
  const bytes = (Math.max(expected.bytes, 256) + 7) & ~7;
  const entries = Math.max(expected.entries, 4);
  return {
    bytes: room !== undefined && suits(room.bytes.length, bytes) ? Buffer.from(room.bytes.buffer) : Buffer.allocUnsafeSlow(bytes),
    entries: room !== undefined && suits(room.entries.length, entries) ? room.entries : new Int32Array(entries),
  };
}

/** Twice the size comes of growing; what is larger still was another reader's, and stays no longer. */
const suits = (size: number, wanted: number): boolean => size >= wanted && size <= 2 * wanted + 4096;

/** A finished sweep as it is posted; on its way to the thread, what it is to be written into. */
export interface PackedValues {
  readonly length: number;
  readonly buffer: ArrayBuffer;
  readonly heap: Heap | undefined;
}

export function transfersOf({ buffer, heap }: PackedValues): ArrayBuffer[] {
  return heap === undefined ? [buffer] : [buffer, heap.entries.buffer as ArrayBuffer, heap.bytes.buffer as ArrayBuffer];
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
