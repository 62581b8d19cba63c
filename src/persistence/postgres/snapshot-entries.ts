/**
 * Which entries a snapshot is of, as it is told to the database. Setpoints go as numbers: tens of thousands
 * of entry ids take longer to send and to read than all the rows.
 */
import { intArray } from './packed.ts';

/** Of entry_version. */
export const asOf = (revision: number): string => `from_revision <= ${revision} and to_revision > ${revision}`;

/** By id, by the channels that are their setpoints, ascending; null = all there are. */
export type ChosenEntries = readonly string[] | { readonly setpoints: Int32Array } | null;

export interface EntryChoice {
  /** What goes with the two expressions as their parameter. */
  readonly value: string | null;
  /** Whether an entry is one of them. `$n` is the parameter's name. */
  condition(n: string): string;
  /** Their ids, null for all, as the table keeps them. */
  ids(n: string, revision: number): string;
}

export function choiceOf(entryIds: ChosenEntries): EntryChoice {
  if (entryIds === null || !('setpoints' in entryIds)) {
    return {
      value: entryIds === null ? null : `{${entryIds.join(',')}}`,
      condition: (n) => `(${n}::uuid[] is null or entry_id = any(${n}))`,
      ids: (n) => `${n}::uuid[]`,
    };
  }
  const chosen = (n: string): string => `(setpoint is not null and setpoint = any(${n}::int4[]))`;
  return {
    value: intArray(entryIds.setpoints),
    condition: chosen,
    // When it is every entry, it is kept as the snapshot of everything that it is.
    ids: (n, revision) => `(select case when bool_and(chosen) then null else coalesce(array_agg(entry_id) filter (where chosen), '{}') end
      from (select entry_id, ${chosen(n)} as chosen from entry_version where ${asOf(revision)}) e)`,
  };
}
