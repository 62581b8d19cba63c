/** Compared values as rows of an answer. */
import { z } from 'zod';
import { jsonValue } from '../../contracts/restores.ts';
import { ReadOutcome, ValueKind, type ChannelMeta, type ValueColumns } from '../../contracts/values.ts';
import type { NamedRole } from '../../persistence/port.ts';
import { elementBytes } from '../../snapshots/arrays.ts';
import { rowOfChannel, sideNames } from '../../snapshots/compare-columns.ts';
import { compareArrays, compareRows, numericDifference, type Tolerance } from '../../snapshots/compare.ts';
import { jsonNumber, jsonValueOf } from '../../snapshots/json-values.ts';
import { readReason } from '../value-json.ts';

const verdict = z.enum(['same', 'differs', 'onlyIn1', 'onlyIn2', 'missing']);
const number = z.union([z.number(), z.string()]);

const arrayDifference = z.object({
  count: z.number().int().describe('elements that differ; with another length, those that one side alone has count'),
  first: z.number().int().describe('index of the first of them'),
  worst: z.number().int().describe('index of the one that differs most'),
  worstDifference: number.describe('|value2 - value1| there; "Infinity" where it cannot be told as a number'),
  length1: z.number().int(),
  length2: z.number().int(),
});

const named = {
  pvId: z.string(),
  pvName: z.string().describe('name of the channel'),
  role: z.enum(['setpoint', 'readback', 'config']).describe('which channel of the entry'),
  units: z.string().nullable(),
  absTolerance: z.number().describe('as applied'),
  relTolerance: z.number().describe('as applied'),
};

export const comparedPair = z.object({
  ...named,
  verdict: verdict.describe('onlyIn1: the second has no value for it; missing: neither has'),
  value1: jsonValue,
  value2: jsonValue,
  enumLabel1: z.string().nullable(),
  enumLabel2: z.string().nullable(),
  difference: number.nullable().describe('value2 - value1 of numbers, in units; else null'),
  array: arrayDifference.nullable().describe('of two numeric arrays; else null'),
  reason: z.string().nullable().describe('why a side has no value'),
  withinTolerance: z.boolean(),
});

export const comparedMany = z.object({
  ...named,
  values: z.array(jsonValue),
  enumLabels: z.array(z.string().nullable()),
  verdicts: z.array(verdict).describe('of each against the first; the first is same, or missing when it has no value'),
  differences: z.array(number.nullable()).describe('of numbers, from the first'),
});

type MetaSource = Pick<ReadonlyMap<bigint, ChannelMeta>, 'get'>;

export interface Shown {
  readonly first: ValueColumns;
  readonly second: ValueColumns;
  readonly metas: MetaSource;
}

const hasValue = (columns: ValueColumns, row: number): boolean => row >= 0 && columns.outcome[row] === ReadOutcome.ok;
const metaOf = (columns: ValueColumns, row: number, metas: MetaSource): ChannelMeta | undefined => (hasValue(columns, row) ? metas.get(columns.metaHash[row]!) : undefined);

function labelOf(columns: ValueColumns, row: number, metas: MetaSource): string | null {
  if (!hasValue(columns, row) || columns.kind[row] !== ValueKind.enum || columns.bytes.has(row)) return null;
  return metaOf(columns, row, metas)?.labels?.[columns.num[row]!] ?? null;
}

function differenceOf(a: ValueColumns, rowA: number, b: ValueColumns, rowB: number): number | string | null {
  const difference = numericDifference(a, rowA, b, rowB);
  return difference === null ? null : jsonNumber(difference);
}

export function pairRow({ entryId, role, name }: NamedRole, rowA: number, rowB: number, tolerance: Tolerance, { first, second, metas }: Shown): z.output<typeof comparedPair> {
  const said = compareRows(first, rowA, second, rowB, tolerance, (hash) => metas.get(hash));
  return {
    pvId: entryId,
    pvName: name,
    role,
    verdict: sideNames[said],
    value1: jsonValueOf(first, rowA),
    value2: jsonValueOf(second, rowB),
    enumLabel1: labelOf(first, rowA, metas),
    enumLabel2: labelOf(second, rowB, metas),
    difference: differenceOf(first, rowA, second, rowB),
    array: arrayOf(first, rowA, second, rowB, tolerance),
    units: (metaOf(first, rowA, metas) ?? metaOf(second, rowB, metas))?.units ?? null,
    reason: whyNone(first, rowA) ?? whyNone(second, rowB),
    absTolerance: tolerance.abs,
    relTolerance: tolerance.rel,
    withinTolerance: said === 'same',
  };
}

export function manyRow({ entryId, role, name }: NamedRole, channel: number, columns: readonly ValueColumns[], tolerance: Tolerance, metas: MetaSource): z.output<typeof comparedMany> {
  const [first] = columns as [ValueColumns];
  const sides = columns.map((one) => ({ one, row: rowOfChannel(one, channel) }));
  const rowA = sides[0]!.row;
  return {
    pvId: entryId,
    pvName: name,
    role,
    units: sides.map(({ one, row }) => metaOf(one, row, metas)?.units).find((units) => units !== undefined) ?? null,
    absTolerance: tolerance.abs,
    relTolerance: tolerance.rel,
    values: sides.map(({ one, row }) => jsonValueOf(one, row)),
    enumLabels: sides.map(({ one, row }) => labelOf(one, row, metas)),
    verdicts: sides.map(({ one, row }, at) => (at === 0 ? (hasValue(one, row) ? 'same' : 'missing') : sideNames[compareRows(first, rowA, one, row, tolerance, (hash) => metas.get(hash))])),
    differences: sides.map(({ one, row }) => differenceOf(first, rowA, one, row)),
  };
}

function arrayOf(a: ValueColumns, rowA: number, b: ValueColumns, rowB: number, tolerance: Tolerance): z.output<typeof arrayDifference> | null {
  const bytesA = hasValue(a, rowA) ? a.bytes.get(rowA) : undefined;
  const bytesB = hasValue(b, rowB) ? b.bytes.get(rowB) : undefined;
  if (bytesA === undefined || bytesB === undefined) return null;
  const [kindA, kindB] = [a.kind[rowA]! as ValueKind, b.kind[rowB]! as ValueKind];
  if (kindA === ValueKind.text || kindB === ValueKind.text) return null;
  const { count, first, worst, worstDifference } = compareArrays(kindA, bytesA, kindB, bytesB, tolerance);
  return { count, first, worst, worstDifference: jsonNumber(worstDifference), length1: bytesA.byteLength / elementBytes[kindA], length2: bytesB.byteLength / elementBytes[kindB] };
}

/** Null when there is a value. */
function whyNone(columns: ValueColumns, row: number): string | null {
  if (row < 0) return 'the snapshot did not capture it';
  return columns.outcome[row] === ReadOutcome.ok ? null : readReason(columns.outcome[row]!, columns.code[row]!);
}
