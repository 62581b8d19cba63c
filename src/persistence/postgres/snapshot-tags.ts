/** The tags of a snapshot's entries, as they were tagged then: kept with it, so that listing by tag touches neither entries nor values. */
import type { NewSnapshot } from '../port.ts';
import type { Database } from './database.ts';
import { forever } from './revisions.ts';
import { asOf, choiceOf } from './snapshot-entries.ts';

export type TagsThen = (snapshot: Pick<NewSnapshot, 'catalogueRevision' | 'entryIds'>) => Promise<string[]>;

export function createTagsThen(database: Database): TagsThen {
  // A revision never changes, and most snapshots are of everything.
  let whole: { revision: number; tags: string[] } | undefined;
  return async ({ catalogueRevision, entryIds }) => {
    if (entryIds === null && whole?.revision === catalogueRevision) return whole.tags;
    const { condition, value } = choiceOf(entryIds);
    const [row] = await database.rows<{ tags: string[] }>(
      `select coalesce(array_agg(distinct t.id), '{}') as tags from entry_version, unnest(tags) t(id)
       where ${asOf(Math.min(catalogueRevision, forever - 1))} and ${condition('$1')}`,
      [value],
    );
    if (entryIds === null) whole = { revision: catalogueRevision, tags: row!.tags };
    return row!.tags;
  };
}
