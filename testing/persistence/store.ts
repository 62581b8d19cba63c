/** A store on a database of its own, and things to put in it. */
import { createDatabase } from '../harness/index.ts';
import { newCatalogueEntry, type CatalogueEntry, type NewCatalogueEntryInput } from '../../src/contracts/catalogue.ts';
import type { SnapshotQuality, SnapshotSummary } from '../../src/contracts/snapshots.ts';
import type { ValueColumns } from '../../src/contracts/values.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { NewSnapshot, Persistence } from '../../src/persistence/port.ts';
import { createPersistence } from '../../src/persistence/postgres/index.ts';

export { doubles } from './doubles.ts';

export interface ExampleStore extends AsyncDisposable, Persistence {
  readonly url: string;
}

const template = {
  name: 'persistence',
  prepare: async (url: string): Promise<void> => {
    const store = createPersistence({ url, log: silentLog });
    await store.migrate();
    await store.close();
  },
};

export async function openStore(options: { poolSize?: number } = {}): Promise<ExampleStore> {
  const database = await createDatabase({ template });
  const store = createPersistence({ url: database.url, log: silentLog, ...options });
  return {
    ...store,
    url: database.url,
    [Symbol.asyncDispose]: async () => {
      await store.close();
      await database.drop();
    },
  };
}

export async function addEntries(store: Persistence, entries: readonly NewCatalogueEntryInput[]): Promise<CatalogueEntry[]> {
  return (await store.catalogue.create(entries.map((entry) => newCatalogueEntry.parse(entry)))).entries;
}

export const numberedEntries = (count: number, prefix = 'TEST'): NewCatalogueEntryInput[] =>
  Array.from({ length: count }, (_, i) => ({ setpointAddress: `${prefix}:${String(i).padStart(5, '0')}`, device: `D${i % 10}` }));

export const quality: SnapshotQuality = {
  rows: 1, outcomes: { ok: 1 }, rowsInAlarm: { minor: 0, major: 0, invalid: 0 }, firstReadAt: null, lastReadAt: null,
  oldestTimeNs: null, newestTimeNs: null, iocSkewMs: null, iocsNotAnswering: [], iocs: 1, durationMs: 1,
};

let jobs = 0;

export async function newSnapshot(store: Persistence, changes: Partial<NewSnapshot> = {}): Promise<NewSnapshot> {
  const { catalogue } = await store.catalogue.revisions();
  return {
    title: 'a snapshot', description: '', createdBy: 'tests', mode: 'live', scope: { kind: 'all' }, kind: 'snapshot',
    jobId: `job-${++jobs}`, entryIds: null, catalogueRevision: catalogue, ...changes,
  };
}

export async function takeSnapshot(store: Persistence, parts: ValueColumns | readonly ValueColumns[], changes: Partial<NewSnapshot> = {}): Promise<SnapshotSummary> {
  const writer = await store.snapshots.begin(await newSnapshot(store, changes));
  for (const part of Array.isArray(parts) ? (parts as readonly ValueColumns[]) : [parts as ValueColumns]) await writer.write(part);
  return writer.commit(quality);
}

export async function allChannels(store: Persistence): Promise<Int32Array> {
  return (await store.catalogue.resolve({ kind: 'all' })).channels;
}
