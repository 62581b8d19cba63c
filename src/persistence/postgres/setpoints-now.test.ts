import { expect, test } from 'vitest';
import { addEntries, allChannels, doubles, numberedEntries, openStore, takeSnapshot, type ExampleStore } from '../../../testing/persistence/store.ts';

/** So many that all are kept in memory. */
const many = 1_200;

async function same(store: ExampleStore, channels: Int32Array): Promise<number> {
  const { channel, readOnly, absTolerance, relTolerance } = await store.catalogue.setpointColumns(channels);
  const one = await store.catalogue.setpoints(channels);
  expect(Array.from(channel, (id, at) => ({ channel: id, readOnly: readOnly[at] === 1, absTolerance: absTolerance[at], relTolerance: relTolerance[at] }))).toEqual(one.map(({ entryId: _, ...rest }) => rest));
  return one.length;
}

test('setpoints that are kept follow each change of the catalogue, whoever made it', async () => {
  await using store = await openStore();
  const entries = await addEntries(store, numberedEntries(many));
  const channels = await allChannels(store);
  expect(await same(store, channels)).toBe(many);
  await store.catalogue.edit(entries[7]!.id, { absTolerance: 0.5, readOnly: true });
  expect(await same(store, channels)).toBe(many);
  await store.catalogue.delete([entries[9]!.id]);
  expect(await same(store, channels)).toBe(many - 1);
  // In another order, and with some that are none.
  expect(await same(store, Int32Array.from([...channels, 999_999, 0]).reverse())).toBe(many - 1);
});

test('S2: a snapshot has the setpoints of its own catalogue, also when today\'s is kept', async () => {
  await using store = await openStore();
  const entries = await addEntries(store, numberedEntries(many));
  const channels = await allChannels(store);
  const { id } = await takeSnapshot(store, doubles(channels, (i) => i));
  expect((await (await store.snapshots.setpointValues(id)).values).columns.length).toBe(many);
  await store.catalogue.delete([entries[0]!.id]);
  expect(await same(store, channels)).toBe(many - 1);
  expect((await (await store.snapshots.setpointValues(id)).values).columns.length).toBe(many);
});

test('a snapshot of every setpoint is one of everything only where every entry has a setpoint', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(many));
  const setpoints = await allChannels(store);
  const pages = async (): Promise<number> => {
    await store.catalogue.setpointColumns(setpoints);
    const { id } = await takeSnapshot(store, doubles(setpoints, (i) => i), { entryIds: 'setpoints' });
    return (await store.snapshots.page(id, {})).totalCount;
  };
  expect(await pages()).toBe(many);
  await addEntries(store, [{ readbackAddress: 'ONLY:RB' }]);
  expect(await pages()).toBe(many);
});
