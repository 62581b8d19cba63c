/** The catalogue in pages, for files: every page of one revision, without a transaction that waits for a slow reader. */
import type { CatalogueExport, EntryFilter } from '../port.ts';
import type { Database } from './database.ts';
import { entryFilterCondition } from './entry-filter.ts';
import { entryColumns, entryOf, type EntryRow } from './entry-rows.ts';
import { readRevisions } from './revisions.ts';
import { asOf } from './snapshot-entries.ts';
import { readTags } from './tag-table.ts';

const pageSize = 5_000;

export async function exportEntries(database: Database, filter: EntryFilter): Promise<CatalogueExport> {
  const { catalogue: revision } = await readRevisions(database);
  const tags = await readTags(database);
  const values: unknown[] = [];
  const condition = [asOf(revision), ...entryFilterCondition(filter, values)].join(' and ');
  const groups = await database.rows<{ name: string }>(
    `select distinct g.name from (select distinct tags from entry_version where ${condition}) d, unnest(d.tags) u(id)
     join tag t on t.id = u.id join tag_group g on g.id = t.group_id order by 1`,
    values,
  );
  return {
    tagGroups: groups.map(({ name }) => name),
    countTexts: async (pattern) => {
      const n = values.length + 1;
      const [row] = await database.rows<{ count: bigint }>(`select count(*) filter (where device ~* $${n}) + count(*) filter (where description ~* $${n}) as count from entry_version where ${condition}`, [...values, pattern]);
      return Number(row!.count);
    },
    async *pages() {
      for (let after: string | null = null; ; ) {
        const rows: EntryRow[] = await database.rows<EntryRow>(
          `select ${entryColumns} from entry_version where ${condition} and ($${values.length + 1}::uuid is null or entry_id > $${values.length + 1}) order by entry_id limit ${pageSize}`,
          [...values, after],
        );
        if (rows.length > 0) yield rows.map((row) => entryOf(row, tags));
        if (rows.length < pageSize) return;
        after = rows.at(-1)!.entry_id;
      }
    },
  };
}
