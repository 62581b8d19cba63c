import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { createDatabase } from '../../../testing/harness/index.ts';
import { addEntries, allChannels, doubles, openStore } from '../../../testing/persistence/store.ts';
import { encodeFrame } from '../../contracts/frame.ts';
import { RestoreOutcome } from '../../contracts/restores.ts';
import { silentLog } from '../../kernel/log.ts';
import { createPersistence } from './index.ts';

const snapshotId = '01a1f9af-42e9-7000-bf60-0493a2a28726';
const nameOf = (n: number): string => `P${String(n).padStart(4, '0')}`;

test('A1: each write of a long restore is found by its PV, with the values of that PV', async () => {
  await using store = await openStore();
  const names = Array.from({ length: 1_200 }, (_, n) => nameOf(n));
  await addEntries(store, names.map((setpointAddress) => ({ setpointAddress })));
  const channels = await allChannels(store);
  const known = await store.catalogue.names(channels);
  const n = channels.length;
  const save = (jobId: string, add: number, attempted: Uint8Array): Promise<void> =>
    store.restores.save({
      jobId, snapshotId, who: 'tests', reason: '', startedAt: new Date(), finishedAt: new Date(), channel: channels,
      outcome: new Uint8Array(n).fill(RestoreOutcome.verified), why: new Uint8Array(n), code: new Uint16Array(n), attempted,
      before: doubles(channels, (i) => i), target: doubles(channels, (i) => i + add), after: doubles(channels, (i) => i + add),
    });
  await save('first', 10_000, new Uint8Array(n).fill(1));
  await save('second', 20_000, Uint8Array.from(channels, (_, i) => (i === 700 ? 0 : 1)));
  const written = async (row: number): Promise<unknown[]> => (await store.audit.list({ subject: known[row]! }, { limit: 10, offset: 0 })).results.map((event) => [event.before, event.after]);
  for (const row of [0, 511, 512, 1_199]) {
    expect(await written(row)).toEqual([20_000, 10_000].map((add) => [{ value: row }, expect.objectContaining({ value: row + add, readBack: row + add })]));
  }
  expect(await written(700)).toEqual([[{ value: 700 }, expect.objectContaining({ value: 10_700 })]]);
  const newest = await store.audit.list({ what: 'pv.write' }, { limit: 3, offset: 510 });
  expect(newest.totalCount).toBe(2 * n - 1);
  expect(newest.results.map((event) => event.subject)).toEqual([510, 511, 512].map((row) => known[row]));
  const page = await store.restores.rows('first', { limit: 4, offset: 510 });
  expect(page.rows.map((row) => [row.pvName, row.target])).toEqual([510, 511, 512, 513].map((at) => [nameOf(at), known.indexOf(nameOf(at)) + 10_000]));
});

test('a restore stored by an older Drey keeps its rows, counts and values', async () => {
  const database = await createDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    const folder = join(import.meta.dirname, 'migrations');
    await client.query('create table schema_version (name text primary key, at timestamptz not null default now())');
    for (const name of readdirSync(folder).filter((file) => file < '0008').sort()) {
      await client.query(readFileSync(join(folder, name), 'utf8'));
      await client.query('insert into schema_version (name) values ($1)', [name]);
    }
    await client.query(`insert into channel (name) values ('A'), ('B'), ('C')`);
    const channels = Int32Array.of(1, 2, 3);
    const frames = [0, 10, 20].map((add) => Buffer.from(encodeFrame(null, doubles(channels, (i) => i + add))));
    await client.query(
      `insert into restore (job_id, snapshot_id, who, reason, started_at, finished_at, attempted, before_values, target_values, after_values)
       values ('old', $1, 'tests', 'why', now(), now(), 2, $2, $3, $4), ('empty', $1, 'tests', 'why', now(), now(), 0, $2, $3, $4)`,
      [snapshotId, ...frames],
    );
    await client.query(`insert into restore_row (restore, row, channel, code, outcome, why, attempted) values (1, 2, 3, 0, 6, 13, true), (1, 0, 1, 0, 2, 0, true), (1, 1, 2, 0, 4, 1, false)`);
  } finally {
    await client.end();
  }
  const store = createPersistence({ url: database.url, log: silentLog });
  try {
    await store.migrate();
    const { rows, counts } = await store.restores.rows('old', { limit: 10, offset: 0 });
    expect(counts).toEqual({ verified: 1, skipped: 1, failed: 1 });
    expect(rows.map((row) => [row.pvName, row.outcome, row.why, row.before, row.target, row.after])).toEqual([
      ['A', 'verified', 'none', 0, 10, 20], ['B', 'skipped', 'readOnlyEntry', 1, 11, 21], ['C', 'failed', expect.any(String), 2, 12, 22],
    ]);
    expect((await store.audit.list({ what: 'pv.write' }, { limit: 10, offset: 0 })).results.map((event) => event.subject)).toEqual(['A', 'C']);
    expect(await store.restores.rows('empty', { limit: 10, offset: 0 })).toEqual({ rows: [], totalCount: 0, counts: {}, reasons: {} });
  } finally {
    await store.close();
    await database.drop();
  }
});
