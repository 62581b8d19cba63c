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

export async function restoreValues(session: Session, numbers: readonly number[]): Promise<Map<number, RestoreValues>> {
  if (numbers.length === 0) return new Map();
  const rows = await session.rows<{ number: number; before_values: Buffer; target_values: Buffer; after_values: Buffer }>(
    'select number, before_values, target_values, after_values from restore where number = any($1)',
    [numbers],
  );
  const columns = (bytes: Buffer): ValueColumns => decodeFrame(bytes).columns;
  return new Map(rows.map((row) => [row.number, { before: columns(row.before_values), target: columns(row.target_values), after: columns(row.after_values) }]));
}

/** Why a row ended as it did, in a sentence. */
export function reasonOf(why: number, code: number): { readonly name: (typeof restoreReasonNames)[number]; readonly sentence: string } {
  const name = restoreReasonNames[why] ?? 'none';
  return { name, sentence: `${restoreReasonSentences[name]}${code === 0 ? '' : ` (protocol error ${code})`}` };
}
