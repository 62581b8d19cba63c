import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyColumns, columnsOf } from '../../../testing/arbitraries/value-columns.ts';
import { allChannels, addEntries, doubles, newSnapshot, numberedEntries, openStore, quality, takeSnapshot } from '../../../testing/persistence/store.ts';
import { emptyValueColumns, ReadOutcome, sliceValueColumns, ValueKind, copyValueRow, type ValueColumns } from '../../contracts/values.ts';
import { silentLog } from '../../kernel/log.ts';
import { createDatabase } from './database.ts';

test('S3: whatever the columns hold comes back bit for bit, in whatever parts it came', async () => {
  await using store = await openStore();
  await fc.assert(
    fc.asyncProperty(anyColumns, fc.nat(40), fc.boolean(), async (columns, cut, backwards) => {
      const at = Math.min(cut, columns.length);
      const parts = [sliceValueColumns(columns, 0, at), sliceValueColumns(columns, at, columns.length)].map((part) => (backwards ? reversed(part) : part));
      if (backwards) parts.reverse();
      const { id } = await takeSnapshot(store, parts.filter((part) => part.length > 0));
      const stored = await store.snapshots.columns(id);
      expect(stored).toEqual(columns);
      expect(new BigUint64Array(stored.num.buffer)).toEqual(new BigUint64Array(columns.num.buffer));
    }),
    { numRuns: 60 },
  );
});

test('S3: waveforms of 100,000 elements, NUL, every error code, empty and absent texts and arrays come back', async () => {
  await using store = await openStore();
  const waveform = Float64Array.from({ length: 100_000 }, (_, i) => Math.sin(i));
  const long = 'å\u{1f43f}'.repeat(100_000);
  const ok = { outcome: ReadOutcome.ok, severity: 2, status: 3, timeNs: 2n ** 63n - 1n, metaHash: -(2n ** 63n), num: 0 };
  const columns = columnsOf([
    { ...ok, kind: ValueKind.double, bytes: new Uint8Array(waveform.buffer) },
    { ...ok, kind: ValueKind.text, text: '' },
    { ...ok, kind: ValueKind.text },
    { ...ok, kind: ValueKind.text, text: 'a\0b\u00e9\u{1f43f}' },
    { ...ok, kind: ValueKind.text, text: long },
    { ...ok, kind: ValueKind.double, bytes: new Uint8Array(0) },
    { ...ok, kind: ValueKind.text, text: '\ufffd', bytes: Uint8Array.of(0xff, 0, 0xfe), rawText: true },
    { ...ok, kind: ValueKind.text, bytes: new TextEncoder().encode('a\0\0b') },
    { ...ok, kind: ValueKind.uint64, num: 2 ** 64, text: '18446744073709551615' },
    { ...ok, kind: ValueKind.int64, num: -(2 ** 63), text: '-9223372036854775808', timeNs: -1n },
    { ...ok, kind: ValueKind.double, num: -0 },
    { ...ok, kind: ValueKind.double, num: 0 },
    { ...ok, kind: ValueKind.none, outcome: ReadOutcome.refused },
  ]);
  columns.code[12] = 65_535;
  const { id } = await takeSnapshot(store, columns);
  const stored = await store.snapshots.columns(id);
  expect(Buffer.compare(stored.bytes.get(0)!, columns.bytes.get(0)!)).toBe(0);
  for (const { bytes } of [stored, columns]) bytes.delete(0);
  expect(stored).toEqual(columns);
});

test('only the channels asked for come back, 40,000 of them too, and those that the snapshot lacks are left out', async () => {
  await using store = await openStore();
  const channels = Int32Array.from({ length: 50_000 }, (_, i) => i + 1);
  const { id } = await takeSnapshot(store, doubles(channels, (i) => i));
  const asked = channels.slice(5_000, 45_000);
  const some = await store.snapshots.columns(id, asked);
  expect(some.channel).toEqual(asked);
  expect(some.num[0]).toBe(5_000);
  expect((await store.snapshots.columns(id, Int32Array.of(3, 60_000, 1))).channel).toEqual(Int32Array.of(1, 3));
  expect((await store.snapshots.columns(id, new Int32Array(0))).length).toBe(0);
});

test('a stored zero is a zero, and what has no number has none, for those who read the table', async () => {
  await using store = await openStore();
  const ok = { outcome: ReadOutcome.ok, severity: 0, status: 0, timeNs: 1n, metaHash: 0n, num: 0 };
  await takeSnapshot(store, columnsOf([{ ...ok, kind: ValueKind.double }, { ...ok, kind: ValueKind.text, text: 'a' }, { ...ok, kind: ValueKind.int16, bytes: new Uint8Array(2) }, { ...ok, kind: ValueKind.none, outcome: ReadOutcome.timeout }]));
  const database = createDatabase({ url: store.url, poolSize: 1, log: silentLog });
  expect(await database.rows('select num, code, meta_hash from snapshot_value order by channel')).toEqual([0, null, null, null].map((num) => ({ num, code: null, meta_hash: null })));
  await database.close();
});

test('a snapshot without rows is one without rows', async () => {
  await using store = await openStore();
  const { id, pvCount } = await takeSnapshot(store, []);
  expect(pvCount).toBe(0);
  expect(await store.snapshots.columns(id)).toEqual(emptyValueColumns(0));
});

test('many parts written without waiting for each other are all kept', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(2_000));
  const channels = await allChannels(store);
  const writer = await store.snapshots.begin(await newSnapshot(store));
  await Promise.all(Array.from({ length: 20 }, (_, part) => writer.write(doubles(channels.slice(part * 100, part * 100 + 100), (i) => part * 100 + i))));
  expect((await writer.commit(quality)).pvCount).toBe(2_000);
});

function reversed(columns: ValueColumns): ValueColumns {
  const out = emptyValueColumns(columns.length);
  for (let row = 0; row < columns.length; row++) copyValueRow(columns, row, out, columns.length - 1 - row);
  return out;
}
