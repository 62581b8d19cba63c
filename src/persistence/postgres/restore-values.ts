/** The values of a restore's rows, as they were kept: before, asked for, and read back. */
import { decodeFrame } from '../../contracts/frame.ts';
import { restoreReasonNames, restoreReasonSentences } from '../../contracts/restores.ts';
import type { ValueColumns } from '../../contracts/values.ts';
import type { Session } from './database.ts';

export interface RestoreValues {
  readonly before: ValueColumns;
  readonly target: ValueColumns;
  readonly after: ValueColumns;
}

/** A part is named by its restore and the number of its first row. */
export async function restoreValues(session: Session, parts: readonly { readonly restore: number; readonly first: number }[]): Promise<(restore: number, first: number) => RestoreValues> {
  const wanted = new Map(parts.map((part) => [`${part.restore}.${part.first}`, part]));
  const rows = wanted.size === 0 ? [] : await session.rows<{ restore: number; first_row: number; before_values: Buffer; target_values: Buffer; after_values: Buffer }>(
    'select restore, first_row, before_values, target_values, after_values from restore_part where (restore, first_row) in (select * from unnest($1::int4[], $2::int4[]))',
    [[...wanted.values()].map(({ restore }) => restore), [...wanted.values()].map(({ first }) => first)],
  );
  const columns = (bytes: Buffer): ValueColumns => decodeFrame(bytes).columns;
  const read = new Map(rows.map((row) => [`${row.restore}.${row.first_row}`, { before: columns(row.before_values), target: columns(row.target_values), after: columns(row.after_values) }]));
  return (restore, first) => read.get(`${restore}.${first}`)!;
}

/** Why a row ended as it did, in a sentence. */
export function reasonOf(why: number, code: number): { readonly name: (typeof restoreReasonNames)[number]; readonly sentence: string } {
  const name = restoreReasonNames[why] ?? 'none';
  return { name, sentence: `${restoreReasonSentences[name]}${code === 0 ? '' : ` (protocol error ${code})`}` };
}
