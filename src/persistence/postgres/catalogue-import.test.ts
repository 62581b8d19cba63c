import { expect, test } from 'vitest';
import { addEntries, numberedEntries, openStore } from '../../../testing/persistence/store.ts';
import { newCatalogueEntry, type NewCatalogueEntryInput } from '../../contracts/catalogue.ts';
import type { ImportRow } from '../port.ts';

const rows = (entries: readonly NewCatalogueEntryInput[], first = 2): ImportRow[] => entries.map((entry, i) => ({ line: first + i, entry: newCatalogueEntry.parse(entry) }));

test('staged rows become entries with channels, groups and tags, in their order, at the commit and not before', async () => {
  await using store = await openStore();
  await addEntries(store, [{ setpointAddress: 'OLD', tagNames: { Area: ['North'] } }]);
  const staged = await store.catalogue.beginImport();
  await staged.add(rows([{ setpointAddress: 'A\\b', readbackAddress: 'A:RB', description: 'tab\tline\nback\\slash', absTolerance: 1e-300, relTolerance: 0.1, readOnly: true, tagNames: { AREA: ['SOUTH', 'north'], kind: ['magnet'] } }]));
  await staged.add(rows([{ configAddress: 'B:CFG' }, { setpointAddress: 'OLD' }, { setpointAddress: 'C' }, { setpointAddress: 'C', device: 'second' }], 3));
  expect(await staged.check(true)).toEqual({
    rows: 3, refused: 2, refusals: [{ line: 4, setpoint: 'OLD', earlier: null }, { line: 6, setpoint: 'C', earlier: 5 }],
    tagGroups: [{ name: 'Area', isNew: false, tags: 2, newTags: 1, firstNewTags: ['SOUTH'] }, { name: 'kind', isNew: true, tags: 1, newTags: 1, firstNewTags: ['magnet'] }],
  });
  expect((await store.catalogue.list({}, { pageSize: 10 })).totalCount).toBe(1);
  const { registered, revision, first } = await staged.commit();
  expect({ registered, revision }).toEqual({ registered: 3, revision: 2 });
  const { results } = await store.catalogue.list({}, { pageSize: 10 });
  expect(results.slice(1)).toEqual(first);
  expect(first[0]).toMatchObject({ setpointAddress: 'A\\b', readbackAddress: 'A:RB', configAddress: null, description: 'tab\tline\nback\\slash', absTolerance: 1e-300, relTolerance: 0.1, readOnly: true });
  expect(first.map((entry) => entry.tags.map((tag) => `${tag.groupName}/${tag.name}`))).toEqual([['Area/SOUTH', 'Area/North', 'kind/magnet'], [], []]);
});

test('D1: what is given up leaves nothing, before and after it was checked', async () => {
  await using store = await openStore();
  for (const checked of [false, true]) {
    const staged = await store.catalogue.beginImport();
    await staged.add(rows([{ setpointAddress: 'A', tagNames: { G: ['t'] } }]));
    if (checked) await staged.check(true);
    await staged.abort();
    await staged.abort();
  }
  expect(await store.catalogue.revisions()).toMatchObject({ catalogue: 0 });
  expect(await store.tags.groups()).toEqual([]);
  // Turns and connections were given back: more of them than there are.
  for (let i = 0; i < 12; i++) await (await store.catalogue.beginImport()).abort();
});

test('two imports of the same setpoint at once: one has it, the other is told', async () => {
  await using store = await openStore();
  const both = await Promise.all([store.catalogue.beginImport(), store.catalogue.beginImport()]);
  for (const staged of both) await staged.add(rows([{ setpointAddress: 'RACE' }]));
  const refused = await Promise.all(both.map(async (staged) => {
    const { rows: sound, refused } = await staged.check(true);
    if (sound > 0) await staged.commit();
    await staged.abort();
    return refused;
  }));
  expect(refused.sort()).toEqual([0, 1]);
});

test('S2: an export is of one revision, whatever is changed while it goes out', async () => {
  await using store = await openStore();
  const entries = await addEntries(store, numberedEntries(5_001));
  const found = await store.catalogue.export({});
  const pages = found.pages();
  const first = (await pages.next()).value!;
  await store.catalogue.delete([entries.at(-1)!.id]);
  await addEntries(store, [{ setpointAddress: 'LATER' }]);
  const rest = (await pages.next()).value!;
  expect([...first, ...rest]).toEqual(entries);
  expect(await pages.next()).toMatchObject({ done: true });
});
