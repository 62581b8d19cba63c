/** The values of a restore's rows, as they were kept: before, asked for, and read back. */
import { decodeFrame } from '../../contracts/frame.ts';
import type { JsonValue, RestoreReason } from '../../contracts/restores.ts';
import type { ChannelMeta, ValueColumns } from '../../contracts/values.ts';
import { jsonValueOf } from '../../snapshots/json-values.ts';
import { reasonName, restoreSentence } from '../../snapshots/restore-sentence.ts';
import type { Session } from './database.ts';
import type { MetaTable } from './metas.ts';

interface RestoreValues {
  readonly before: ValueColumns;
  readonly target: ValueColumns;
  readonly after: ValueColumns;
}

/** A part is named by its restore and the number of its first row. */
async function restoreValues(session: Session, parts: readonly { readonly restore: number; readonly first: number }[]): Promise<(restore: number, first: number) => RestoreValues> {
  const wanted = new Map(parts.map((part) => [`${part.restore}.${part.first}`, part]));
  const rows = wanted.size === 0 ? [] : await session.rows<{ restore: number; first_row: number; before_values: Buffer; target_values: Buffer; after_values: Buffer }>(
    'select restore, first_row, before_values, target_values, after_values from restore_part where (restore, first_row) in (select * from unnest($1::int4[], $2::int4[]))',
    [[...wanted.values()].map(({ restore }) => restore), [...wanted.values()].map(({ first }) => first)],
  );
  const columns = (bytes: Buffer): ValueColumns => decodeFrame(bytes).columns;
  const read = new Map(rows.map((row) => [`${row.restore}.${row.first_row}`, { before: columns(row.before_values), target: columns(row.target_values), after: columns(row.after_values) }]));
  return (restore, first) => read.get(`${restore}.${first}`)!;
}

export interface EndedRow {
  readonly restore: number;
  readonly row: number;
  /** Of its part. */
  readonly first: number;
  readonly why: number;
  readonly code: number;
}

/** What is told of these rows, in their order: their values, and why they ended as they did, as name and sentence. */
export async function tellRows(session: Session, metas: MetaTable, rows: readonly EndedRow[]): Promise<{ readonly before: JsonValue; readonly target: JsonValue; readonly after: JsonValue; readonly why: RestoreReason; readonly sentence: string }[]> {
  const valuesOf = await restoreValues(session, rows);
  const placed = rows.map(({ restore, row, first, why, code }) => ({ ...valuesOf(restore, first), at: row - first, why: reasonName(why), code }));
  const hashes = new Set(placed.flatMap(({ before, target, at, why }) => (why === 'none' ? [] : [before.metaHash[at]!, target.metaHash[at]!])));
  const known = await metas.read(hashes);
  const metaOf = (hash: bigint): ChannelMeta | undefined => known.get(hash);
  return placed.map(({ before, target, after, at, why, code }) => ({
    before: jsonValueOf(before, at), target: jsonValueOf(target, at), after: jsonValueOf(after, at), why, sentence: restoreSentence(why, code, { target, live: before, row: at, metaOf }),
  }));
}
