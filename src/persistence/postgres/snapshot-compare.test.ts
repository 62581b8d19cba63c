import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyRow, columnsOf, type AnyRow } from '../../../testing/arbitraries/value-columns.ts';
import { addEntries, allChannels, doubles, numberedEntries, openStore, takeSnapshot } from '../../../testing/persistence/store.ts';
import { ReadOutcome, sliceValueColumns, ValueKind, type ChannelMeta } from '../../contracts/values.ts';
import { compareRows } from '../../snapshots/compare.ts';

/** Labels by hash, so that the same label stands under different indices. */
const metas = new Map<bigint, ChannelMeta>([
  [1n, { labels: ['Off', 'On', 'Fault'] }],
  [2n, { labels: ['On', 'Off'] }],
  [3n, { units: 'A' }],
]);
const tolerance = fc.oneof(fc.constantFrom(0, 0, 0.1, 1e-9, 1e9, 1e300, Number.MAX_VALUE, 5e-324, 1e-200, 1), fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }));
const hash = fc.constantFrom(0n, 1n, 2n, 3n, 99n);

interface Pair {
  readonly a: AnyRow;
  readonly b: AnyRow;
  readonly abs: number;
  readonly rel: number;
}

/** Rows that mostly resemble each other, because two random rows always differ; numbers at the very edge of the tolerance, too. */
const pair: fc.Arbitrary<Pair> = fc.record({ a: anyRow, other: anyRow, abs: tolerance, rel: tolerance, how: fc.nat(6), hashA: hash, hashB: hash, nudge: fc.integer({ min: -3, max: 3 }) }).map(
  ({ a, other, abs, rel, how, hashA, hashB, nudge }) => {
    const one = { ...a, metaHash: hashA };
    const near = (num: number): AnyRow => ({ ...one, metaHash: hashB, num: num + nudge * Number.EPSILON * Math.abs(num) });
    const numeric = one.bytes === undefined && one.text === undefined;
    const two =
      how === 0 ? { ...other, metaHash: hashB }
      : how === 1 ? one
      : how === 2 ? { ...one, outcome: ReadOutcome.timeout }
      : how === 3 && numeric ? near(one.num + abs)
      : how === 4 && numeric ? near(one.num * (1 - rel))
      : how === 5 && one.kind === ValueKind.enum ? { ...one, metaHash: hashB, num: Math.abs(nudge) }
      : { ...one, metaHash: hashB, severity: other.severity, timeNs: other.timeNs };
    return { a: one, b: two, abs, rel };
  },
);

test('two snapshots differ exactly where the rule of snapshots/compare.ts says so', async () => {
  await using store = await openStore();
  await store.snapshots.saveMetas(metas);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(pair, { minLength: 1, maxLength: 60 }), fc.nat(3), fc.nat(3), async (pairs, dropA, dropB) => {
      const prefix = `R${run++}`;
      const entries = await addEntries(store, pairs.map(({ abs, rel }, i) => ({ setpointAddress: `${prefix}:${String(i).padStart(3, '0')}`, absTolerance: abs, relTolerance: rel })));
      const scope = { kind: 'entries' as const, ids: entries.map((entry) => entry.id) };
      const { channels, entryIds } = await store.catalogue.resolve(scope);
      const [all, alsoAll] = [columnsOf(pairs.map((one) => one.a)), columnsOf(pairs.map((one) => one.b))];
      all.channel.set(channels);
      alsoAll.channel.set(channels);
      // Some channels are in one snapshot only.
      const a = sliceValueColumns(all, Math.min(dropA, all.length - 1), all.length);
      const b = sliceValueColumns(alsoAll, 0, Math.max(alsoAll.length - dropB, 1));
      const [first, second] = [await takeSnapshot(store, a, { scope, entryIds }), await takeSnapshot(store, b, { scope, entryIds })];
      const found = await store.snapshots.compare(first.id, second.id);

      const present = pairs.map((_, i) => ({ rowA: a.channel.indexOf(channels[i]!), rowB: b.channel.indexOf(channels[i]!) }));
      const expected = pairs.flatMap(({ abs, rel }, i) => {
        const { rowA, rowB } = present[i]!;
        return compareRows(a, rowA, b, rowB, { abs, rel }, (one) => metas.get(one)) === 'same' ? [] : [`${prefix}:${String(i).padStart(3, '0')}`];
      });
      expect(found.differences.map((one) => one.name)).toEqual(expected);
      expect(found.differenceCount).toBe(expected.length);
      expect(found.matchCount + found.differenceCount).toBe(present.filter(({ rowA, rowB }) => rowA >= 0 || rowB >= 0).length);
      for (const { name, rowA, rowB } of found.differences) {
        const channel = channels[Number(name.slice(-3))]!;
        expect(rowA < 0 ? -1 : found.columnsA.channel[rowA]).toBe(a.channel.includes(channel) ? channel : -1);
        expect(rowB < 0 ? -1 : found.columnsB.channel[rowB]).toBe(b.channel.includes(channel) ? channel : -1);
      }
      await store.catalogue.delete(entryIds!);
    }),
    { numRuns: 60 },
  );
}, 120_000);

test('S2: tolerances are those of the catalogue when the first snapshot was taken', async () => {
  await using store = await openStore();
  const [entry] = await addEntries(store, [{ setpointAddress: 'A', readbackAddress: 'A:RB', absTolerance: 1 }]);
  const channels = await allChannels(store);
  const a = await takeSnapshot(store, doubles(channels, () => 10));
  await store.catalogue.edit(entry!.id, { absTolerance: 0 });
  const b = await takeSnapshot(store, doubles(channels, (i) => (i === 0 ? 10.5 : 12)));
  expect(await store.snapshots.compare(a.id, b.id)).toMatchObject({ matchCount: 1, differenceCount: 1, differences: [{ entryId: entry!.id, role: 'readback', name: 'A:RB', rowA: 0, rowB: 0 }] });
  expect(await store.snapshots.compare(b.id, a.id)).toMatchObject({ matchCount: 0, differenceCount: 2 });
});

test('S2: an entry that only one of the snapshots knew is compared, with the side that is missing', async () => {
  await using store = await openStore();
  const [old, moved] = await addEntries(store, [{ setpointAddress: 'OLD' }, { setpointAddress: 'X' }]);
  const a = await takeSnapshot(store, doubles(await allChannels(store), () => 1));
  await store.catalogue.delete([old!.id]);
  await store.catalogue.edit(moved!.id, { setpointAddress: 'Y' });
  const [added] = await addEntries(store, [{ setpointAddress: 'NEW' }]);
  const b = await takeSnapshot(store, doubles(await allChannels(store), () => 1));
  const rows = (await store.snapshots.compare(a.id, b.id)).differences.map(({ entryId, name, rowA, rowB }) => [entryId, name, rowA >= 0, rowB >= 0]);
  expect(rows).toEqual([
    [added!.id, 'NEW', false, true],
    [old!.id, 'OLD', true, false],
    [moved!.id, 'X', true, false],
    [moved!.id, 'Y', false, true],
  ]);
});

test('a channel that several entries name is compared for each of them, with their tolerances', async () => {
  await using store = await openStore();
  await addEntries(store, [{ setpointAddress: 'A', readbackAddress: 'SHARED', absTolerance: 1 }, { setpointAddress: 'B', readbackAddress: 'SHARED' }]);
  const channels = await allChannels(store);
  const [a, b] = [await takeSnapshot(store, doubles(channels, () => 1)), await takeSnapshot(store, doubles(channels, () => 1.5))];
  const compared = await store.snapshots.compare(a.id, b.id);
  expect(compared.differences.map(({ name, role }) => [name, role])).toEqual([['B', 'setpoint'], ['SHARED', 'readback']]);
  expect(compared.matchCount).toBe(2);
});

test('50,000 rows that all differ are all found, by name', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(50_000));
  const channels = await allChannels(store);
  const [a, b] = [await takeSnapshot(store, doubles(channels, (i) => i)), await takeSnapshot(store, doubles(channels, (i) => i + 1))];
  const compared = await store.snapshots.compare(a.id, b.id);
  expect(compared.differenceCount).toBe(50_000);
  expect(compared.differences[49_999]).toMatchObject({ name: 'TEST:49999', rowA: 49_999, rowB: 49_999 });
  expect(await store.snapshots.compare(a.id, a.id)).toMatchObject({ matchCount: 50_000, differenceCount: 0 });
});
