/** Values as JSON (docs/values.md). JSON has no NaN and no infinities: they are the strings "NaN", "Infinity", "-Infinity". */
import type { JsonValue } from '../contracts/restores.ts';
import { ReadOutcome, ValueKind, type ChannelMeta, type ValueColumns } from '../contracts/values.ts';
import { numericElements, textElements } from './arrays.ts';

export const jsonNumber = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

/** Integers are numbers as long as a double holds them exactly, else decimal strings. */
const jsonInteger = (value: bigint): number | string =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);

/** A description as an object for JSON: a limit that is open is a string, not the null that JSON would make of it (S3). */
export function jsonMeta(meta: ChannelMeta): object {
  const limits = (['display', 'control', 'warning', 'alarm'] as const).flatMap((name) => {
    const found = meta[name];
    return found ? [[name, { low: jsonNumber(found.low), high: jsonNumber(found.high) }]] : [];
  });
  return { ...meta, ...Object.fromEntries(limits) };
}

/** The value of a row; null when it has none. Enums are their index; their label is in the description. */
export function jsonValueOf(columns: ValueColumns, row: number): JsonValue {
  if (row < 0 || columns.outcome[row] !== ReadOutcome.ok) return null;
  const kind = columns.kind[row]!;
  const bytes = columns.bytes.get(row);
  if (bytes !== undefined && !columns.rawText.has(row)) {
    const numbers = numericElements(kind, bytes);
    return numbers === undefined ? textElements(bytes) : Array.from(numbers as ArrayLike<number | bigint>, (n) => (typeof n === 'bigint' ? jsonInteger(n) : jsonNumber(n)));
  }
  if (kind === ValueKind.text) return columns.text.get(row) ?? '';
  const exact = columns.text.get(row);
  if (exact !== undefined) return jsonInteger(BigInt(exact));
  return jsonNumber(columns.num[row]!);
}
