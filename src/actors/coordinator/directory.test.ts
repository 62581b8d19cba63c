import { expect, test } from 'vitest';
import type { CatalogueStore } from '../../persistence/port.ts';
import { createDirectory, groupByIoc } from './directory.ts';

const known = { channels: Int32Array.from([1, 2, 4, 5, 9]), iocIndex: Int32Array.from([0, 1, 0, -1, 1]), iocs: ['a:1', 'b:1'] };

test('channels are grouped by the IOC that the directory names, those it does not know are unresolved', () => {
  const { byIoc, unresolved } = groupByIoc(Int32Array.from([1, 2, 3, 4, 5, 9, 10]), known);
  expect(Object.fromEntries([...byIoc].map(([ioc, channels]) => [ioc, [...channels]]))).toEqual({ 'a:1': [1, 4], 'b:1': [2, 9] });
  expect(unresolved).toEqual([3, 5, 10]);
});

function catalogue() {
  const asked = { directory: 0, names: [] as number[][] };
  let revision = 1;
  const store = {
    revisions: async () => ({ catalogue: 1, directory: revision }),
    directory: async () => {
      asked.directory += 1;
      return { ...known, revisions: { catalogue: 1, directory: revision } };
    },
    names: async (channels: Int32Array) => {
      asked.names.push([...channels]);
      return [...channels].map((channel) => `PV:${channel}`);
    },
    resolve: async () => ({ channels: Int32Array.from([2, 4]), entryIds: ['e'], revisions: { catalogue: 3, directory: 1 } }),
  } as unknown as CatalogueStore;
  return { asked, store, change: () => (revision += 1) };
}

test('the directory is read again only when it has changed', async () => {
  const { asked, store, change } = catalogue();
  const directory = createDirectory(store, { names: () => ['h'] });
  const all = await directory.resolve({ kind: 'all' });
  expect([...all.channels]).toEqual([1, 2, 4, 5, 9]);
  expect(all).toMatchObject({ entryIds: null, catalogueRevision: 1 });
  await directory.place(all.channels);
  await directory.place(all.channels);
  expect(asked.directory).toBe(1);
  change();
  await directory.place(all.channels);
  expect(asked.directory).toBe(2);
  expect(await directory.resolve({ kind: 'entries', ids: ['e'] })).toMatchObject({ entryIds: ['e'], catalogueRevision: 3 });
});

test('every channel is in one target; unresolved ones are placed by name, asked for once, and only when there is a choice', async () => {
  const { asked, store } = catalogue();
  let hosts = ['h'];
  const directory = createDirectory(store, { names: () => hosts });
  const one = await directory.place(known.channels);
  expect(one.map(({ ioc, host, channels }) => [ioc, host, [...channels]])).toEqual([['a:1', 'h', [1, 4]], ['b:1', 'h', [2, 9]], [null, 'h', [5]]]);
  expect(asked.names).toEqual([]);
  hosts = ['h', 'i', 'j'];
  const many = await directory.place(known.channels);
  expect(many.flatMap(({ channels }) => [...channels]).sort((a, b) => a - b)).toEqual([...known.channels]);
  await directory.place(known.channels);
  expect(asked.names).toEqual([[5]]);
  hosts = [];
  expect((await directory.place(known.channels)).every(({ host }) => host === undefined)).toBe(true);
});
