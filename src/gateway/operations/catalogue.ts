/** Catalogue entries: what an edit does, who hears of it, what is recorded. */
import { z } from 'zod';
import { catalogueEntryEdit, newCatalogueEntry, type CatalogueEntry } from '../../contracts/catalogue.ts';
import { DreyError } from '../../contracts/errors.ts';
import { subjects } from '../../contracts/subjects.ts';
import { json, type Bus } from '../../bus/port.ts';
import type { CatalogueImport, CatalogueStore, CommittedImport, EntryFilter, TagStore } from '../../persistence/port.ts';
import type { Caller } from '../access.ts';
import type { Audit } from '../audit.ts';
import { deviceNames, tagFilterIds, tagIds } from './references.ts';

export const mostEntriesAtOnce = 100_000;
export const newEntry = newCatalogueEntry.strict();
export const newEntries = z.array(newEntry).min(1).max(mostEntriesAtOnce);
export const entryEdit = catalogueEntryEdit.strict();

/** Of a bulk creation the audit log keeps this many entries whole; all of them are in the catalogue's own history. */
const recordedEntries = 100;
const legacyListSize = 1_000;

/** What a new entry names and is not there can only be its tags: the Squirrel contract calls that a conflict. */
function unknownTags(error: unknown): never {
  if (error instanceof DreyError && error.code === 'notFound') throw new DreyError('conflict', error.message, { ...(error.faults ? { faults: error.faults } : {}), cause: error });
  throw error;
}

export const entryName = (entry: CatalogueEntry): string => entry.setpointAddress ?? entry.readbackAddress ?? entry.configAddress ?? entry.id;

export function createCatalogueOperations({ catalogue, tags, bus, audit }: { catalogue: CatalogueStore; tags: Pick<TagStore, 'groups'>; bus: Bus; audit: Audit }) {
  /** Tags and devices as the catalogue knows them; a name that is none is refused. */
  const filterOf = async ({ search, tagFilters, tags: tagged = [], devices = [] }: EntryFilter): Promise<EntryFilter> => {
    const groups = tagFilters === undefined && tagged.length === 0 ? [] : await tags.groups();
    return {
      ...(search === undefined ? {} : { search }),
      ...(tagFilters === undefined ? {} : { tagFilters: tagFilterIds(groups, tagFilters) }),
      ...(tagged.length === 0 ? {} : { tags: await tagIds(groups, tagged) }),
      ...(devices.length === 0 ? {} : { devices: await deviceNames(devices, () => catalogue.devices(), 'no catalogue entry has') }),
    };
  };

  // Best effort: hosts also see the revision at their next look, so a bus that is away loses nothing for good.
  const announce = (revision: number): void => {
    if (bus.state === 'connected') bus.publish(subjects.catalogueEvent, json.encode({ revision }));
  };

  return {
    page: async (filter: EntryFilter, page: { pageSize: number; continuationToken?: string }) => catalogue.list(await filterOf(filter), page),
    first: async (search: string | undefined) => (await catalogue.list(search === undefined ? {} : { search }, { pageSize: legacyListSize })).results,
    get: (id: string) => catalogue.get(id),
    search: async (filter: EntryFilter, page: { limit: number; offset: number }) => catalogue.search(await filterOf(filter), page),
    devices: () => catalogue.devices(),

    create: (caller: Caller, entries: z.output<typeof newEntries>): Promise<CatalogueEntry[]> => {
      const first = entries[0]!;
      const subject = entries.length === 1 ? (first.setpointAddress ?? first.readbackAddress ?? first.configAddress ?? '') : `${entries.length} entries`;
      return audit.change(caller, { what: 'pvs.create', subject, after: { count: entries.length } }, async () => {
        const created = await catalogue.create(entries).catch(unknownTags);
        announce(created.revision);
        const after = { count: entries.length, revision: created.revision, entries: created.entries.slice(0, recordedEntries) };
        return { value: created.entries, after };
      });
    },

    /** What was brought in from a file and has been checked: one revision, with a record of what was made and one of what was edited (A1). */
    register: async (caller: Caller, staged: CatalogueImport, { fresh, edited }: { fresh: number; edited: number }): Promise<number> => {
      let done: CommittedImport | undefined;
      const commit = async (): Promise<CommittedImport> => {
        if (done === undefined) {
          done = await staged.commit();
          announce(done.revision);
        }
        return done;
      };
      if (edited > 0) {
        await audit.change(caller, { what: 'pvs.edit', subject: `${edited} entries`, after: { count: edited } }, async () => {
          const { revision, before, after } = await commit();
          return { value: edited, before: { count: edited, entries: before }, after: { count: edited, revision, entries: after } };
        });
      }
      if (fresh === 0) return 0;
      return audit.change(caller, { what: 'pvs.create', subject: `${fresh} entries`, after: { count: fresh } }, async () => {
        const { registered, revision, first } = await commit();
        return { value: registered, after: { count: registered, revision, entries: first } };
      });
    },

    edit: (caller: Caller, id: string, edit: z.output<typeof entryEdit>): Promise<CatalogueEntry> =>
      audit.change(caller, { what: 'pvs.edit', subject: id, after: edit }, async () => {
        const { before, after, revision } = await catalogue.edit(id, edit);
        announce(revision);
        return { value: after, before, after };
      }),

    delete: (caller: Caller, id: string): Promise<true> =>
      audit.change(caller, { what: 'pvs.delete', subject: id }, async () => {
        const { deleted, revision } = await catalogue.delete([id]);
        announce(revision);
        return { value: true, before: deleted[0] };
      }),
  };
}
export type CatalogueOperations = ReturnType<typeof createCatalogueOperations>;
