/** The current catalogue, as entries. */
import type { CatalogueEntry } from '../../contracts/catalogue.ts';
import { DreyError } from '../../contracts/errors.ts';
import type { EntryFilter } from '../port.ts';
import type { Database, Session } from './database.ts';
import { entryFilterCondition } from './entry-filter.ts';
import { entryColumns, entryOf, type EntryRow } from './entry-rows.ts';
import { forever } from './revisions.ts';
import { readTags } from './tag-table.ts';
import { isUuid, knownForm } from './uuid.ts';

export async function readEntries(session: Session, ids: readonly string[]): Promise<CatalogueEntry[]> {
  const tags = await readTags(session);
  const rows = await session.rows<EntryRow>(
    `select ${entryColumns} from entry_version where to_revision = ${forever} and entry_id = any($1::uuid[]) order by entry_id`,
    [ids],
  );
  return rows.map((row) => entryOf(row, tags));
}

export async function readEntry(session: Session, id: string): Promise<CatalogueEntry> {
  const [entry] = await readEntries(session, [knownForm('catalogue entry', id)]);
  if (!entry) throw new DreyError('notFound', `there is no catalogue entry ${id}`);
  return entry;
}

export async function listEntries(
  database: Database,
  filter: EntryFilter,
  page: { pageSize: number; continuationToken?: string },
): Promise<{ results: CatalogueEntry[]; continuationToken: string | null; totalCount: number }> {
  const { condition, values } = entryCondition(filter);
  const after = page.continuationToken;
  if (after !== undefined && !isUuid(after)) {
    throw new DreyError('badInput', `the continuation token ${JSON.stringify(after.slice(0, 60))} is none: use the one that came with the page before`);
  }
  return database.transaction(async (session) => {
    const [count] = await session.rows<{ count: bigint }>(`select count(*) from entry_version where ${condition}`, values);
    const tags = await readTags(session);
    const rows = await session.rows<EntryRow>(
      `select ${entryColumns} from entry_version where ${condition} and ($${values.length + 1}::uuid is null or entry_id > $${values.length + 1})
       order by entry_id limit $${values.length + 2}`,
      [...values, after ?? null, page.pageSize + 1],
    );
    const shown = rows.slice(0, page.pageSize);
    return {
      results: shown.map((row) => entryOf(row, tags)),
      continuationToken: rows.length > shown.length ? (shown.at(-1)?.entry_id ?? null) : null,
      totalCount: Number(count!.count),
    };
  }, 'steady');
}

export async function searchEntries(database: Database, filter: EntryFilter, page: { limit: number; offset: number }): Promise<{ results: CatalogueEntry[]; totalCount: number }> {
  const { condition, values } = entryCondition(filter);
  return database.transaction(async (session) => {
    const [count] = await session.rows<{ count: bigint }>(`select count(*) from entry_version where ${condition}`, values);
    const tags = await readTags(session);
    const rows = await session.rows<EntryRow>(
      `select ${entryColumns} from entry_version where ${condition} order by coalesce(setpoint_name, readback_name, config_name), entry_id
       limit $${values.length + 1} offset $${values.length + 2}`,
      [...values, page.limit, page.offset],
    );
    return { results: rows.map((row) => entryOf(row, tags)), totalCount: Number(count!.count) };
  }, 'steady');
}

export async function listDevices(session: Session): Promise<string[]> {
  const rows = await session.rows<{ device: string }>(`select distinct device collate "C" as device from entry_version where to_revision = ${forever} and device <> '' order by 1`);
  return rows.map((row) => row.device);
}

/** SQL that holds for the current entries which the filter lets through. */
function entryCondition(filter: EntryFilter): { condition: string; values: unknown[] } {
  const values: unknown[] = [];
  const conditions = [`to_revision = ${forever}`, ...entryFilterCondition(filter, values)];
  return { condition: conditions.join(' and '), values };
}
