import { expect, test } from 'vitest';
import { addEntries, allChannels, doubles, openStore, takeSnapshot } from '../../../testing/persistence/store.ts';

const numbers = (values: { channel: Int32Array; num: Float64Array }): [number, number][] => Array.from(values.channel, (channel, row) => [channel, values.num[row]!]);

test('S2: the setpoints of a snapshot are those that its entries had then, each once, and nothing else of it', async () => {
  await using store = await openStore();
  const [first] = await addEntries(store, [{ setpointAddress: 'A', readbackAddress: 'A:RB' }, { readbackAddress: 'ONLY:RB' }, { setpointAddress: 'B', configAddress: 'A' }]);
  const channels = await allChannels(store);
  const names = await store.catalogue.names(channels);
  const { id } = await takeSnapshot(store, doubles(channels, (i) => i));
  await store.catalogue.delete([first!.id]);
  const { channels: wanted, values, summary } = await store.snapshots.setpointValues(id);
  expect(summary.id).toBe(id);
  const { columns } = await values;
  expect(numbers(columns)).toEqual(['A', 'B'].map((name) => names.indexOf(name)).sort().map((row) => [channels[row], row]));
  expect(wanted).toEqual(columns.channel);
});

test('a snapshot given by setpoints is of their entries, with the tags of these', async () => {
  await using store = await openStore();
  const entries = await addEntries(store, [
    { setpointAddress: 'A', readbackAddress: 'A:RB', tagNames: { area: ['north'] } }, { setpointAddress: 'B', tagNames: { area: ['south'] } }, { readbackAddress: 'C' },
  ]);
  const channels = await allChannels(store);
  const wanted = channels.filter((_, row) => row === 0);
  const [name] = await store.catalogue.names(wanted);
  const some = await takeSnapshot(store, doubles(wanted, () => 7), { entryIds: 'setpoints' });
  const page = await store.snapshots.page(some.id, {});
  expect(page.entries.map(({ entryId }) => entryId)).toEqual([entries.find(({ setpointAddress }) => setpointAddress === name)!.id]);
  const [area] = await store.tags.groups();
  const listed = await Promise.all(['north', 'south'].map(async (tag) => (await store.snapshots.list({ tags: [area!.tags.find((each) => each.name === tag)!.id] }, { limit: 9, offset: 0 })).results.length));
  expect(listed).toEqual(name === 'A' ? [1, 0] : [0, 1]);
});

test('the setpoints of every entry there is make a snapshot of everything, and none make one of nothing', async () => {
  await using store = await openStore();
  await addEntries(store, [{ setpointAddress: 'A' }, { setpointAddress: 'B' }]);
  const channels = await allChannels(store);
  const all = await takeSnapshot(store, doubles(channels, (i) => i), { entryIds: 'setpoints' });
  const none = await takeSnapshot(store, doubles(new Int32Array(0), () => 0), { entryIds: 'setpoints' });
  expect((await store.snapshots.page(all.id, {})).totalCount).toBe(2);
  expect((await store.snapshots.page(none.id, {})).totalCount).toBe(0);
});

test("setpoints as columns say the same as setpoints one by one, and leave out what is no current entry's setpoint", async () => {
  await using store = await openStore();
  const [gone] = await addEntries(store, [
    { setpointAddress: 'GONE' }, { setpointAddress: 'A', absTolerance: 0.5, relTolerance: 0.25, readOnly: true }, { setpointAddress: 'B', readbackAddress: 'B:RB', absTolerance: 1e-300 },
  ]);
  const channels = await allChannels(store);
  await store.catalogue.delete([gone!.id]);
  const { channel, readOnly, absTolerance, relTolerance } = await store.catalogue.setpointColumns(channels);
  const one = await store.catalogue.setpoints(channels);
  expect(one).toHaveLength(2);
  expect(Array.from(channel, (id, at) => ({ channel: id, readOnly: readOnly[at] === 1, absTolerance: absTolerance[at], relTolerance: relTolerance[at] }))).toEqual(one.map(({ entryId: _, ...rest }) => rest));
});
