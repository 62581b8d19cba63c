/** A snapshot as its entries, for people: what the catalogue said then (S2), and the rows. Reads only, whatever the limit. */
import { DreyError } from '../../contracts/errors.ts';
import { distinctHashes } from '../../contracts/values.ts';
import type { SnapshotCell, SnapshotEntryRow, SnapshotPage } from '../port.ts';
import { entryThenColumns, entryThenOrder, tagSeparator, type CatalogueThen, type EntryThen } from './catalogue-then.ts';
import type { Database } from './database.ts';
import type { KeptValues } from './kept-values.ts';
import type { MetaTable } from './metas.ts';
import { indexIn } from './packed.ts';
import { readSnapshot, summaryOf, type SnapshotRow } from './snapshot-rows.ts';
import { readValues } from './snapshot-values.ts';
import { likePattern } from './text-search.ts';

/** What reading snapshots takes. */
export interface SnapshotReaders {
  readonly database: Database;
  readonly catalogueThen: CatalogueThen;
  readonly keptValues: KeptValues;
  readonly metas: MetaTable;
}

/** The entries of snapshot `s` as they stood when it was taken. */
export const entriesThen = `snapshot s cross join lateral (
  -- Joined, not looked up: = any of a column's array goes through all of it for each entry, 40 s for 40,000.
  select w.* from entry_version w left join unnest(s.entry_ids) chosen(id) on chosen.id = w.entry_id
  where w.from_revision <= s.catalogue_revision and w.to_revision > s.catalogue_revision and (s.entry_ids is null or chosen.id is not null)) v`;

export async function readPage({ database, catalogueThen, keptValues, metas }: SnapshotReaders, id: string, options: { limit?: number; offset?: number; search?: string }): Promise<SnapshotPage> {
  const snapshot = await readSnapshot(database, id);
  const whole = options.limit === undefined && !options.offset && !options.search;
  // Of the whole the values can be read beside the entries: on a connection of their own.
  const entriesThenRead = readEntriesThen(database, catalogueThen, snapshot, options);
  const [{ rows, totalCount }, columns] = await Promise.all([
    entriesThenRead,
    whole ? keptValues(snapshot) : entriesThenRead.then((read) => readValues(database, snapshot, channelsOf(read.rows))),
  ]);
  const cell = (channel: number | null, name: string | null): SnapshotCell | null => (channel === null || name === null ? null : { name, row: indexIn(columns.channel, channel) });
  const entries = rows.map((row): SnapshotEntryRow => ({
    entryId: row.entry_id,
    device: row.device,
    description: row.description,
    absTolerance: row.abs_tolerance,
    relTolerance: row.rel_tolerance,
    readOnly: row.read_only,
    tags: row.tags === '' ? [] : row.tags.split(tagSeparator),
    setpoint: cell(row.setpoint, row.setpoint_name),
    readback: cell(row.readback, row.readback_name),
    config: cell(row.config, row.config_name),
  }));
  return { summary: summaryOf(snapshot), totalCount, entries, ...(whole && snapshot.whole ? { catalogue: rows } : {}), columns, metas: await metas.read(distinctHashes(columns.metaHash)) };
}

async function readEntriesThen(database: Database, catalogueThen: CatalogueThen, snapshot: SnapshotRow, options: { limit?: number; offset?: number; search?: string }): Promise<{ rows: readonly EntryThen[]; totalCount: number }> {
  const { limit, offset = 0 } = options;
  if (offset < 0 || (limit !== undefined && limit < 0)) throw new DreyError('badInput', `limit ${limit} and offset ${offset} must be 0 or larger`);
  if (snapshot.whole && !options.search) {
    const all = await catalogueThen(snapshot.catalogue_revision);
    return { rows: limit === undefined && offset === 0 ? all : all.slice(offset, limit === undefined ? undefined : offset + limit), totalCount: all.length };
  }
  const values: unknown[] = [snapshot.number];
  let where = 's.number = $1';
  if (options.search) {
    values.push(likePattern(options.search));
    const texts = ['setpoint_name', 'readback_name', 'config_name', 'device', 'description'];
    where += ` and (${texts.map((name) => `v.${name} ilike $2`).join(' or ')})`;
  }
  const rows = await database.rows<EntryThen>(
    `select ${entryThenColumns('v.')} from ${entriesThen} where ${where} order by ${entryThenOrder}
     limit $${values.length + 1} offset $${values.length + 2}`,
    [...values, limit ?? null, offset],
  );
  if (limit === undefined && offset === 0) return { rows, totalCount: rows.length };
  const [count] = await database.rows<{ count: bigint }>(`select count(*) from ${entriesThen} where ${where}`, values);
  return { rows, totalCount: Number(count!.count) };
}

function channelsOf(rows: readonly EntryThen[]): Int32Array {
  const channels = new Set<number>();
  for (const row of rows) for (const channel of [row.setpoint, row.readback, row.config]) if (channel !== null) channels.add(channel);
  return Int32Array.from(channels).sort();
}
