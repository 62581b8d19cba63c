import { expect, test } from 'vitest';
import { addEntries, allChannels, doubles, numberedEntries, openStore, takeSnapshot } from '../../../testing/persistence/store.ts';
import { silentLog } from '../../kernel/log.ts';
import { createPersistence } from './index.ts';

test('S2: editing and deleting entries and tags changes nothing that an old snapshot answers', async () => {
  await using store = await openStore();
  const [first, second] = await addEntries(store, [
    { setpointAddress: 'A:SET', readbackAddress: 'A:RB', configAddress: 'A:CFG', device: 'A', description: 'old', absTolerance: 0.5, relTolerance: 0.1, readOnly: true, tagNames: { area: ['north', 'south'] } },
    { setpointAddress: 'B:SET', device: 'B' },
  ]);
  const channels = await allChannels(store);
  const { id } = await takeSnapshot(store, doubles(channels, (i) => i));
  const then = await store.snapshots.page(id, {});
  expect(then.entries).toEqual([
    {
      entryId: first!.id, device: 'A', description: 'old', absTolerance: 0.5, relTolerance: 0.1, readOnly: true, tags: ['north', 'south'],
      setpoint: { name: 'A:SET', row: 0 }, readback: { name: 'A:RB', row: 1 }, config: { name: 'A:CFG', row: 2 },
    },
    { entryId: second!.id, device: 'B', description: '', absTolerance: 0, relTolerance: 0, readOnly: false, tags: [], setpoint: { name: 'B:SET', row: 3 }, readback: null, config: null },
  ]);

  const [area] = await store.tags.groups();
  await store.catalogue.edit(first!.id, { setpointAddress: 'A:SET2', readbackAddress: null, description: 'new', absTolerance: 9, readOnly: false, tags: [area!.tags[0]!.id] });
  await store.catalogue.delete([second!.id]);
  await store.tags.deleteTag(area!.id, area!.tags[0]!.id);
  await store.tags.deleteGroup(area!.id);
  await addEntries(store, [{ setpointAddress: 'B:SET', device: 'another B' }]);
  expect(await store.snapshots.page(id, {})).toEqual(then);
  // By a process too that has not kept what it read before.
  const fresh = createPersistence({ url: store.url, log: silentLog });
  try {
    expect(await fresh.snapshots.page(id, {})).toEqual(then);
  } finally {
    await fresh.close();
  }
  expect(await store.snapshots.page(id, { search: 'a:s?t' })).toMatchObject({ totalCount: 1, entries: [{ entryId: first!.id }] });
  const tagged = await store.snapshots.list({ tags: [area!.tags[1]!.id] }, { limit: 10, offset: 0 });
  expect(tagged.results.map((summary) => summary.id)).toEqual([id]);

  const { id: later } = await takeSnapshot(store, doubles(await allChannels(store), (i) => i));
  expect((await store.snapshots.list({ tags: [area!.tags[0]!.id, area!.tags[1]!.id] }, { limit: 10, offset: 0 })).results.map((summary) => summary.id)).toEqual([id]);
  expect((await store.snapshots.page(later, {})).entries.map((entry) => [entry.device, entry.setpoint?.name, entry.tags])).toEqual([['A', 'A:SET2', []], ['another B', 'B:SET', []]]);
});

test('S2: a page reads and never deletes, whatever its limit', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(500));
  const channels = await allChannels(store);
  const { id } = await takeSnapshot(store, doubles(channels, (i) => i));
  for (const limit of [1, 0, 7, 10_000]) await store.snapshots.page(id, { limit, offset: 3 });
  const page = await store.snapshots.page(id, { limit: 5, offset: 100 });
  expect(page.totalCount).toBe(500);
  expect(page.columns.length).toBe(5);
  expect(page.entries.map((entry) => [entry.setpoint!.name, page.columns.num[entry.setpoint!.row]])).toEqual([100, 101, 102, 103, 104].map((n) => [`TEST:00${n}`, n]));
  expect((await store.snapshots.page(id, {})).columns.length).toBe(500);
  expect((await store.snapshots.get(id)).pvCount).toBe(500);
});

test('a snapshot of some entries shows those, and a channel it lacks as row -1', async () => {
  await using store = await openStore();
  const entries = await addEntries(store, [{ setpointAddress: 'A', readbackAddress: 'A:RB' }, { setpointAddress: 'B' }, { configAddress: 'C' }]);
  const scope = { kind: 'names' as const, pvNames: ['A', 'C'] };
  const resolved = await store.catalogue.resolve(scope);
  const { id } = await takeSnapshot(store, doubles(resolved.channels, (i) => i), { scope, entryIds: resolved.entryIds });
  const page = await store.snapshots.page(id, {});
  expect(page.entries.map((entry) => [entry.entryId, entry.setpoint, entry.readback, entry.config])).toEqual([
    [entries[0]!.id, { name: 'A', row: 0 }, { name: 'A:RB', row: -1 }, null],
    [entries[2]!.id, null, null, { name: 'C', row: 1 }],
  ]);
});

test('descriptions come with the page, NaN limits and NUL in a label unharmed', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(2));
  const meta = { units: 'mm', precision: 3, alarm: { low: NaN, high: Infinity }, control: { low: -0, high: 1e300 }, labels: ['a\0b', 'NaN', '\ud800'] };
  const hash = -(2n ** 63n) + 5n;
  expect(await store.snapshots.unknownMetas([hash, 7n])).toEqual([hash, 7n]);
  await store.snapshots.saveMetas(new Map([[hash, meta]]));
  await store.snapshots.saveMetas(new Map([[hash, meta]]));
  expect(await store.snapshots.unknownMetas([hash, 7n])).toEqual([7n]);
  const columns = doubles(await allChannels(store), (i) => i);
  columns.metaHash[1] = hash;
  const { id } = await takeSnapshot(store, columns);
  await using elsewhere = await reopened(store.url);
  expect((await elsewhere.snapshots.page(id, {})).metas).toEqual(new Map([[hash, meta]]));
});

test('snapshots are listed newest first, by title, kind and page', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(1));
  const channels = await allChannels(store);
  const take = (title: string, kind: 'snapshot' | 'before-restore' = 'snapshot') => takeSnapshot(store, doubles(channels, (i) => i), { title, kind });
  const [a, b, c] = [await take('100% beam'), await take('no beam'), await take('undo', 'before-restore')];
  const titles = async (filter: Parameters<typeof store.snapshots.list>[0]) => (await store.snapshots.list(filter, { limit: 10, offset: 0 })).results.map((one) => one.title);
  expect(await titles({})).toEqual(['undo', 'no beam', '100% beam']);
  expect(await titles({ title: '% BEAM' })).toEqual(['100% beam']);
  expect(await titles({ title: 'beam', kind: 'snapshot' })).toEqual(['no beam', '100% beam']);
  expect(await titles({ kind: 'before-restore' })).toEqual(['undo']);
  expect(await store.snapshots.list({}, { limit: 1, offset: 1 })).toEqual({ results: [b], totalCount: 3 });
  const edited = await store.snapshots.edit(a.id, { title: 'full beam' });
  expect(edited).toMatchObject({ title: 'full beam', description: '', createdDate: a.createdDate });
  expect(await store.snapshots.delete(c.id)).toEqual(c);
  await expect(store.snapshots.get(c.id)).rejects.toMatchObject({ code: 'notFound' });
  await expect(store.snapshots.columns(c.id)).rejects.toMatchObject({ code: 'notFound' });
  expect(await titles({})).toEqual(['no beam', 'full beam']);
});

test('D1: ids that are none are not found, and nothing breaks', async () => {
  await using store = await openStore();
  for (const id of ['', 'x', "'; drop table snapshot; --", '\0', '01a1f9af-42e9-7000-bf60-0493a2a28726', 'g1a1f9af-42e9-7000-bf60-0493a2a28726']) {
    for (const call of [
      () => store.snapshots.get(id), () => store.snapshots.page(id, {}), () => store.snapshots.columns(id), () => store.snapshots.edit(id, { title: 't' }),
      () => store.snapshots.delete(id), () => store.snapshots.comparable([id, id]), () => store.catalogue.get(id), () => store.catalogue.edit(id, {}),
      () => store.catalogue.delete([id]), () => store.catalogue.resolve({ kind: 'entries', ids: [id] }), () => store.apiKeys.deactivate(id),
      () => store.tags.deleteGroup(id), () => store.tags.createTag(id, 't', null), () => store.tags.deleteTag(id, id),
    ]) {
      await expect(call(), `${call} ${JSON.stringify(id)}`).rejects.toMatchObject({ code: 'notFound' });
    }
  }
  await expect(store.snapshots.list({ tags: ['x'] }, { limit: 1, offset: 0 })).rejects.toMatchObject({ code: 'badInput' });
  await expect(store.catalogue.list({}, { pageSize: 10, continuationToken: 'x' })).rejects.toMatchObject({ code: 'badInput' });
  await expect(store.catalogue.list({ tagFilters: { g: ['x'] } }, { pageSize: 10 })).rejects.toMatchObject({ code: 'badInput' });
  await expect(store.snapshots.list({ title: 'a\0b' }, { limit: 1, offset: 0 })).rejects.toMatchObject({ code: 'badInput' });
});

async function reopened(url: string): Promise<AsyncDisposable & { snapshots: Awaited<ReturnType<typeof openStore>>['snapshots'] }> {
  const { createPersistence } = await import('./index.ts');
  const { silentLog } = await import('../../kernel/log.ts');
  const store = createPersistence({ url, log: silentLog });
  return { snapshots: store.snapshots, [Symbol.asyncDispose]: () => store.close() };
}

test('a snapshot of 40,000 chosen entries is read before the database gives up on it', async () => {
  await using store = await openStore();
  const entries = await addEntries(store, numberedEntries(40_000));
  const channels = await allChannels(store);
  const chosen = entries.slice(1).map((entry) => entry.id);
  const { id } = await takeSnapshot(store, doubles(channels, (i) => i), { entryIds: chosen });
  // Looked up entry by entry, this took longer than the 30 s that a statement has.
  expect((await store.snapshots.page(id, {})).entries).toHaveLength(39_999);
}, 60_000);
