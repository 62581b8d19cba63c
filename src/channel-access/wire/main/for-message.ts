/**
 * What goes into a message to a thread is copied with the whole of the buffer that it is a part of:
 * a few rows of a large column would take the column along, and every array costs a buffer of its own.
 */
import type { ValueColumns } from '../../../contracts/values.ts';
import type { PutValues } from '../thread-messages.ts';

type Column = Int32Array<ArrayBufferLike> | Float64Array<ArrayBufferLike> | Uint8Array<ArrayBufferLike>;

/** The same elements with nothing around them. */
export function alone<Some extends Column>(column: Some): Some {
  return column.byteLength === column.buffer.byteLength ? column : (column.slice() as Some);
}

/** What a write needs of these values, all arrays in one buffer. */
export function putValues({ kind, num, text, bytes, rawText }: ValueColumns): PutValues {
  return { kind: alone(kind), num: alone(num), text, bytes: together(bytes), rawText };
}

function together(arrays: ReadonlyMap<number, Uint8Array>): ReadonlyMap<number, Uint8Array> {
  let total = 0;
  for (const array of arrays.values()) total += array.length;
  const buffer = new Uint8Array(total);
  const packed = new Map<number, Uint8Array>();
  let end = 0;
  for (const [i, array] of arrays) {
    buffer.set(array, end);
    packed.set(i, buffer.subarray(end, (end += array.length)));
  }
  return packed;
}
