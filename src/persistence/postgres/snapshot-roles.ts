/** The channels of entries as a snapshot's catalogue knew them (S2), for comparison: one per entry and role, with its tolerances. */
import type { CompareOptions, NamedRole } from '../port.ts';
import type { Session } from './database.ts';
import { intArray } from './packed.ts';
import { entriesThen } from './snapshot-page.ts';
import type { SnapshotRow } from './snapshot-rows.ts';

export const roleNames = ['setpoint', 'readback', 'config'] as const;

/** Tolerances of the request go before those of the catalogue. */
const toleranceThen = ({ abs, rel }: NonNullable<CompareOptions['tolerance']>): string =>
  `${abs === undefined ? 'v.abs_tolerance' : `'${abs}'::float8 as abs_tolerance`}, ${rel === undefined ? 'v.rel_tolerance' : `'${rel}'::float8 as rel_tolerance`}`;

/** `conditions`: of entry-filter.ts, with the prefix `v.`. */
export const rolesThen = (snapshot: SnapshotRow, conditions: readonly string[], tolerance: CompareOptions['tolerance'] = {}): string =>
  roleNames
    .map((role, index) => `select v.id, v.entry_id, ${index} as role, v.${role} as channel, ${toleranceThen(tolerance)}
      from ${entriesThen} where ${[`s.number = ${snapshot.number}`, `v.${role} is not null`, ...conditions].join(' and ')}`)
    .join(' union all ');

interface VersionRow {
  readonly id: number;
  readonly entry_id: string;
  readonly abs_tolerance: number;
  readonly rel_tolerance: number;
  readonly setpoint_name: string | null;
  readonly readback_name: string | null;
  readonly config_name: string | null;
}

/** What stands behind ids of entry_version and indices of roleNames. */
export async function nameRoles(session: Session, versions: Int32Array, roles: Int32Array): Promise<(NamedRole & { abs: number; rel: number })[]> {
  const entries = await session.rows<VersionRow>(
    'select id, entry_id, abs_tolerance, rel_tolerance, setpoint_name, readback_name, config_name from entry_version where id = any($1::int4[])',
    [intArray([...new Set(versions)])],
  );
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  return Array.from(versions, (version, i) => {
    const entry = byId.get(version)!;
    const role = roleNames[roles[i]!]!;
    return { entryId: entry.entry_id, role, name: entry[`${role}_name`]!, abs: entry.abs_tolerance, rel: entry.rel_tolerance };
  });
}
