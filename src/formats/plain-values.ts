/** Values in formats that have no types: what looks like a number is one, the rest is text. */
import { ValueKind, type ValueColumns } from '../contracts/values.ts';
import { numericElements, textElements } from '../snapshots/arrays.ts';
import type { FileValue } from './snapshot-file.ts';

/** No leading zeros and no plus sign: such texts are identifiers rather than numbers. */
const decimal = /^-?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const wholeNumber = /^-?(?:0|[1-9]\d*)$/;
const notFinite = /^[-+]?(?:nan|inf|infinity)$/i;

const int64 = { low: -(2n ** 63n), high: 2n ** 63n - 1n };
const uint64High = 2n ** 64n - 1n;

export const looksLikeNumber = (text: string): boolean => decimal.test(text) || notFinite.test(text);

export function numberOf(text: string): number {
  if (!notFinite.test(text)) return Number(text);
  if (/nan/i.test(text)) return Number.NaN;
  return text.startsWith('-') ? -Infinity : Infinity;
}

/** Whole numbers that no double holds exactly keep all their digits (S3). */
export function exactInteger(text: string): FileValue | undefined {
  if (text.length < 16 || !wholeNumber.test(text) || Number.isSafeInteger(Number(text))) return undefined;
  const exact = BigInt(text);
  if (exact >= int64.low && exact <= int64.high) return { kind: ValueKind.int64, num: Number(text), text };
  return exact > 0n && exact <= uint64High ? { kind: ValueKind.uint64, num: Number(text), text } : undefined;
}

export function plainScalar(text: string): FileValue {
  if (!looksLikeNumber(text)) return { kind: ValueKind.text, text };
  return exactInteger(text) ?? { kind: ValueKind.double, num: numberOf(text) };
}

export function plainArray(texts: readonly string[]): FileValue {
  if (!texts.every(looksLikeNumber)) return textArray(texts);
  const exact = texts.map(exactInteger);
  if (exact.every((value) => value === undefined)) return { kind: ValueKind.double, bytes: bytesOf(Float64Array.from(texts, numberOf)) };
  if (!texts.every((text) => wholeNumber.test(text))) return { kind: ValueKind.double, bytes: bytesOf(Float64Array.from(texts, numberOf)) };
  if (exact.some((value) => value?.kind === ValueKind.uint64)) return { kind: ValueKind.uint64, bytes: bytesOf(BigUint64Array.from(texts, BigInt)) };
  return { kind: ValueKind.int64, bytes: bytesOf(BigInt64Array.from(texts, BigInt)) };
}

export const textArray = (texts: readonly string[]): FileValue => ({ kind: ValueKind.text, bytes: new TextEncoder().encode(texts.join('\0')) });

export const bytesOf = (elements: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }): Uint8Array => new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);

/** As few digits as bring the same double back. */
export function plainNumber(value: number | bigint): string {
  if (typeof value === 'bigint') return String(value);
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (Object.is(value, -0)) return '-0';
  // With an exponent, a large double is not taken for a 64-bit integer.
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
}

/** A row's value taken apart: what every writer asks first. */
export type RowValue =
  | { readonly is: 'text'; readonly text: string; readonly raw: Uint8Array | undefined }
  | { readonly is: 'number'; readonly number: number | bigint }
  | { readonly is: 'numbers'; readonly numbers: readonly (number | bigint)[] }
  | { readonly is: 'texts'; readonly texts: readonly string[] };

export function rowValue(columns: ValueColumns, row: number): RowValue {
  const kind = columns.kind[row]!;
  const bytes = columns.bytes.get(row);
  if (bytes !== undefined && !columns.rawText.has(row)) {
    const numbers = numericElements(kind, bytes);
    return numbers === undefined ? { is: 'texts', texts: textElements(bytes) } : { is: 'numbers', numbers: Array.from(numbers as ArrayLike<number | bigint>) };
  }
  if (kind === ValueKind.text) return { is: 'text', text: columns.text.get(row) ?? '', raw: columns.rawText.has(row) ? bytes : undefined };
  const exact = kind === ValueKind.int64 || kind === ValueKind.uint64 ? columns.text.get(row) : undefined;
  return { is: 'number', number: exact === undefined ? columns.num[row]! : BigInt(exact) };
}
