/**
 * A value on its way to the wire, in the channel's own type. What cannot be represented there exactly
 * is refused, never clipped; only floating-point rounding is taken as meant.
 *
 * | value \ channel      | STRING         | numbers, ENUM           | ENUM          | CHAR array      | `$` text     |
 * |----------------------|----------------|-------------------------|---------------|-----------------|--------------|
 * | number, numbers      | refused        | if it fits              | index         | 0 to 255        | refused      |
 * | text                 | up to 39 bytes | refused                 | exact label   | UTF-8 and a NUL | the same     |
 * | texts                | each           | refused                 | refused       | refused         | refused      |
 *
 * A number on an array channel is its first element. Text never holds a NUL: there it would end.
 */
import { ValueKind } from '../../../contracts/values.ts';
import type { PutValues } from '../thread-messages.ts';
import { kindOfNative, Native, valueSize } from './dbr.ts';
import { copySwapped } from './swap.ts';

/** What a value is written to. */
export interface PutTarget {
  readonly native: number;
  readonly maxElements: number;
  /** A CHAR array whose name ends in `$`. */
  readonly longText: boolean;
  readonly labels: readonly string[] | undefined;
}

export interface EncodedPut {
  readonly count: number;
  /** Unpadded. */
  readonly payload: Buffer;
}

const textSize = valueSize[Native.string]!;
const noText = Buffer.alloc(0);
/** Single numbers are most of what is written: their payloads are used again and again. */
const single: readonly EncodedPut[] = Array.from(valueSize, (size) => ({ count: 1, payload: Buffer.alloc(size) }));

/** The payload for row `i` of `values`, good until the next one; undefined when it does not fit. */
export function encodePut(target: PutTarget, values: PutValues, i: number): EncodedPut | undefined {
  const kind = values.kind[i];
  if (kind === ValueKind.text) return encodeText(target, values, i);
  if (target.longText || target.native === Native.string || kind === ValueKind.none) return undefined;
  const array = values.bytes.get(i);
  if (array !== undefined) return encodeArray(target, kind as ValueKind, array);
  const value = values.num[i]!;
  if ((kind === ValueKind.int64 || kind === ValueKind.uint64) && !isExact(value, values.text.get(i))) return undefined;
  if (!fits(target.native, value)) return undefined;
  const encoded = single[target.native]!;
  writeNumber(encoded.payload, target.native, value, 0);
  return encoded;
}

function encodeText(target: PutTarget, values: PutValues, i: number): EncodedPut | undefined {
  const text = values.text.get(i);
  const bytes = values.bytes.get(i);
  const isArray = bytes !== undefined && !values.rawText.has(i);
  if (isArray) return target.native === Native.string ? encodeTexts(target, bytes) : undefined;
  if (text === undefined) return undefined;
  // S3: text that was not valid UTF-8 when it was read goes back byte for byte.
  const raw = bytes === undefined ? Buffer.from(text, 'utf8') : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (raw.includes(0)) return undefined;
  switch (target.native) {
    case Native.string:
      return raw.length < textSize ? { count: 1, payload: Buffer.concat([raw], textSize) } : undefined;
    case Native.char:
      if (!target.longText && target.maxElements <= 1) return undefined;
      return raw.length < target.maxElements ? { count: raw.length + 1, payload: Buffer.concat([raw], raw.length + 1) } : undefined;
    case Native.enum: {
      const index = target.labels?.indexOf(text) ?? -1;
      return index < 0 ? undefined : encodePut(target, { ...values, kind: Uint8Array.of(ValueKind.enum), num: Float64Array.of(index) }, 0);
    }
    default:
      return undefined;
  }
}

/** Texts separated by NUL. */
function encodeTexts(target: PutTarget, bytes: Uint8Array): EncodedPut | undefined {
  const parts: Uint8Array[] = [];
  for (let start = 0; ; ) {
    const end = bytes.indexOf(0, start);
    parts.push(bytes.subarray(start, end < 0 ? bytes.length : end));
    if (end < 0) break;
    start = end + 1;
  }
  if (parts.length > target.maxElements || parts.some((part) => part.length >= textSize)) return undefined;
  return { count: parts.length, payload: Buffer.concat(parts.map((part) => Buffer.concat([part], textSize))) };
}

function encodeArray(target: PutTarget, kind: ValueKind, array: Uint8Array): EncodedPut | undefined {
  const reader = readers[kind];
  if (reader === undefined || array.length % reader.size !== 0) return undefined;
  const count = array.length / reader.size;
  if (count > target.maxElements) return undefined;
  if (count === 0) return { count: 0, payload: noText };
  const size = valueSize[target.native]!;
  const payload = Buffer.allocUnsafe(count * size);
  if (kind === kindOfNative[target.native]) {
    copySwapped(array, 0, payload, 0, array.length, size);
    return { count, payload };
  }
  const view = new DataView(array.buffer, array.byteOffset, array.length);
  for (let i = 0; i < count; i++) {
    const value = reader.read(view, i * reader.size);
    if (value === undefined || !fits(target.native, value)) return undefined;
    writeNumber(payload, target.native, value, i * size);
  }
  return { count, payload };
}

interface Reader {
  readonly size: number;
  /** Undefined when a double cannot hold it. */
  read(view: DataView, at: number): number | undefined;
}

const exact = (value: bigint): number | undefined => (BigInt(Number(value)) === value ? Number(value) : undefined);

const readers: Partial<Record<ValueKind, Reader>> = {
  [ValueKind.int8]: { size: 1, read: (view, at) => view.getUint8(at) },
  [ValueKind.int16]: { size: 2, read: (view, at) => view.getInt16(at, true) },
  [ValueKind.int32]: { size: 4, read: (view, at) => view.getInt32(at, true) },
  [ValueKind.enum]: { size: 2, read: (view, at) => view.getUint16(at, true) },
  [ValueKind.float]: { size: 4, read: (view, at) => view.getFloat32(at, true) },
  [ValueKind.double]: { size: 8, read: (view, at) => view.getFloat64(at, true) },
  [ValueKind.int64]: { size: 8, read: (view, at) => exact(view.getBigInt64(at, true)) },
  [ValueKind.uint64]: { size: 8, read: (view, at) => exact(view.getBigUint64(at, true)) },
};

function isExact(value: number, decimal: string | undefined): boolean {
  if (decimal === undefined || !/^-?\d+$/.test(decimal)) return decimal === undefined;
  return exact(BigInt(decimal)) === value;
}

/** Whether a number can be held by a native type. */
export function fits(native: number, value: number): boolean {
  switch (native) {
    case Native.double: return true;
    case Native.float: return !Number.isFinite(value) || Number.isFinite(Math.fround(value));
    case Native.long: return Number.isInteger(value) && value >= -0x8000_0000 && value <= 0x7fff_ffff;
    case Native.short: return Number.isInteger(value) && value >= -0x8000 && value <= 0x7fff;
    case Native.enum: return Number.isInteger(value) && value >= 0 && value <= 0xffff;
    case Native.char: return Number.isInteger(value) && value >= 0 && value <= 0xff;
    default: return false;
  }
}

function writeNumber(to: Buffer, native: number, value: number, at: number): void {
  switch (native) {
    case Native.double: to.writeDoubleBE(value, at); return;
    case Native.float: to.writeFloatBE(value, at); return;
    case Native.long: to.writeInt32BE(value, at); return;
    case Native.short: to.writeInt16BE(value, at); return;
    case Native.enum: to.writeUInt16BE(value, at); return;
    default: to.writeUInt8(value, at);
  }
}
