/** The tags of a snapshot's entries, as they were tagged then: kept with it, so that listing by tag touches neither entries nor values. */
import type { Database } from './database.ts';
import { forever } from './revisions.ts';
import { asOf, choiceOf, type ChosenEntries } from './snapshot-entries.ts';
import { entriesThen } from './snapshot-page.ts';
import { readSnapshot } from './snapshot-rows.ts';

export type TagsThen = (snapshot: { readonly catalogueRevision: number; readonly entryIds: ChosenEntries }) => Promise<string[]>;

export function createTagsThen(database: Database): TagsThen {
  // A revision never changes, and most snapshots are of everything.
  let whole: { revision: number; tags: string[] } | undefined;
  return async ({ catalogueRevision, entryIds }) => {
    if (entryIds === null && whole?.revision === catalogueRevision) return whole.tags;
    const { condition, value } = choiceOf(entryIds);
    const [row] = await database.rows<{ tags: string[] }>(
      // Unnested once per set of tags: entries share few. Behind "offset", where the planner does not look at tens of thousands of numbers one by one.
      `select coalesce(array_agg(distinct t.id), '{}') as tags from (
         select distinct tags from (
           select tags, ${condition('$1')} as chosen from entry_version where ${asOf(Math.min(catalogueRevision, forever - 1))} and tags <> '{}' offset 0
         ) e where chosen
       ) d, unnest(d.tags) t(id)`,
      [value],
    );
    if (entryIds === null) whole = { revision: catalogueRevision, tags: row!.tags };
    return row!.tags;
  };
}

/** Looked up once per set of tags: entries share few of them. */
export async function readGroupsThen(database: Database, id: string): Promise<Map<string, (string | null)[]>> {
  const { number } = await readSnapshot(database, id);
  const rows = await database.rows<{ entry_id: string; groups: (string | null)[] }>(
    `with tagged as materialized (select v.entry_id, v.tags from ${entriesThen} where s.number = $1 and cardinality(v.tags) > 0),
     grouped as (
       select d.tags, array(select g.name from unnest(d.tags) with ordinality u(id, at) left join tag t on t.id = u.id left join tag_group g on g.id = t.group_id order by u.at) as groups
       from (select distinct tags from tagged) d
     ) select e.entry_id, x.groups from tagged e join grouped x on x.tags = e.tags`,
    [number],
  );
  return new Map(rows.map((row) => [row.entry_id, row.groups]));
}
