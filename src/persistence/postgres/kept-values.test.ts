import { expect, test } from 'vitest';
import { addEntries, allChannels, doubles, numberedEntries, openStore, takeSnapshot } from '../../../testing/persistence/store.ts';
import { silentLog } from '../../kernel/log.ts';
import { createDatabase } from './database.ts';
import { createKeptValues } from './kept-values.ts';

test('S2: the values of a snapshot are read once while they are kept, and the one used longest ago makes room', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(1_000));
  const channels = await allChannels(store);
  for (let n = 0; n < 3; n++) await takeSnapshot(store, doubles(channels, (i) => i + n));
  const database = createDatabase({ url: store.url, poolSize: 2, log: silentLog });
  let reads = 0;
  // Room for two of 40,000 bytes.
  const values = createKeptValues({ ...database, connect: () => (reads++, database.connect()) }, 100_000);
  const numbers = (await database.rows<{ number: number; pv_count: number }>('select number, pv_count from snapshot order by number')) as { number: number; pv_count: number }[];
  const [a, b, c] = numbers as [(typeof numbers)[0], (typeof numbers)[0], (typeof numbers)[0]];
  const [first, beside] = await Promise.all([values(a), values(a)]);
  expect(beside).toBe(first);
  expect(first.num[7]).toBe(7);
  await values(b);
  expect(await values(a)).toBe(first);
  expect(reads).toBe(2);
  expect((await values(c)).num[7]).toBe(9);
  // b made room for c, a did not.
  expect(await values(a)).toBe(first);
  expect(reads).toBe(3);
  await values(b);
  expect(reads).toBe(4);
  await database.close();
});

test('a snapshot that takes half of the room is not kept, and a read that failed is tried again', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(1_000));
  await takeSnapshot(store, doubles(await allChannels(store), (i) => i));
  const database = createDatabase({ url: store.url, poolSize: 2, log: silentLog });
  const [one] = (await database.rows<{ number: number; pv_count: number }>('select number, pv_count from snapshot')) as [{ number: number; pv_count: number }];
  const small = createKeptValues(database, 50_000);
  expect(await small(one)).not.toBe(await small(one));
  let away = true;
  const values = createKeptValues({ ...database, connect: () => (away ? Promise.reject(new Error('away')) : database.connect()) });
  await expect(values(one)).rejects.toThrow('away');
  away = false;
  expect((await values(one)).length).toBe(1_000);
  await database.close();
});
