import { expect, test } from 'vitest';
import { addEntries, allChannels, numberedEntries, openStore } from '../../../testing/persistence/store.ts';
import { newCatalogueEntry } from '../../contracts/catalogue.ts';

test('entries come back as they were made, with groups and tags made on the way', async () => {
  await using store = await openStore();
  const { entries, revision } = await store.catalogue.create([
    newCatalogueEntry.parse({ setpointAddress: ' ca://A:SET ', readbackAddress: 'A:RB', device: 'A', description: 'd', absTolerance: 0.1, relTolerance: 1e-9, readOnly: true, tagNames: { Area: ['North'], kind: ['magnet'] } }),
    newCatalogueEntry.parse({ configAddress: 'B:CFG', tagNames: { area: ['north', 'SOUTH'] } }),
  ]);
  expect(revision).toBe(1);
  expect(entries.map((entry) => [entry.setpointAddress, entry.readbackAddress, entry.configAddress])).toEqual([['A:SET', 'A:RB', null], [null, null, 'B:CFG']]);
  expect(entries[0]).toMatchObject({ device: 'A', description: 'd', absTolerance: 0.1, relTolerance: 1e-9, readOnly: true });
  expect(entries.map((entry) => entry.tags.map((tag) => tag.name.toLowerCase()))).toEqual([['north', 'magnet'], ['north', 'south']]);
  expect(entries[0]!.tags[0]!.id).toBe(entries[1]!.tags[0]!.id);
  expect((await store.tags.groups()).map((group) => group.name.toLowerCase())).toEqual(['area', 'kind']);
  expect(await store.catalogue.get(entries[0]!.id)).toEqual(entries[0]);
  expect(await store.catalogue.revisions()).toEqual({ catalogue: 1, directory: 0 });
});

test('create is all or nothing, and names the setpoints that are taken', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(20));
  await expect(addEntries(store, [{ setpointAddress: 'NEW' }, ...numberedEntries(20)])).rejects.toMatchObject({ code: 'conflict', faults: expect.toSatisfy((faults: string[]) => faults.length === 10 && faults[0]!.startsWith('TEST:00000')) });
  await expect(addEntries(store, [{ setpointAddress: 'TWICE' }, { setpointAddress: 'TWICE' }])).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('TWICE') });
  await expect(addEntries(store, [{ setpointAddress: 'NEW', tags: ['01a1f9af-42e9-7000-bf60-0493a2a28726'] }])).rejects.toMatchObject({ code: 'notFound', message: expect.stringContaining('01a1f9af') });
  await expect(addEntries(store, [{ setpointAddress: 'NEW', description: 'a\0b' }])).rejects.toMatchObject({ code: 'badInput' });
  expect((await store.catalogue.list({}, { pageSize: 100 })).totalCount).toBe(20);
  expect((await store.catalogue.revisions()).catalogue).toBe(1);
  expect(await store.tags.groups()).toEqual([]);
});

test('two creators of the same setpoint at once: one wins, the other is told', async () => {
  await using store = await openStore();
  const results = await Promise.allSettled(Array.from({ length: 5 }, () => addEntries(store, [{ setpointAddress: 'RACE' }])));
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'conflict' });
});

test('an edit changes what it names and leaves the rest, and an edit of nothing makes no revision', async () => {
  await using store = await openStore();
  const [made, other] = await addEntries(store, [{ setpointAddress: 'A', readbackAddress: 'A:RB', device: 'D', absTolerance: 1, tagNames: { g: ['t'] } }, { setpointAddress: 'B' }]);
  const { before, after, revision } = await store.catalogue.edit(made!.id, { readbackAddress: null, configAddress: 'A:CFG', relTolerance: 0.5, device: null, tags: [] });
  expect(before).toEqual(made);
  expect(after).toEqual({ ...made, readbackAddress: null, configAddress: 'A:CFG', relTolerance: 0.5, tags: [], lastModifiedDate: after.lastModifiedDate });
  expect(revision).toBe(2);
  expect(await store.catalogue.edit(made!.id, { device: 'D', relTolerance: null })).toEqual({ before: after, after, revision: 2 });
  await expect(store.catalogue.edit(made!.id, { setpointAddress: 'B' })).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('B') });
  await expect(store.catalogue.edit(other!.id, { setpointAddress: null })).rejects.toMatchObject({ code: 'invalid' });
  await expect(store.catalogue.edit(other!.id, { tags: ['x'] })).rejects.toMatchObject({ code: 'notFound' });
  expect(await store.catalogue.get(other!.id)).toEqual(other);
  expect((await store.catalogue.revisions()).catalogue).toBe(2);
});

test('delete is all or nothing and takes 40,000 ids', async () => {
  await using store = await openStore();
  const entries = await addEntries(store, numberedEntries(40_001));
  const ids = entries.map((entry) => entry.id);
  await expect(store.catalogue.delete([...ids, '01a1f9af-42e9-7000-bf60-0493a2a28726', 'x'])).rejects.toMatchObject({ code: 'notFound', faults: [expect.stringContaining('01a1f9af'), expect.stringContaining('"x"')] });
  expect((await store.catalogue.list({}, { pageSize: 1 })).totalCount).toBe(40_001);
  const { deleted, revision } = await store.catalogue.delete(ids.slice(1));
  expect([deleted.length, revision]).toEqual([40_000, 2]);
  expect((await store.catalogue.list({}, { pageSize: 10 })).results).toEqual([entries[0]]);
  expect(await store.catalogue.delete([])).toEqual({ deleted: [], revision: 2 });
  // A name keeps its channel for ever.
  const [again] = await addEntries(store, [{ setpointAddress: 'TEST:00001' }]);
  expect((await store.catalogue.resolve({ kind: 'entries', ids: [again!.id] })).channels).toEqual(Int32Array.of(2));
}, 120_000);

test('the list goes through all entries in pages, by search and by tags', async () => {
  await using store = await openStore();
  await addEntries(store, [
    { setpointAddress: 'L1:MAG:1', device: 'Q_1', tagNames: { area: ['L1'], kind: ['magnet'] } },
    { setpointAddress: 'L1:RF:1', description: 'phase 50%', tagNames: { area: ['L1'], kind: ['rf'] } },
    { setpointAddress: 'L2:MAG:1', readbackAddress: 'L2:MAG:1:RB', tagNames: { area: ['L2'], kind: ['magnet'] } },
  ]);
  const seen: (string | null)[] = [];
  for (let token: string | undefined, pages = 0; pages < 10; pages++) {
    const page = await store.catalogue.list({}, { pageSize: 2, continuationToken: token });
    expect(page.totalCount).toBe(3);
    seen.push(...page.results.map((entry) => entry.setpointAddress));
    if (page.continuationToken === null) break;
    token = page.continuationToken;
  }
  expect(seen).toEqual(['L1:MAG:1', 'L1:RF:1', 'L2:MAG:1']);
  const search = async (text: string) => (await store.catalogue.list({ search: text }, { pageSize: 10 })).results.map((entry) => entry.setpointAddress);
  expect(await search('mag')).toEqual(['L1:MAG:1', 'L2:MAG:1']);
  expect(await search('L?:MAG:1:R*')).toEqual(['L2:MAG:1']);
  expect(await search('50%')).toEqual(['L1:RF:1']);
  expect(await search('q_')).toEqual(['L1:MAG:1']);
  expect(await search('%')).toEqual(['L1:RF:1']);
  expect(await search('\\')).toEqual([]);
  const [area, kind] = await store.tags.groups();
  const tag = (group: typeof area, name: string) => group!.tags.find((one) => one.name === name)!.id;
  const tagged = async (tagFilters: Record<string, string[]>) => (await store.catalogue.list({ tagFilters }, { pageSize: 10 })).results.map((entry) => entry.setpointAddress);
  expect(await tagged({ [area!.id]: [tag(area, 'L1'), tag(area, 'L2')], [kind!.id]: [tag(kind, 'magnet')] })).toEqual(['L1:MAG:1', 'L2:MAG:1']);
  expect(await tagged({ [area!.id]: [tag(area, 'L1')], [kind!.id]: [] })).toEqual(['L1:MAG:1', 'L1:RF:1']);
  expect(await store.catalogue.devices()).toEqual(['Q_1']);
});

test('scopes resolve to channels, ascending, and unknown ids and names are named', async () => {
  await using store = await openStore();
  const [a, b] = await addEntries(store, [
    { setpointAddress: 'A', readbackAddress: 'SHARED', tagNames: { g: ['x'] } },
    { setpointAddress: 'B', readbackAddress: 'SHARED', configAddress: 'C', tagNames: { g: ['y'] } },
  ]);
  await store.catalogue.delete([(await addEntries(store, [{ setpointAddress: 'GONE' }]))[0]!.id]);
  const names = async (scope: Parameters<typeof store.catalogue.resolve>[0]) => {
    const resolved = await store.catalogue.resolve(scope);
    expect(resolved.channels).toEqual(resolved.channels.slice().sort());
    return { names: (await store.catalogue.names(resolved.channels)).sort(), entryIds: resolved.entryIds };
  };
  expect(await names({ kind: 'all' })).toEqual({ names: ['A', 'B', 'C', 'SHARED'], entryIds: null });
  expect(await names({ kind: 'entries', ids: [b!.id, b!.id.toUpperCase()] })).toEqual({ names: ['B', 'C', 'SHARED'], entryIds: [b!.id] });
  expect(await names({ kind: 'names', pvNames: ['SHARED', 'SHARED'] })).toEqual({ names: ['SHARED'], entryIds: [a!.id, b!.id] });
  const [group] = await store.tags.groups();
  expect(await names({ kind: 'tags', tags: { [group!.id]: [group!.tags[0]!.id] } })).toEqual({ names: ['A', 'SHARED'], entryIds: [a!.id] });
  await expect(store.catalogue.resolve({ kind: 'names', pvNames: ['A', 'GONE', 'NOPE'] })).rejects.toMatchObject({ code: 'notFound', faults: [expect.stringContaining('GONE'), expect.stringContaining('NOPE')] });
  await expect(store.catalogue.resolve({ kind: 'entries', ids: Array.from({ length: 300 }, (_, i) => `x${i}`) })).rejects.toMatchObject({ code: 'notFound', faults: expect.toSatisfy((faults: string[]) => faults.length === 100) });
  await expect(store.catalogue.resolve({ kind: 'tags', tags: { [group!.id]: [a!.id] } })).rejects.toMatchObject({ code: 'notFound' });
  await expect(store.catalogue.resolve({ kind: 'tags', tags: { other: [group!.tags[0]!.id] } })).rejects.toMatchObject({ code: 'notFound' });
  await expect(store.catalogue.resolve({ kind: 'tags', tags: {} })).rejects.toMatchObject({ code: 'invalid' });
});

test('the directory remembers where each channel was found last, and counts changes only', async () => {
  await using store = await openStore();
  await addEntries(store, [...numberedEntries(4), { setpointAddress: 'RB', readbackAddress: 'TEST:00000' }]);
  const channels = await allChannels(store);
  await store.catalogue.updateDirectory({ '10.0.0.1:5064': [1, 2], '10.0.0.2:5064': [3, 999_999] });
  await store.catalogue.updateDirectory({ '10.0.0.1:5064': [1, 2] });
  await store.catalogue.updateDirectory({});
  expect((await store.catalogue.revisions()).directory).toBe(1);
  await Promise.all([store.catalogue.updateDirectory({ '10.0.0.3:5064': [2, 1] }), store.catalogue.updateDirectory({ '10.0.0.3:5064': [1, 2] })]);
  const directory = await store.catalogue.directory();
  expect(directory.channels).toEqual(channels);
  expect([...directory.iocIndex].map((index) => directory.iocs[index] ?? null)).toEqual(['10.0.0.3:5064', '10.0.0.3:5064', '10.0.0.2:5064', null, null]);
  const first = await store.catalogue.channels({ after: 0, limit: 3 });
  expect(first).toEqual({ revision: 1, more: true, channels: [1, 2, 3].map((id) => ({ id, name: `TEST:0000${id - 1}`, ioc: id < 3 ? '10.0.0.3:5064' : '10.0.0.2:5064' })) });
  expect((await store.catalogue.channels({ after: 3, limit: 3 })).channels.map((channel) => [channel.name, channel.ioc])).toEqual([['TEST:00003', null], ['RB', null]]);
});

test('S3: a page of the dictionary as text says the same as one of objects, whatever is in a name', async () => {
  await using store = await openStore();
  await addEntries(store, [...numberedEntries(3), { setpointAddress: 'QUOTE"BACK\\SLASH' }, { setpointAddress: 'NEXT{\'},[\'}', readbackAddress: 'LAST' }]);
  await store.catalogue.updateDirectory({ '10.0.0.1:5064': [1, 3, 5] });
  for (const page of [{ after: 0, limit: 4 }, { after: 4, limit: 2 }, { after: 2, limit: 10 }, { after: 6, limit: 10 }]) {
    const { channels, ...about } = await store.catalogue.channels(page);
    const text = await store.catalogue.channelsAsJson(page);
    expect({ ...text, channels: JSON.parse(text.channels) as unknown }).toEqual({ ...about, channels: channels.map(({ id, name, ioc }) => [id, name, ioc]) });
  }
});

test('setpoints and names are told by channel', async () => {
  await using store = await openStore();
  const [entry] = await addEntries(store, [{ setpointAddress: 'A', readbackAddress: 'A:RB', absTolerance: 0.5, relTolerance: 0.1, readOnly: true }]);
  expect(await store.catalogue.setpoints(Int32Array.of(1, 2, 99))).toEqual([{ channel: 1, entryId: entry!.id, readOnly: true, absTolerance: 0.5, relTolerance: 0.1 }]);
  expect(await store.catalogue.names(Int32Array.of(2, 1, 2))).toEqual(['A:RB', 'A', 'A:RB']);
  await expect(store.catalogue.names(Int32Array.of(1, 99))).rejects.toMatchObject({ code: 'notFound' });
});

test('tags: made once whatever the case, conflicts told, and taken off entries when deleted', async () => {
  await using store = await openStore();
  expect(await store.tags.ensure({ Area: ['North', 'north', 'South'], area: ['East'] })).toEqual({ groupsCreated: 1, tagsCreated: 3, tagsSkipped: 0 });
  expect(await store.tags.ensure({ area: ['NORTH', 'west'] })).toEqual({ groupsCreated: 0, tagsCreated: 1, tagsSkipped: 1 });
  expect(await store.tags.ensure({})).toEqual({ groupsCreated: 0, tagsCreated: 0, tagsSkipped: 0 });
  const group = await store.tags.createGroup('Kind', 'what it is');
  expect(group).toMatchObject({ name: 'Kind', description: 'what it is', tags: [] });
  await expect(store.tags.createGroup('kind', null)).rejects.toMatchObject({ code: 'conflict' });
  const withTag = await store.tags.createTag(group.id, 'Magnet', null);
  await expect(store.tags.createTag(group.id, 'MAGNET', null)).rejects.toMatchObject({ code: 'conflict' });
  const [entry] = await addEntries(store, [{ setpointAddress: 'A', tags: [withTag.tags[0]!.id], tagNames: { area: ['north'] } }]);
  expect(entry!.tags).toHaveLength(2);
  await store.tags.deleteTag(group.id, withTag.tags[0]!.id);
  expect((await store.catalogue.get(entry!.id)).tags.map((tag) => tag.groupName.toLowerCase())).toEqual(['area']);
  expect((await store.catalogue.revisions()).catalogue).toBe(2);
  await store.tags.deleteGroup(group.id);
  expect((await store.catalogue.revisions()).catalogue).toBe(2);
  await expect(store.tags.deleteTag(group.id, withTag.tags[0]!.id)).rejects.toMatchObject({ code: 'notFound' });
});
