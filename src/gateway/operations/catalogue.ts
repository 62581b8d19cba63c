/** Catalogue entries: what an edit does, who hears of it, what is recorded. */
import { z } from 'zod';
import { catalogueEntryEdit, newCatalogueEntry, type CatalogueEntry } from '../../contracts/catalogue.ts';
import { DreyError } from '../../contracts/errors.ts';
import { subjects } from '../../contracts/subjects.ts';
import { json, type Bus } from '../../bus/port.ts';
import type { CatalogueStore, EntryFilter } from '../../persistence/port.ts';
import type { Caller } from '../access.ts';
import type { Audit } from '../audit.ts';

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

export function createCatalogueOperations({ catalogue, bus, audit }: { catalogue: CatalogueStore; bus: Bus; audit: Audit }) {
  // Best effort: hosts also see the revision at their next look, so a bus that is away loses nothing for good.
  const announce = (revision: number): void => {
    if (bus.state === 'connected') bus.publish(subjects.catalogueEvent, json.encode({ revision }));
  };

  return {
    page: (filter: EntryFilter, page: { pageSize: number; continuationToken?: string }) => catalogue.list(filter, page),
    first: async (search: string | undefined) => (await catalogue.list(search === undefined ? {} : { search }, { pageSize: legacyListSize })).results,
    get: (id: string) => catalogue.get(id),
    search: (filter: EntryFilter, page: { limit: number; offset: number }) => catalogue.search(filter, page),
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
