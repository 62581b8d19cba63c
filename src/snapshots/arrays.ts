/** Array bytes of a row as something to index. Elements are little-endian, as on every machine Drey runs on. */
import { ValueKind } from '../contracts/values.ts';

export type NumericElements = Int8Array | Int16Array | Uint16Array | Int32Array | Float32Array | Float64Array | BigInt64Array | BigUint64Array;

export const elementBytes: Record<ValueKind, number> = {
  [ValueKind.none]: 1,
  [ValueKind.text]: 1,
  [ValueKind.int8]: 1,
  [ValueKind.int16]: 2,
  [ValueKind.int32]: 4,
  [ValueKind.enum]: 2,
  [ValueKind.float]: 4,
  [ValueKind.double]: 8,
  [ValueKind.int64]: 8,
  [ValueKind.uint64]: 8,
};

/** The numbers of an array row; undefined for text. Copies when the bytes are not aligned. */
export function numericElements(kind: number, bytes: Uint8Array): NumericElements | undefined {
  const size = elementBytes[kind as ValueKind] ?? 1;
  const count = Math.floor(bytes.byteLength / size);
  // Not bytes.slice(): of a Buffer that is a view of the same place.
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  const { buffer, byteOffset } = aligned;
  switch (kind) {
    case ValueKind.int8:
      return new Int8Array(buffer, byteOffset, count);
    case ValueKind.int16:
      return new Int16Array(buffer, byteOffset, count);
    case ValueKind.enum:
      return new Uint16Array(buffer, byteOffset, count);
    case ValueKind.int32:
      return new Int32Array(buffer, byteOffset, count);
    case ValueKind.float:
      return new Float32Array(buffer, byteOffset, count);
    case ValueKind.double:
      return new Float64Array(buffer, byteOffset, count);
    case ValueKind.int64:
      return new BigInt64Array(buffer, byteOffset, count);
    case ValueKind.uint64:
      return new BigUint64Array(buffer, byteOffset, count);
    default:
      return undefined;
  }
}

const utf8 = new TextDecoder();

/** The strings of a text array: NUL ends each element but the last. */
export function textElements(bytes: Uint8Array): string[] {
  return bytes.length === 0 ? [] : utf8.decode(bytes).split('\0');
}
