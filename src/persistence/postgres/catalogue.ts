import type { CatalogueStore } from '../port.ts';
import { exportEntries } from './catalogue-export.ts';
import { beginImport } from './catalogue-import.ts';
import type { Database } from './database.ts';
import { createNames, ensureChannels, pageChannels, pageChannelsAsJson, readDirectory, readSetpoints, updateDirectory } from './directory.ts';
import { createEntries, deleteEntries, editEntry } from './entry-changes.ts';
import { listDevices, listEntries, readEntry, searchEntries } from './entry-reads.ts';
import { readRevisions } from './revisions.ts';
import { resolveScope } from './scope.ts';
import type { SetpointsNow } from './setpoints-now.ts';
import { createTurns } from './turns.ts';

/** Each keeps a connection for as long as its file comes. */
const importsAtOnce = 2;

export function createCatalogue(database: Database, setpoints: SetpointsNow): CatalogueStore {
  const turns = createTurns(importsAtOnce);
  return {
    revisions: () => readRevisions(database),
    create: (entries) => database.transaction((session) => createEntries(session, entries)),
    beginImport: () => beginImport({ database, turns }),
    edit: (id, edit) => database.transaction((session) => editEntry(session, id, edit)),
    delete: (ids) => database.transaction((session) => deleteEntries(session, ids)),
    get: (id) => readEntry(database, id),
    list: (filter, page) => listEntries(database, filter, page),
    search: (filter, page) => searchEntries(database, filter, page),
    devices: () => listDevices(database),
    export: (filter) => exportEntries(database, filter),
    channels: (page) => pageChannels(database, page),
    channelsAsJson: (page) => pageChannelsAsJson(database, page),
    resolve: (scope) => resolveScope(database, scope),
    directory: () => readDirectory(database),
    updateDirectory: (found) => updateDirectory(database, found),
    ensureChannels: (names) => ensureChannels(database, names),
    names: createNames(database),
    setpoints: (channels) => readSetpoints(database, channels),
    setpointColumns: (channels) => setpoints.among(channels),
  };
}
