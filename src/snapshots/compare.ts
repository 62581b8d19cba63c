/**
 * When two values are the same. One rule for API, CLI and restore, symmetric:
 * - numbers: |a-b| <= abs, or |a-b| <= rel * max(|a|, |b|). NaN equals NaN; an infinity equals itself alone.
 *   A positive `abs` gets two units in the last place of the larger number, so that 1.1 is within 0.1 of 1.0;
 * - 64-bit integers exactly, beyond 2^53 too, unless a tolerance is given;
 * - enums by label, by index where a label is not known;
 * - arrays element by element with the same tolerances; another length differs;
 * - text byte for byte; text never equals a number;
 * - no value on one side differs, and the side is named; no value on both is `missing`: neither same nor different.
 */
import { ReadOutcome, ValueKind, type ChannelMeta, type ValueColumns } from '../contracts/values.ts';
import { numericElements, type NumericElements } from './arrays.ts';

export interface Tolerance {
  readonly abs: number;
  readonly rel: number;
}

export type Verdict = 'same' | 'differs' | 'onlyInA' | 'onlyInB' | 'missing';

const twoUlp = 2 * Number.EPSILON;

/** The rule for numbers. */
export function sameNumber(a: number, b: number, tolerance: Tolerance): boolean {
  if (a === b) return true;
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  if (!Number.isFinite(a) || !Number.isFinite(b)) return false;
  const difference = Math.abs(a - b);
  const larger = Math.max(Math.abs(a), Math.abs(b));
  if (tolerance.abs > 0 && difference <= tolerance.abs + twoUlp * larger) return true;
  return tolerance.rel > 0 && difference <= tolerance.rel * larger;
}

export type MetaOf = (hash: bigint) => ChannelMeta | undefined;

/** Compares row `rowA` of `a` with row `rowB` of `b`; -1 = not there. */
export function compareRows(a: ValueColumns, rowA: number, b: ValueColumns, rowB: number, tolerance: Tolerance, metaOf: MetaOf): Verdict {
  const inA = rowA >= 0 && a.outcome[rowA] === ReadOutcome.ok;
  const inB = rowB >= 0 && b.outcome[rowB] === ReadOutcome.ok;
  if (!inA || !inB) return inA === inB ? 'missing' : inA ? 'onlyInA' : 'onlyInB';
  return sameValue(a, rowA, b, rowB, tolerance, metaOf) ? 'same' : 'differs';
}

function sameValue(a: ValueColumns, rowA: number, b: ValueColumns, rowB: number, tolerance: Tolerance, metaOf: MetaOf): boolean {
  const kindA = a.kind[rowA]!;
  const kindB = b.kind[rowB]!;
  const bytesA = a.bytes.get(rowA);
  const bytesB = b.bytes.get(rowB);
  const isText = kindA === ValueKind.text;
  if (isText !== (kindB === ValueKind.text)) return false;
  if (bytesA !== undefined || bytesB !== undefined) {
    if (bytesA === undefined || bytesB === undefined) return false;
    if (kindA === kindB && sameBytes(bytesA, bytesB)) return true;
    return !isText && compareArrays(kindA, bytesA, kindB, bytesB, tolerance).count === 0;
  }
  if (isText) return (a.text.get(rowA) ?? '') === (b.text.get(rowB) ?? '');
  if (kindA === ValueKind.enum && kindB === ValueKind.enum) {
    const labelA = metaOf(a.metaHash[rowA]!)?.labels?.[a.num[rowA]!];
    const labelB = metaOf(b.metaHash[rowB]!)?.labels?.[b.num[rowB]!];
    return labelA !== undefined && labelB !== undefined ? labelA === labelB : a.num[rowA] === b.num[rowB];
  }
  const wideA = wideInteger(a, rowA);
  const wideB = wideInteger(b, rowB);
  if (wideA !== undefined && wideB !== undefined) {
    if (wideA === wideB) return true;
    if (tolerance.abs === 0 && tolerance.rel === 0) return false;
  }
  return sameNumber(a.num[rowA]!, b.num[rowB]!, tolerance);
}

/** The exact integer of a 64-bit row. */
function wideInteger(columns: ValueColumns, row: number): bigint | undefined {
  const kind = columns.kind[row];
  if (kind !== ValueKind.int64 && kind !== ValueKind.uint64) return undefined;
  const text = columns.text.get(row);
  return text === undefined ? undefined : BigInt(text);
}

export interface ArrayDifference {
  /** Elements that differ; with another length, every element that only one side has counts. */
  readonly count: number;
  /** Index of the first and of the worst one, -1 if none. */
  readonly first: number;
  readonly worst: number;
  /** |a-b| at `worst`; Infinity where it cannot be told as a number. */
  readonly worstDifference: number;
}

export function compareArrays(kindA: number, bytesA: Uint8Array, kindB: number, bytesB: Uint8Array, tolerance: Tolerance): ArrayDifference {
  const a = numericElements(kindA, bytesA);
  const b = numericElements(kindB, bytesB);
  let count = 0;
  let first = -1;
  let worst = -1;
  let worstDifference = 0;
  const found = (index: number, difference: number): void => {
    count += 1;
    if (first < 0) first = index;
    if (worst < 0 || difference > worstDifference) {
      worst = index;
      worstDifference = difference;
    }
  };
  if (a === undefined || b === undefined) return sameBytes(bytesA, bytesB) ? none : { count: 1, first: 0, worst: 0, worstDifference: Infinity };
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) {
    if (a[i] === b[i]) continue;
    const x = Number(a[i]);
    const y = Number(b[i]);
    const exact = bothWide(a, b) && tolerance.abs === 0 && tolerance.rel === 0;
    if (exact || !sameNumber(x, y, tolerance)) found(i, Number.isNaN(x - y) ? Infinity : Math.abs(x - y));
  }
  for (let i = common; i < Math.max(a.length, b.length); i++) found(i, Infinity);
  return count === 0 ? none : { count, first, worst, worstDifference };
}

const none: ArrayDifference = { count: 0, first: -1, worst: -1, worstDifference: 0 };

const bothWide = (a: NumericElements, b: NumericElements): boolean => typeof a[0] === 'bigint' && typeof b[0] === 'bigint';

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && Buffer.compare(a, b) === 0;

/** b - a for scalar numbers, else null. */
export function numericDifference(a: ValueColumns, rowA: number, b: ValueColumns, rowB: number): number | null {
  if (rowA < 0 || rowB < 0 || a.outcome[rowA] !== ReadOutcome.ok || b.outcome[rowB] !== ReadOutcome.ok) return null;
  if (a.kind[rowA] === ValueKind.text || b.kind[rowB] === ValueKind.text || a.bytes.has(rowA) || b.bytes.has(rowB)) return null;
  return b.num[rowB]! - a.num[rowA]!;
}
