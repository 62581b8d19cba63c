import pg from 'pg';
import { expect, test } from 'vitest';
import { addEntries, numberedEntries, openStore } from '../../../testing/persistence/store.ts';
import { newCatalogueEntry, type NewCatalogueEntryInput } from '../../contracts/catalogue.ts';
import type { CatalogueImport, FileSays, ImportRow } from '../port.ts';

const rows = (entries: readonly NewCatalogueEntryInput[], first = 2): ImportRow[] => entries.map((entry, i) => ({ line: first + i, entry: newCatalogueEntry.parse(entry) }));

const says: FileSays = { fields: ['setpointAddress', 'readbackAddress', 'configAddress', 'device', 'description', 'absTolerance', 'relTolerance', 'readOnly'], groups: ['area', 'Kind'] };
const bare = { setpointAddress: null, readbackAddress: null, configAddress: null, device: '', description: '', absTolerance: 0, relTolerance: 0, readOnly: false, tags: [] };
const whole = { forGood: true, edit: false, says };

test('staged rows become entries with channels, groups and tags, in their order, at the commit and not before', async () => {
  await using store = await openStore();
  await addEntries(store, [{ setpointAddress: 'OLD', tagNames: { Area: ['North'] } }]);
  const staged = await store.catalogue.beginImport();
  await staged.add(rows([{ setpointAddress: 'A\\b', readbackAddress: 'A:RB', description: 'tab\tline\nback\\slash', absTolerance: 1e-300, relTolerance: 0.1, readOnly: true, tagNames: { AREA: ['SOUTH', 'north'], kind: ['magnet'] } }]));
  await staged.add(rows([{ configAddress: 'B:CFG' }, { setpointAddress: 'OLD', device: 'new' }, { setpointAddress: 'C' }, { setpointAddress: 'C', device: 'second' }], 3));
  expect(await staged.check(whole)).toEqual({
    rows: 3, unchanged: 0, edited: 0, refused: 2,
    refusals: [
      { line: 4, setpoint: 'OLD', readback: null, config: null, earlier: null, entries: 1, differs: { was: { ...bare, setpointAddress: 'OLD', tags: [{ group: 'Area', name: 'North' }] }, is: { ...bare, setpointAddress: 'OLD', device: 'new' } } },
      { line: 6, setpoint: 'C', readback: null, config: null, earlier: 5, entries: 0, differs: null },
    ],
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
    if (checked) await staged.check(whole);
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
  await Promise.all(both.map((staged, i) => staged.add(rows([{ setpointAddress: 'RACE', device: `D${i}` }, { setpointAddress: 'SAME' }]))));
  const refused = await Promise.all(both.map(async (staged) => {
    const { unchanged, refused } = await staged.check(whole);
    const { registered } = await staged.commit();
    return `${registered} made, ${unchanged} unchanged, ${refused} refused`;
  }));
  expect(refused.sort()).toEqual(['0 made, 1 unchanged, 1 refused', '2 made, 0 unchanged, 0 refused']);
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

const run = async (store: Awaited<ReturnType<typeof openStore>>, entries: readonly NewCatalogueEntryInput[], options: Partial<Parameters<CatalogueImport['check']>[0]> = {}) => {
  const staged = await store.catalogue.beginImport();
  try {
    await staged.add(rows(entries));
    const { tagGroups: _, refusals, ...checked } = await staged.check({ ...whole, ...options });
    const committed = options.forGood === false || checked.refused > 0 ? undefined : await staged.commit();
    return { ...checked, refusals: refusals.map(({ line, earlier, entries: there }) => ({ line, earlier, there })), registered: committed?.registered ?? 0, committed };
  } finally {
    await staged.abort();
  }
};

test('rows that say what the catalogue has are unchanged: with a setpoint, a readback alone, a config alone, twice, in a dry run', async () => {
  await using store = await openStore();
  const entries: NewCatalogueEntryInput[] = [
    { setpointAddress: 'S', readbackAddress: 'S:RB', configAddress: 'S:CFG', device: 'd', description: 'x', absTolerance: 1e-300, relTolerance: 0.1, readOnly: true, tagNames: { Area: ['b', 'a'], Kind: ['k'] } },
    { readbackAddress: 'R' }, { configAddress: 'C' }, { readbackAddress: 'R', configAddress: 'C' },
  ];
  expect(await run(store, entries)).toMatchObject({ rows: 4, unchanged: 0, registered: 4 });
  const { catalogue: revision } = await store.catalogue.revisions();
  const again = [{ ...entries[0]!, tagNames: { AREA: ['A', 'b'], kind: ['K'] } }, ...entries.slice(1), entries[1]!, entries[0]!];
  for (const forGood of [false, true]) expect(await run(store, again, { forGood })).toMatchObject({ rows: 6, unchanged: 6, edited: 0, refused: 0, registered: 0 });
  expect(await store.catalogue.revisions()).toMatchObject({ catalogue: revision });
  expect((await store.catalogue.list({}, { pageSize: 10 })).totalCount).toBe(4);
});

test.each([
  { readbackAddress: 'S:OTHER' }, { configAddress: null }, { device: 'other' }, { description: '' }, { absTolerance: 2 }, { relTolerance: 0 }, { readOnly: false },
  { tagNames: { Area: ['a', 'b'] } }, { tagNames: {} }, { tagNames: { Area: ['new'] } }, { tagNames: { Area: ['a'], Kind: ['a'] } },
] as NewCatalogueEntryInput[])('a row that differs in %j is refused, and edits its entry when that is wished', async (change) => {
  await using store = await openStore();
  const entry: NewCatalogueEntryInput = { setpointAddress: 'S', readbackAddress: 'S:RB', configAddress: 'S:CFG', device: 'd', description: 'x', absTolerance: 1, relTolerance: 0.1, readOnly: true, tagNames: { Area: ['a'] } };
  await run(store, [entry]);
  const wished = { ...entry, ...change };
  expect(await run(store, [wished])).toMatchObject({ refused: 1, refusals: [{ line: 2, earlier: null, there: 1 }] });
  expect(await run(store, [wished], { edit: true })).toMatchObject({ rows: 1, edited: 1, refused: 0, registered: 0 });
  expect(await run(store, [wished])).toMatchObject({ rows: 1, unchanged: 1, refused: 0 });
});

test('S2: rows that edit entries make one revision with the new ones, and the old versions stay', async () => {
  await using store = await openStore();
  const [first] = await addEntries(store, [{ setpointAddress: 'A', description: 'kept', tagNames: { Other: ['o'], Area: ['x', 'y'] } }, { readbackAddress: 'R' }, { setpointAddress: 'B' }]);
  const { committed, ...counts } = await run(store, [{ setpointAddress: 'A', absTolerance: 0.5, tagNames: { Area: ['z', 'y'] } }, { readbackAddress: 'R', absTolerance: 2 }, { setpointAddress: 'B' }, { setpointAddress: 'N' }], {
    edit: true, says: { fields: ['setpointAddress', 'readbackAddress', 'absTolerance'], groups: ['Area'] },
  });
  expect(counts).toMatchObject({ rows: 4, unchanged: 1, edited: 2, registered: 1 });
  expect(committed).toMatchObject({ revision: 2, before: [{ absTolerance: 0 }, { absTolerance: 0 }], first: [{ setpointAddress: 'N' }] });
  expect(await store.catalogue.revisions()).toMatchObject({ catalogue: 2 });
  const now = await store.catalogue.get(first!.id);
  expect(now).toMatchObject({ description: 'kept', absTolerance: 0.5, createdDate: first!.createdDate });
  expect(now.tags.map((tag) => `${tag.groupName}/${tag.name}`)).toEqual(['Other/o', 'Area/z', 'Area/y']);
  expect((await store.catalogue.list({}, { pageSize: 10 })).totalCount).toBe(4);
  const old = await storedVersions(store.url, first!.id);
  expect(old).toEqual([{ from_revision: 1, to_revision: 2, abs_tolerance: 0, tag_names: ['o', 'x', 'y'] }, { from_revision: 2, to_revision: 2147483647, abs_tolerance: 0.5, tag_names: ['o', 'z', 'y'] }]);
});

test('what a file does not name is not compared, and an ambiguous or contradictory row is refused', async () => {
  await using store = await openStore();
  await addEntries(store, [{ setpointAddress: 'A', device: 'd', tagNames: { Area: ['x'] } }, { readbackAddress: 'R', device: 'one' }, { readbackAddress: 'R', device: 'two' }]);
  expect(await run(store, [{ setpointAddress: 'A' }], { says: { fields: ['setpointAddress'], groups: [] } })).toMatchObject({ unchanged: 1 });
  expect(await run(store, [{ readbackAddress: 'R', device: 'two' }, { readbackAddress: 'R', device: 'one' }])).toMatchObject({ unchanged: 2, refused: 0 });
  expect(await run(store, [{ readbackAddress: 'R', device: 'three' }], { edit: true })).toMatchObject({ refusals: [{ line: 2, there: 2 }] });
  // Another config, another entry.
  expect(await run(store, [{ readbackAddress: 'R', configAddress: 'R:CFG' }])).toMatchObject({ unchanged: 0, refused: 0, registered: 1 });
  expect(await run(store, [{ readbackAddress: 'N' }, { readbackAddress: 'N', device: 'x' }])).toMatchObject({ rows: 1, refusals: [{ line: 3, earlier: 2 }] });
  expect(await run(store, [{ setpointAddress: 'A', device: 'e' }, { setpointAddress: 'A', device: 'd', tagNames: { Area: ['x'] } }], { edit: true })).toMatchObject({ edited: 1, refusals: [{ line: 3, earlier: 2 }] });
});

async function storedVersions(url: string, id: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query('select from_revision, to_revision, abs_tolerance, tag_names from entry_version where entry_id = $1 order by 1', [id])).rows;
  } finally {
    await client.end();
  }
}
