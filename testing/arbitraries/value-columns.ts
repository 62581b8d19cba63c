/** Random rows of every kind, the awkward ones included, for property tests. */
import fc from 'fast-check';
import { emptyValueColumns, ReadOutcome, readOutcomeNames, ValueKind, type ValueColumns } from '../../src/contracts/values.ts';

export interface AnyRow {
  readonly kind: ValueKind;
  readonly outcome: number;
  readonly severity: number;
  readonly status: number;
  readonly timeNs: bigint;
  readonly metaHash: bigint;
  readonly num: number;
  readonly text?: string;
  readonly bytes?: Uint8Array;
  readonly rawText?: boolean;
}

/** NaN, infinities, -0 and denormals come up often, as on machines. */
const double = fc.oneof(fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 5e-324, Number.MAX_VALUE, 2 ** 53, -1, 1));
const integer = (low: number, high: number): fc.Arbitrary<number> => fc.oneof(fc.integer({ min: low, max: high }), fc.constantFrom(low, high, 0));
const words = fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => text.replaceAll('\0', ''));
const word = fc.string({ maxLength: 12 }).map((text) => text.replaceAll('\0', ''));

function arrayOf(kind: ValueKind, elementSize: number): fc.Arbitrary<Partial<AnyRow>> {
  return fc.array(fc.uint8Array({ minLength: elementSize, maxLength: elementSize }), { maxLength: 20 }).map((elements) => ({ kind, num: 0, bytes: Uint8Array.from(elements.flatMap((element) => [...element])) }));
}

const value: fc.Arbitrary<Partial<AnyRow>> = fc.oneof(
  double.map((num) => ({ kind: ValueKind.double, num })),
  double.map((num) => ({ kind: ValueKind.float, num: Math.fround(num) })),
  integer(-128, 127).map((num) => ({ kind: ValueKind.int8, num })),
  integer(-32768, 32767).map((num) => ({ kind: ValueKind.int16, num })),
  integer(-2147483648, 2147483647).map((num) => ({ kind: ValueKind.int32, num })),
  integer(0, 15).map((num) => ({ kind: ValueKind.enum, num })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((exact) => ({ kind: ValueKind.int64, num: Number(exact), text: String(exact) })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((exact) => ({ kind: ValueKind.uint64, num: Number(exact), text: String(exact) })),
  words.map((text) => ({ kind: ValueKind.text, num: 0, text })),
  fc.uint8Array({ minLength: 1, maxLength: 10 }).map((bytes) => ({ kind: ValueKind.text, num: 0, bytes, text: 'unreadable \ufffd', rawText: true })),
  arrayOf(ValueKind.int8, 1),
  arrayOf(ValueKind.int16, 2),
  arrayOf(ValueKind.enum, 2),
  arrayOf(ValueKind.int32, 4),
  arrayOf(ValueKind.float, 4),
  arrayOf(ValueKind.double, 8),
  fc.array(word, { maxLength: 5 }).map((texts) => ({ kind: ValueKind.text, num: 0, bytes: new TextEncoder().encode(texts.join('\0')) })),
);

export const anyRow: fc.Arbitrary<AnyRow> = fc
  .tuple(value, fc.record({ severity: integer(0, 3), status: integer(0, 21), timeNs: fc.bigInt({ min: 0n, max: 2n ** 62n }), metaHash: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }), fc.integer({ min: 0, max: 9 }), integer(2, readOutcomeNames.length - 1))
  .map(([some, rest, dice, failure]) =>
    dice === 0
      ? { kind: ValueKind.none, num: 0, outcome: failure, severity: 0, status: 0, timeNs: 0n, metaHash: 0n }
      : ({ outcome: ReadOutcome.ok, ...rest, ...some } as AnyRow),
  );

export function columnsOf(rows: readonly AnyRow[]): ValueColumns {
  const columns = emptyValueColumns(rows.length);
  rows.forEach((row, i) => {
    columns.channel[i] = i + 1;
    columns.kind[i] = row.kind;
    columns.outcome[i] = row.outcome;
    columns.severity[i] = row.severity;
    columns.status[i] = row.status;
    columns.timeNs[i] = row.timeNs;
    columns.metaHash[i] = row.metaHash;
    columns.num[i] = row.num;
    if (row.text !== undefined) columns.text.set(i, row.text);
    if (row.bytes !== undefined) columns.bytes.set(i, row.bytes);
    if (row.rawText) columns.rawText.add(i);
  });
  return columns;
}

export const anyColumns: fc.Arbitrary<ValueColumns> = fc.array(anyRow, { maxLength: 40 }).map(columnsOf);
