/** The rule of compare.ts over whole columns: tens of thousands of channels at once, against live values or several snapshots. */
import { ReadOutcome, ValueKind, type ValueColumns } from '../contracts/values.ts';
import { compareRows, sameNumber, type MetaOf, type Verdict } from './compare.ts';

/** What to compare: a channel may stand here several times, with the tolerances of each entry that names it. */
export interface ComparedChannels {
  readonly channel: Int32Array;
  readonly abs: Float64Array;
  readonly rel: Float64Array;
}

export interface ColumnComparison {
  /** Rows of `channels` that at least one side holds, in their order; with `all` false only those that differ. */
  readonly rows: number[];
  readonly matchCount: number;
  readonly differenceCount: number;
  /** Of those: no two values differ, and one of the others has none. */
  readonly onlyIn1Count: number;
  /** Of those: no two values differ, and only the first has none. */
  readonly onlyIn2Count: number;
  /** Without a value on every side. */
  readonly missingCount: number;
}

export const rowOfChannel = (columns: ValueColumns, channel: number): number => indexIn(columns.channel, channel);

/** Each of `others` against `first`; columns ascending by channel. A channel differs when any of them does. */
export function compareColumns(channels: ComparedChannels, first: ValueColumns, others: readonly ValueColumns[], metaOf: MetaOf, all = false): ColumnComparison {
  const rows: number[] = [];
  let matchCount = 0;
  let differenceCount = 0;
  let onlyIn1Count = 0;
  let onlyIn2Count = 0;
  let missingCount = 0;
  const a = sideOf(first);
  const sides = others.map(sideOf);
  for (let at = 0; at < channels.channel.length; at++) {
    const channel = channels.channel[at]!;
    const tolerance = { abs: channels.abs[at]!, rel: channels.rel[at]! };
    const rowA = a.find(channel);
    let held = rowA >= 0;
    let differs = false;
    let changed = false;
    let gone = false;
    let missing = true;
    for (const b of sides) {
      const rowB = b.find(channel);
      held ||= rowB >= 0;
      const plain = rowA >= 0 && rowB >= 0 ? a.plain[rowA]! & b.plain[rowB]! : 0;
      const verdict: Verdict =
        plain === asNumber ? (sameNumber(first.num[rowA]!, b.columns.num[rowB]!, tolerance) ? 'same' : 'differs')
        : plain === asIndex && sameIndex(a, rowA, b, rowB) ? 'same'
        : compareRows(first, rowA, b.columns, rowB, tolerance, metaOf);
      missing &&= verdict === 'missing';
      changed ||= verdict === 'differs';
      gone ||= verdict === 'onlyInA';
      differs ||= verdict !== 'same' && verdict !== 'missing';
    }
    if (!held) continue;
    if (differs) {
      differenceCount += 1;
      if (!changed && gone) onlyIn1Count += 1;
      else if (!changed) onlyIn2Count += 1;
    } else if (missing) missingCount += 1;
    else matchCount += 1;
    if (differs || all) rows.push(at);
  }
  return { rows, matchCount, differenceCount, onlyIn1Count, onlyIn2Count, missingCount };
}

/** What of the rule can be told by the number alone, bits of `plain`. */
const asNumber = 1;
const asIndex = 2;
const plainKinds: readonly number[] = [ValueKind.int8, ValueKind.int16, ValueKind.int32, ValueKind.float, ValueKind.double];

interface Side {
  readonly columns: ValueColumns;
  readonly plain: Uint8Array;
  readonly hashes: Int32Array;
  find(channel: number): number;
}

function sideOf(columns: ValueColumns): Side {
  const { length, outcome, kind, channel: ids, metaHash } = columns;
  // Most rows are a number and nothing else: to know that saves a look into the maps, for each.
  const plain = new Uint8Array(length);
  const plainOf = Uint8Array.from({ length: 256 }, (_, of) => (plainKinds.includes(of) ? asNumber : of === ValueKind.enum ? asIndex : 0));
  for (let row = 0; row < length; row++) if (outcome[row] === ReadOutcome.ok) plain[row] = plainOf[kind[row]!]!;
  for (const row of columns.bytes.keys()) plain[row] = 0;
  // Entries stand by name, and channels were mostly named in that order.
  let next = 0;
  const find = (channel: number): number => {
    const row = ids[next] === channel ? next : indexIn(ids, channel);
    if (row >= 0) next = row + 1;
    return row;
  };
  return { columns, plain, hashes: new Int32Array(metaHash.buffer, metaHash.byteOffset, length * 2), find };
}

/** The same index under the same description has the same label. By halves: a BigInt per row is dear. */
const sameIndex = (a: Side, rowA: number, b: Side, rowB: number): boolean =>
  a.columns.num[rowA] === b.columns.num[rowB] && a.hashes[2 * rowA] === b.hashes[2 * rowB] && a.hashes[2 * rowA + 1] === b.hashes[2 * rowB + 1];

/** For people: which side has no value, of the first and the second that are shown. */
export const sideNames: Record<Verdict, 'same' | 'differs' | 'onlyIn1' | 'onlyIn2' | 'missing'> = { same: 'same', differs: 'differs', onlyInA: 'onlyIn1', onlyInB: 'onlyIn2', missing: 'missing' };

/** Where `id` stands in ascending `ids`, else -1. */
export function indexIn(ids: Int32Array, id: number): number {
  let low = 0;
  let high = ids.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const there = ids[middle]!;
    if (there === id) return middle;
    if (there < id) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
