import pg from 'pg';
import { expect, test } from 'vitest';
import { addEntries, allChannels, doubles, numberedEntries, openStore, takeSnapshot } from '../../../testing/persistence/store.ts';

test('the cost of listing is independent of the values stored: it never looks at them', async () => {
  await using store = await openStore();
  const [entry] = await addEntries(store, [{ setpointAddress: 'A', tagNames: { Area: ['L1'] } }]);
  await takeSnapshot(store, doubles(await allChannels(store), () => 1), { title: 'listed' });
  const locker = new pg.Client({ connectionString: store.url });
  await locker.connect();
  // Whoever reads a value waits here for ever.
  await locker.query('begin; lock table snapshot_value in access exclusive mode');
  const waiting = async (): Promise<number> => (await locker.query(`select 1 from pg_locks where relation = 'snapshot_value'::regclass and not granted`)).rowCount ?? 0;
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {});
  const looking = setInterval(() => void waiting().then((waits) => waits > 0 && ended.reject(new Error('the list reads snapshot_value: its cost grows with what is stored'))), 50);
  try {
    const filter = { title: 'list', author: 'test', tags: [entry!.tags[0]!.id], from: new Date(0), to: new Date(Date.now() + 60_000), sort: 'title' } as const;
    const listed = store.snapshots.list(filter, { limit: 10, offset: 0 });
    expect(await Promise.race([listed, ended.promise])).toMatchObject({ totalCount: 1, results: [{ title: 'listed', pvCount: 1 }] });
  } finally {
    clearInterval(looking);
    await locker.end();
  }
});

test('snapshots of a PV are found over several partitions, one probe each', async () => {
  await using store = await openStore();
  await addEntries(store, numberedEntries(3));
  const channels = await allChannels(store);
  for (let n = 0; n < 70; n++) await takeSnapshot(store, doubles(n % 2 === 0 ? channels : channels.slice(0, 2), () => n), { title: `n${n}` });
  const found = await store.snapshots.list({ pvName: 'TEST:00002' }, { limit: 1000, offset: 0 });
  expect(found.totalCount).toBe(35);
  expect(found.results.map(({ title }) => title)).toEqual(Array.from({ length: 35 }, (_, n) => `n${68 - 2 * n}`));
  const history = await store.snapshots.history({ pvName: 'TEST:00002' }, { limit: 2, offset: 1 });
  expect(history.totalCount).toBe(35);
  expect(history.points.map(({ snapshot, cells }) => [snapshot.title, history.columns.num[cells[0]!.row]])).toEqual([['n66', 66], ['n64', 64]]);
});
