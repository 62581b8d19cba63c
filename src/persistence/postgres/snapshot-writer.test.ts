import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect, test } from 'vitest';
import { eventually } from '../../../testing/harness/index.ts';
import { addEntries, allChannels, doubles, newSnapshot, numberedEntries, openStore, quality, takeSnapshot } from '../../../testing/persistence/store.ts';

test('S1: a snapshot is listed when it is whole, and not before', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(10));
  const channels = await allChannels(store);
  const writer = await store.snapshots.begin(await newSnapshot(store, { jobId: 'j' }));
  await writer.write(doubles(channels.slice(0, 5), (i) => i));
  expect((await store.snapshots.list({}, { limit: 10, offset: 0 })).results).toEqual([]);
  await writer.write(doubles(channels.slice(5), (i) => i + 5));
  const summary = await writer.commit(quality);
  expect(summary).toMatchObject({ title: 'a snapshot', pvCount: 10, quality });
  expect((await store.snapshots.list({}, { limit: 10, offset: 0 })).results).toEqual([summary]);
  expect(await store.snapshots.byJob('j', 'snapshot')).toEqual(summary);
  expect(await store.snapshots.byJob('j', 'before-restore')).toBeUndefined();
  expect((await store.snapshots.columns(summary.id)).num).toEqual(Float64Array.from({ length: 10 }, (_, i) => i));
});

test('S1: a snapshot given up leaves nothing, and giving up twice or after the end is harmless', async () => {
  await using store = await openStore({ poolSize: 2 });
  await addEntries(store, numberedEntries(5));
  const channels = await allChannels(store);
  const writer = await store.snapshots.begin(await newSnapshot(store));
  await writer.write(doubles(channels, (i) => i));
  await writer.abort();
  await writer.abort();
  await expect(writer.write(doubles(channels, (i) => i))).rejects.toMatchObject({ code: 'conflict' });
  await expect(writer.commit(quality)).rejects.toMatchObject({ code: 'conflict' });
  expect(await storedRows(store.url)).toBe(0);
  // The one place among writers is free again.
  const whole = await store.snapshots.begin(await newSnapshot(store));
  await whole.write(doubles(channels, (i) => i));
  await whole.commit(quality);
  await whole.abort();
  expect(await storedRows(store.url)).toBe(5);
});

test('S1: kill -9 of the process in the middle of storing leaves nothing', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(3));
  const here = (file: string): string => JSON.stringify(fileURLToPath(new URL(file, import.meta.url)));
  const script = `
    import { createPersistence } from ${here('./index.ts')};
    import { doubles } from ${here('../../../testing/persistence/doubles.ts')};
    const log = { debug() {}, info() {}, warn() {}, error() {}, child() { return log; } };
    const store = createPersistence({ url: process.env.STORE_URL, log });
    const writer = await store.snapshots.begin({ title: 't', description: '', createdBy: 'c', mode: 'live', scope: { kind: 'all' },
      kind: 'snapshot', jobId: 'killed', entryIds: null, catalogueRevision: 1 });
    await writer.write(doubles(Array.from({ length: 200_000 }, (_, i) => i + 1), (i) => i));
    process.stdout.write('written');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { env: { ...process.env, STORE_URL: store.url }, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  expect(await copying(store.url)).toBe(1);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await eventually(async () => (await copying(store.url)) === 0, { saying: 'the server to notice' });
  expect(await storedRows(store.url)).toBe(0);
  expect((await store.snapshots.list({}, { limit: 10, offset: 0 })).totalCount).toBe(0);
  expect(await store.snapshots.byJob('killed', 'snapshot')).toBeUndefined();
});

test('J1: a second snapshot of the same job and kind is a conflict, also when both are under way', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(2));
  const channels = await allChannels(store);
  const [one, two] = [await store.snapshots.begin(await newSnapshot(store, { jobId: 'same' })), await store.snapshots.begin(await newSnapshot(store, { jobId: 'same' }))];
  await one.write(doubles(channels, (i) => i));
  await two.write(doubles(channels, (i) => i));
  const stored = await one.commit(quality);
  await expect(two.commit(quality)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('same') });
  await expect(store.snapshots.begin(await newSnapshot(store, { jobId: 'same' }))).rejects.toMatchObject({ code: 'conflict' });
  expect(await storedRows(store.url)).toBe(2);
  await takeSnapshot(store, doubles(channels, (i) => i), { jobId: 'same', kind: 'before-restore' });
  expect((await store.snapshots.byJob('same', 'snapshot'))?.id).toBe(stored.id);
});

test('a channel written twice fails the snapshot, which leaves nothing', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(3));
  const channels = await allChannels(store);
  const writer = await store.snapshots.begin(await newSnapshot(store));
  await writer.write(doubles(channels, (i) => i));
  const twice = (async () => {
    await writer.write(doubles(channels.slice(0, 1), (i) => i));
    await writer.commit(quality);
  })();
  await expect(twice).rejects.toMatchObject({ code: 'conflict' });
  expect(await storedRows(store.url)).toBe(0);
});

test('a writer that lost its connection gives its place back though nobody asks it, and says why when asked', async () => {
  await using store = await openStore({ poolSize: 2 });
  await addEntries(store, numberedEntries(2));
  const channels = await allChannels(store);
  const lost = await store.snapshots.begin(await newSnapshot(store));
  await query(store.url, `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'copy %'`);
  // There is one place for writers: this waits for it.
  await takeSnapshot(store, doubles(channels, (i) => i));
  await expect(lost.write(doubles(channels, (i) => i))).rejects.toMatchObject({ code: 'unavailable' });
  await expect(lost.commit(quality)).rejects.toMatchObject({ code: 'unavailable' });
  await lost.abort();
});

test('snapshots go on across the bounds of partitions', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(1));
  const channels = await allChannels(store);
  const ids: string[] = [];
  for (let i = 0; i < 70; i++) ids.push((await takeSnapshot(store, doubles(channels, () => i))).id);
  for (const [i, id] of ids.entries()) expect((await store.snapshots.columns(id)).num[0]).toBe(i);
  await Promise.all(Array.from({ length: 8 }, () => takeSnapshot(store, doubles(channels, () => 7))));
  expect((await store.snapshots.list({}, { limit: 1000, offset: 0 })).totalCount).toBe(78);
});

async function copying(url: string): Promise<number> {
  return Number((await query<{ n: string }>(url, `select count(*) as n from pg_stat_activity where datname = current_database() and query like 'copy %'`)).n);
}

async function storedRows(url: string): Promise<number> {
  return Number((await query<{ n: string }>(url, 'select count(*) as n from snapshot_value')).n);
}

async function query<Row extends object>(url: string, text: string): Promise<Row> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows[0]!;
  } finally {
    await client.end();
  }
}
