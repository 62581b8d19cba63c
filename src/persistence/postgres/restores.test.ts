import { expect, test } from 'vitest';
import { addEntries, allChannels, doubles, openStore } from '../../../testing/persistence/store.ts';
import { RestoreOutcome, restoreReasonNames } from '../../contracts/restores.ts';
import { ReadOutcome, ValueKind } from '../../contracts/values.ts';
import { contentHash } from '../../kernel/content-hash.ts';
import type { StoredRestore } from '../port.ts';

const snapshotId = '01a1f9af-42e9-7000-bf60-0493a2a28726';

test('R4: the rows of a restore are kept once, whole, and read in the order of their names', async () => {
  await using store = await openStore();
  const [c] = await addEntries(store, [{ setpointAddress: 'C' }, { setpointAddress: 'A' }, { setpointAddress: 'B' }]);
  const channels = await allChannels(store);
  const after = doubles(channels, (i) => i + 20);
  after.outcome[2] = ReadOutcome.timeout;
  const restore: StoredRestore = {
    jobId: 'r1', snapshotId, who: 'tests', reason: 'why not', startedAt: new Date(), finishedAt: new Date(),
    channel: channels,
    outcome: Uint8Array.of(RestoreOutcome.verified, RestoreOutcome.failed, RestoreOutcome.written),
    why: Uint8Array.of(0, restoreReasonNames.indexOf('refused'), restoreReasonNames.indexOf('notReadBack')),
    code: Uint16Array.of(0, 65_535, 0), attempted: Uint8Array.of(1, 1, 0),
    before: doubles(channels, (i) => (i === 0 ? NaN : i)), target: doubles(channels, (i) => i + 10), after,
  };
  await store.restores.save(restore);
  await store.restores.save({ ...restore, who: 'another', outcome: new Uint8Array(3) });
  // A1: how it ended, once.
  expect(await store.audit.list({ what: 'restore.run' }, { limit: 10, offset: 0 })).toMatchObject({ totalCount: 1, results: [{ who: 'tests', subject: snapshotId, result: 'ended: 1 written, 1 verified, 1 failed', after: { job: 'r1' } }] });
  await store.catalogue.delete([c!.id]);
  const all = await store.restores.rows('r1', { limit: 10, offset: 0 });
  expect(all.counts).toEqual({ written: 1, verified: 1, failed: 1 });
  expect(all.totalCount).toBe(3);
  expect(all.rows.map((row) => [row.pvName, row.pvId === null, row.outcome, row.why, row.before, row.target, row.after])).toEqual([
    ['A', false, 'failed', 'refused', 1, 11, 21],
    ['B', false, 'written', 'notReadBack', 2, 12, null],
    ['C', true, 'verified', 'none', 'NaN', 10, 20],
  ]);
  expect(all.rows[0]!.detail).toContain('65535');
  expect(await store.restores.rows('r1', { limit: 1, offset: 0, outcomes: ['written'] })).toMatchObject({ totalCount: 1, rows: [{ pvName: 'B' }] });
  expect(await store.restores.rows('r1', { limit: 2, offset: 0, outcomes: ['verified', 'failed'] })).toMatchObject({ totalCount: 2, rows: [{ pvName: 'C' }, { pvName: 'A' }], reasons: { failed: { refused: 1 }, written: { notReadBack: 1 } } });
  expect((await store.restores.rows('r1', { limit: 1, offset: 1 })).rows.map((row) => row.pvName)).toEqual(['B']);
  await expect(store.restores.rows('r1', { limit: 1, offset: 0, outcomes: ['nope'] })).rejects.toMatchObject({ code: 'badInput' });
  await expect(store.restores.rows('r2', { limit: 1, offset: 0 })).rejects.toMatchObject({ code: 'notFound' });
});

test('R4: a row that was not written says why with the values and limits at stake, in its outcome and in the audit log', async () => {
  await using store = await openStore();
  await addEntries(store, [{ setpointAddress: 'A' }, { setpointAddress: 'B' }, { setpointAddress: 'C' }]);
  const channels = await allChannels(store);
  const limited = { units: 'A', control: { low: 0, high: 3 } };
  const labelled = { labels: ['Off', 'On'] };
  const metas = new Map([limited, labelled, { labels: ['Off', 'Standby'] }].map((meta) => [contentHash(meta), meta]));
  await store.snapshots.saveMetas(metas);
  const [limitedHash, labelledHash, otherHash] = [...metas.keys()] as [bigint, bigint, bigint];
  const target = doubles(channels, () => 5);
  target.kind[1] = ValueKind.text;
  target.text.set(1, 'five');
  target.kind[2] = ValueKind.enum;
  target.num[2] = 1;
  target.metaHash.set([limitedHash, 0n, labelledHash]);
  const before = doubles(channels, () => 2);
  before.kind[2] = ValueKind.enum;
  before.metaHash.set([limitedHash, 0n, otherHash]);
  await store.restores.save({
    jobId: 'r1', snapshotId, who: 'tests', reason: '', startedAt: new Date(), finishedAt: new Date(), channel: channels,
    outcome: new Uint8Array(3).fill(RestoreOutcome.skipped), why: Uint8Array.from(['outOfLimits', 'wrongType', 'labelGone'] as const, (why) => restoreReasonNames.indexOf(why)), code: new Uint16Array(3),
    // None of them would be an event of its own otherwise.
    attempted: Uint8Array.of(1, 1, 1), before, target, after: doubles(channels, () => 2),
  });
  const details = ['5 is outside the drive limits 0 to 3 A', 'saved as text, the channel is double', 'the saved label "On" is not among "Off", "Standby"'];
  expect((await store.restores.rows('r1', { limit: 10, offset: 0 })).rows.map(({ detail }) => detail)).toEqual(details);
  expect((await store.audit.list({ what: 'pv.write' }, { limit: 10, offset: 0 })).results.map(({ result }) => result)).toEqual(details.map((detail) => `skipped: ${detail}`));
});

test('A1: the newest events come first, however many there are, page by page', async () => {
  await using store = await openStore();
  const subjects = Array.from({ length: 25 }, (_, n) => `event ${n}`);
  for (const subject of subjects) await store.audit.record([{ who: 'tests', what: 'test', subject, before: null, after: null, why: '', result: 'ok' }]);
  const seen: string[] = [];
  for (let offset = 0; offset < 25; offset += 4) seen.push(...(await store.audit.list({}, { limit: 4, offset })).results.map((event) => event.subject));
  expect(seen).toEqual(subjects.reverse());
});
