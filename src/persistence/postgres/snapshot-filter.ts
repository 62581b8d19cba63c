/** What snapshots know of the names in a filter, as they were then (S2): a name that nothing had is a mistake, not an empty choice. */
import type { Database } from './database.ts';
import { entriesThen } from './snapshot-page.ts';
import { readSnapshot } from './snapshot-rows.ts';
import { isUuid } from './uuid.ts';

export async function readDevicesThen(database: Database, ids: readonly string[], devices: readonly string[]): Promise<string[]> {
  const numbers: number[] = [];
  for (const id of ids) numbers.push((await readSnapshot(database, id)).number);
  const rows = await database.rows<{ device: string }>(`select distinct v.device from ${entriesThen} where s.number = any($1::int4[]) and v.device = any($2::text[])`, [numbers, devices]);
  return rows.map((row) => row.device);
}

export async function readTagsThen(database: Database, tagIds: readonly string[]): Promise<string[]> {
  const wanted = tagIds.filter(isUuid);
  if (wanted.length === 0) return [];
  const rows = await database.rows<{ id: string }>('select id from unnest($1::uuid[]) wanted(id) where exists (select from snapshot where tags @> array[wanted.id])', [wanted]);
  return rows.map((row) => row.id);
}
