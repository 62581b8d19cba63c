import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyRow, columnsOf, type AnyRow } from '../../../testing/arbitraries/value-columns.ts';
import { addEntries, allChannels, doubles, numberedEntries, openStore, takeSnapshot } from '../../../testing/persistence/store.ts';
import { ReadOutcome, sliceValueColumns, ValueKind, type ChannelMeta, type ValueColumns } from '../../contracts/values.ts';
import { compareColumns, rowOfChannel } from '../../snapshots/compare-columns.ts';
import { compareRows } from '../../snapshots/compare.ts';
import type { Persistence } from '../port.ts';

/** By the rule, over what the store hands out. */
async function compareTwo(store: Persistence, a: string, b: string) {
  const found = await store.snapshots.comparable([a, b]);
  const [columnsA, columnsB] = found.columns as [ValueColumns, ValueColumns];
  const { rows, ...counted } = compareColumns(found, columnsA, [columnsB], (one) => found.metas.get(one));
  const differences = (await found.name(rows)).map((role, i) => {
    const channel = found.channel[rows[i]!]!;
    return { ...role, rowA: rowOfChannel(columnsA, channel), rowB: rowOfChannel(columnsB, channel) };
  });
  return { differences: differences.sort((x, y) => (x.name < y.name ? -1 : 1)), columnsA, columnsB, ...counted };
}

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
  await fc.assert(fc.asyncProperty(fc.array(pair, { minLength: 1, maxLength: 60 }), fc.nat(3), fc.nat(3), (pairs, dropA, dropB) => agrees(store, pairs, dropA, dropB).then(() => {})), { numRuns: 60 });
}, 120_000);

test('the awkward pairs are decided by the rule, and raise no overflow', async () => {
  await using store = await openStore();
  await store.snapshots.saveMetas(metas);
  const ok = { outcome: ReadOutcome.ok, severity: 0, status: 0, timeNs: 1n, metaHash: 0n, num: 0 };
  const double = (num: number): AnyRow => ({ ...ok, kind: ValueKind.double, num });
  const choice = (num: number, metaHash: bigint): AnyRow => ({ ...ok, kind: ValueKind.enum, num, metaHash });
  const wide = (text: string): AnyRow => ({ ...ok, kind: ValueKind.int64, num: Number(text), text });
  const words = (text: string, bytes?: Uint8Array): AnyRow => ({ ...ok, kind: ValueKind.text, text, ...(bytes ? { bytes, rawText: true } : {}) });
  const waveform = (...numbers: number[]): AnyRow => ({ ...ok, kind: ValueKind.double, bytes: new Uint8Array(Float64Array.from(numbers).buffer) });
  const { MAX_VALUE } = Number;
  const different: [AnyRow, AnyRow, number, number][] = [
    [choice(0, 1n), choice(0, 2n), 0, 0], [choice(0, 1n), choice(1, 1n), 5, 0], [double(MAX_VALUE), double(-MAX_VALUE), 1, 0.1], [double(Infinity), double(-Infinity), MAX_VALUE, 1],
    [double(Infinity), double(5), MAX_VALUE, 1e300], [double(NaN), double(5), MAX_VALUE, 1e300], [double(5e-324), double(0), 0, 0.5], [double(1), double(1 + Number.EPSILON), 0, 0],
    [wide('9007199254740993'), wide('9007199254740992'), 0, 0], [words('a'), words('a', Uint8Array.of(97)), 0, 0], [words('1'), double(1), 1, 1], [words(''), double(0), 0, 0],
    [waveform(1, NaN), waveform(1, 2), 0, 0], [waveform(1), waveform(1, 2), 9, 9], [waveform(), double(0), 0, 0], [double(1), { ...double(1), outcome: ReadOutcome.iocOpen }, 9, 9],
  ];
  const same: [AnyRow, AnyRow, number, number][] = [
    [choice(0, 1n), choice(1, 2n), 0, 0], [choice(1, 3n), choice(1, 1n), 0, 0], [double(MAX_VALUE), double(MAX_VALUE), 0, 0], [double(NaN), double(NaN), 0, 0], [double(0), double(-0), 0, 0],
    [double(Infinity), double(Infinity), 0, 0], [double(1), double(1.1), 0.1, 0], [wide('9007199254740993'), wide('9007199254740992'), 1, 0], [words(''), { ...words('x'), text: undefined }, 0, 0],
    [waveform(1, NaN), waveform(1.05, NaN), 0.1, 0], [{ ...ok, kind: ValueKind.int32, num: 3 }, double(3), 0, 0], [double(MAX_VALUE), double(MAX_VALUE * (1 - 1e-9)), 0, 1e-6],
    [{ ...double(1), outcome: ReadOutcome.timeout }, { ...double(2), outcome: ReadOutcome.notFound }, 0, 0],
  ];
  const pairs = [...different, ...same].map(([a, b, abs, rel]) => ({ a, b, abs, rel }));
  expect(await agrees(store, pairs, 0, 0)).toEqual(different.map((_, i) => i));
  expect(await agrees(store, pairs.map(({ a, b, ...rest }) => ({ a: b, b: a, ...rest })), 0, 0)).toEqual(different.map((_, i) => i));
});

let runs = 0;

/** Stores both sides and compares them there and by the rule. Which pairs differ, by index. */
async function agrees(store: Persistence, pairs: readonly Pair[], dropA: number, dropB: number): Promise<number[]> {
  const prefix = `R${runs++}`;
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
  const found = await compareTwo(store, first.id, second.id);

  const present = pairs.map((_, i) => ({ rowA: a.channel.indexOf(channels[i]!), rowB: b.channel.indexOf(channels[i]!) }));
  const verdicts = pairs.map(({ abs, rel }, i) => compareRows(a, present[i]!.rowA, b, present[i]!.rowB, { abs, rel }, (one) => metas.get(one)));
  const expected = verdicts.flatMap((verdict, i) => (verdict === 'same' || verdict === 'missing' ? [] : [i]));
  const indexOf = (name: string): number => Number(name.slice(-3));
  expect(found.differences.map((one) => indexOf(one.name))).toEqual(expected);
  expect(found.differenceCount).toBe(expected.length);
  const held = present.map(({ rowA, rowB }) => rowA >= 0 || rowB >= 0);
  expect(found.missingCount).toBe(verdicts.filter((verdict, i) => held[i] && verdict === 'missing').length);
  expect(found.matchCount + found.differenceCount + found.missingCount).toBe(held.filter(Boolean).length);
  for (const { name, rowA, rowB } of found.differences) {
    const channel = channels[indexOf(name)]!;
    expect(rowA < 0 ? -1 : found.columnsA.channel[rowA]).toBe(a.channel.includes(channel) ? channel : -1);
    expect(rowB < 0 ? -1 : found.columnsB.channel[rowB]).toBe(b.channel.includes(channel) ? channel : -1);
  }
  await store.catalogue.delete(entryIds!);
  return expected;
}

test('S2: tolerances are those of the catalogue when the first snapshot was taken', async () => {
  await using store = await openStore();
  const [entry] = await addEntries(store, [{ setpointAddress: 'A', readbackAddress: 'A:RB', absTolerance: 1 }]);
  const channels = await allChannels(store);
  const a = await takeSnapshot(store, doubles(channels, () => 10));
  await store.catalogue.edit(entry!.id, { absTolerance: 0 });
  const b = await takeSnapshot(store, doubles(channels, (i) => (i === 0 ? 10.5 : 12)));
  expect(await compareTwo(store, a.id, b.id)).toMatchObject({ matchCount: 1, differenceCount: 1, differences: [{ entryId: entry!.id, role: 'readback', name: 'A:RB', rowA: 1, rowB: 1 }] });
  expect(await compareTwo(store, b.id, a.id)).toMatchObject({ matchCount: 0, differenceCount: 2 });
});

test('S2: an entry that only one of the snapshots knew is compared, with the side that is missing', async () => {
  await using store = await openStore();
  const [old, moved] = await addEntries(store, [{ setpointAddress: 'OLD' }, { setpointAddress: 'X' }]);
  const a = await takeSnapshot(store, doubles(await allChannels(store), () => 1));
  await store.catalogue.delete([old!.id]);
  await store.catalogue.edit(moved!.id, { setpointAddress: 'Y' });
  const [added] = await addEntries(store, [{ setpointAddress: 'NEW' }]);
  const b = await takeSnapshot(store, doubles(await allChannels(store), () => 1));
  const rows = (await compareTwo(store, a.id, b.id)).differences.map(({ entryId, name, rowA, rowB }) => [entryId, name, rowA >= 0, rowB >= 0]);
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
  const compared = await compareTwo(store, a.id, b.id);
  expect(compared.differences.map(({ name, role }) => [name, role])).toEqual([['B', 'setpoint'], ['SHARED', 'readback']]);
  expect(compared.matchCount).toBe(2);
});

test('ten thousand rows that all differ are all found, by name', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(10_000));
  const channels = await allChannels(store);
  const [a, b] = [await takeSnapshot(store, doubles(channels, (i) => i)), await takeSnapshot(store, doubles(channels, (i) => i + 1))];
  const compared = await compareTwo(store, a.id, b.id);
  expect(compared.differenceCount).toBe(10_000);
  expect(compared.differences[9_999]).toMatchObject({ name: 'TEST:09999', rowA: 9_999, rowB: 9_999 });
  expect(await compareTwo(store, a.id, a.id)).toMatchObject({ matchCount: 10_000, differenceCount: 0 });
});
