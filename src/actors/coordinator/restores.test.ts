import { expect, test } from 'vitest';
import { requestCancel, submitJob } from '../../bus/jobs.ts';
import { json } from '../../bus/port.ts';
import { restoreRequest, type RestoreRequestInput } from '../../contracts/restores.ts';
import { takeSnapshot } from '../../contracts/snapshots.ts';
import { subjects } from '../../contracts/subjects.ts';
import { eventually } from '../../../testing/harness/index.ts';
import { fakeFacility, type FakeFacility, type FakeFacilityOptions } from '../../../testing/fakes/facility.ts';
import { sliceRows, type FakeIocHost } from '../../../testing/fakes/ioc-host.ts';
import type { RestoreResult } from '../restore-coordinator/results.ts';

interface Scene {
  readonly facility: FakeFacility;
  readonly host: FakeIocHost;
  readonly snapshotId: string;
  /** Values as they were when the snapshot was taken. */
  readonly saved: Map<number, number>;
}

/** A facility with a snapshot; then every value is changed. */
async function scene(facility: FakeFacility, store = facility.persistence): Promise<Scene> {
  const host = await facility.host('h1');
  await facility.coordinator('coordinator', store);
  const { id } = await submitJob(facility.bus, { type: 'snapshot_create', request: takeSnapshot.parse({ title: 'good' }) }, 'alice');
  const job = await facility.jobs.finished(id, 10_000);
  const saved = new Map([...host.channels].map(([channel, { value }]) => [channel, value]));
  for (const channel of host.channels.values()) channel.value += 1_000;
  return { facility, host, snapshotId: job.resultId!, saved };
}

const restore = ({ facility, snapshotId }: Scene, input: RestoreRequestInput = {}) =>
  submitJob(facility.bus, { type: 'snapshot_restore', snapshotId, request: restoreRequest.parse({ reason: 'test', deadlineMs: 500, ...input }) }, 'bob');
const resultOf = (job: { jobData: Record<string, unknown> }): RestoreResult => job.jobData['result'] as RestoreResult;
const options: FakeFacilityOptions = { setpoints: 40, iocs: 4 };

test('R4: a restore writes what was saved, row by row, keeps what was there before, and tells all', async () => {
  await using facility = await fakeFacility({ ...options, readOnly: (i) => i < 3 });
  const at = await scene(facility);
  const { host, saved } = at;
  const unchanged = facility.ids.get('SET:10')!;
  host.channels.get(unchanged)!.value = saved.get(unchanged)!;
  const events: { outcomes: unknown }[] = [];
  facility.bus.subscribe(subjects.restoreEvents, (message) => events.push(json.decode(message.body)));
  const job = await facility.jobs.finished((await restore(at)).id, 20_000);
  expect(job).toMatchObject({ status: 'completed', progress: 100, message: '40 PVs: 36 verified, 1 unchanged, 3 skipped' });
  expect(resultOf(job)).toMatchObject({ totalPVs: 40, successCount: 37, failureCount: 0, unknownCount: 0, skippedCount: 3, failures: [] });
  const readOnly = [0, 1, 2].map((i) => facility.ids.get(`SET:${i}`)!);
  expect(new Map(host.writes.map(({ channel, value }) => [channel, value]))).toEqual(new Map([...saved].filter(([channel]) => channel !== unchanged && !readOnly.includes(channel))));
  expect(host.writes.length).toBe(36);
  const { rows, counts } = await facility.persistence.restores.rows(job.id, { limit: 100, offset: 0 });
  expect(counts).toEqual({ verified: 36, unchanged: 1, skipped: 3 });
  expect(rows.find((row) => row.pvName === 'SET:20')).toMatchObject({ outcome: 'verified', before: facility.ids.get('SET:20')! / 10 + 1_000, target: facility.ids.get('SET:20')! / 10, after: facility.ids.get('SET:20')! / 10 });
  expect(rows.find((row) => row.pvName === 'SET:1')).toMatchObject({ outcome: 'skipped', why: 'readOnlyEntry' });
  await eventually(() => events.length === 1, { saying: 'the event' });
  // A1.
  expect((await facility.persistence.audit.list({ what: 'restore.run' }, { limit: 100, offset: 0 })).results).toMatchObject([
    { who: 'bob', why: 'test', subject: at.snapshotId, result: 'ended: 36 verified, 1 unchanged, 3 skipped', after: { job: job.id, resultId: job.resultId, outcomes: { verified: 36 } } },
  ]);
  const audit = await facility.persistence.audit.list({ what: 'pv.write' }, { limit: 100, offset: 0 });
  expect(audit.totalCount).toBe(36);
  expect(audit.results.find((event) => event.subject === 'SET:20')).toMatchObject({ who: 'bob', why: 'test', result: 'verified', before: { value: facility.ids.get('SET:20')! / 10 + 1_000 }, after: { value: facility.ids.get('SET:20')! / 10, job: job.id } });
});

test('R3: the values about to be overwritten are kept before the first write, and restoring them puts them back', async () => {
  await using facility = await fakeFacility(options);
  const at = await scene(facility);
  const before = new Map([...at.host.channels].map(([channel, { value }]) => [channel, value]));
  let keptFirst = false;
  at.host.beforeSlice = async () => {
    keptFirst ||= (await facility.persistence.snapshots.list({ kind: 'before-restore' }, { limit: 1, offset: 0 })).totalCount === 1;
    expect(keptFirst).toBe(true);
  };
  const job = await facility.jobs.finished((await restore(at)).id, 20_000);
  expect(job.status).toBe('completed');
  expect(keptFirst).toBe(true);
  expect(await facility.persistence.snapshots.get(job.resultId!)).toMatchObject({ kind: 'before-restore', createdBy: 'bob' });
  const undo = await facility.jobs.finished((await restore({ ...at, snapshotId: job.resultId! })).id, 20_000);
  expect(undo).toMatchObject({ status: 'completed', message: '40 PVs: 40 verified' });
  expect(new Map([...at.host.channels].map(([channel, { value }]) => [channel, value]))).toEqual(before);
});

test('R3: what would be overwritten is on its way into the image while an IOC is still being read, and leaves nothing when a cancel comes then', async () => {
  await using facility = await fakeFacility(options);
  const told = { onTheirWay: 0, kept: 0, givenUp: 0 };
  const { snapshots } = facility.persistence;
  const begin: typeof snapshots.begin = async (wanted) => {
    const writer = await snapshots.begin(wanted);
    if (wanted.kind !== 'before-restore') return writer;
    return {
      write: async (part) => {
        await writer.write(part);
        told.onTheirWay += part.length;
      },
      commit: (quality) => {
        told.kept += 1;
        return writer.commit(quality);
      },
      abort: async () => {
        await writer.abort();
        told.givenUp += 1;
      },
    };
  };
  const at = await scene(facility, { ...facility.persistence, snapshots: { ...snapshots, begin } });
  at.host.hung.add('ioc1:5064');
  const { id } = await restore(at);
  await eventually(() => told.onTheirWay === 30, { saying: 'the values of the IOCs that answer' });
  expect((await facility.jobs.get(id)).message).toBe('reading what is there now');
  await requestCancel(facility.bus, id, 'carol');
  expect(await facility.jobs.finished(id, 10_000)).toMatchObject({ status: 'cancelled', resultId: null, message: 'cancelled by carol; nothing was written' });
  await eventually(() => told.givenUp === 1, { saying: 'the image to be given up' });
  expect(told.kept).toBe(0);
  expect(at.host.writes).toEqual([]);
  expect((await snapshots.list({ kind: 'before-restore' }, { limit: 1, offset: 0 })).totalCount).toBe(0);
});

test('R1: an empty selection writes nothing, a selection only what it names, an unknown one fails', async () => {
  await using facility = await fakeFacility(options);
  const at = await scene(facility);
  const none = await facility.jobs.finished((await restore(at, { pvIds: [] })).id, 10_000);
  expect(none).toMatchObject({ status: 'completed', resultId: null, message: 'nothing was selected, nothing was written' });
  expect(at.host.writes).toEqual([]);
  expect((await facility.persistence.restores.rows(none.id, { limit: 1, offset: 0 })).totalCount).toBe(0);
  const some = await facility.jobs.finished((await restore(at, { pvNames: ['SET:5', 'SET:6'] })).id, 10_000);
  expect(some).toMatchObject({ status: 'completed', message: '2 PVs: 2 verified' });
  expect(at.host.writes.map(({ channel }) => channel).sort()).toEqual([facility.ids.get('SET:5'), facility.ids.get('SET:6')].sort());
  const unknown = await facility.jobs.finished((await restore(at, { pvNames: ['SET:5', 'NO:SUCH'] })).id, 10_000);
  expect(unknown).toMatchObject({ status: 'failed', errorCode: 'notFound', error: expect.stringContaining('NO:SUCH') });
  expect(at.host.writes.length).toBe(2);
});

test('I1: rows of a hung IOC fail with the reason, the others are written', async () => {
  await using facility = await fakeFacility(options);
  const at = await scene(facility);
  at.host.hung.add('ioc1:5064');
  const job = await facility.jobs.finished((await restore(at)).id, 20_000);
  expect(resultOf(job)).toMatchObject({ outcomes: { verified: 30, failed: 10 }, failureCount: 10 });
  expect(resultOf(job).failures[0]).toMatchObject({ pvName: expect.stringMatching(/^SET:/), pvId: expect.any(String), error: 'the IOC did not answer when its live value was read, and what cannot be kept before is not overwritten' });
});

test('a second restore waits for the first one and says so', async () => {
  await using facility = await fakeFacility(options);
  const at = await scene(facility);
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  at.host.beforeSlice = () => gate;
  const first = await restore(at);
  await eventually(async () => (await facility.jobs.get(first.id)).progress >= 20, { saying: 'the first to write' });
  const second = await restore(at);
  await eventually(async () => (await facility.jobs.get(second.id)).message.includes('waits'), { saying: 'the second to wait' });
  expect(await facility.jobs.get(second.id)).toMatchObject({ status: 'pending', message: `waits for the restore of snapshot ${at.snapshotId} (job ${first.id}) to end` });
  open();
  expect(await facility.jobs.finished(first.id, 10_000)).toMatchObject({ status: 'completed' });
  expect(await facility.jobs.finished(second.id, 10_000)).toMatchObject({ status: 'completed', message: '40 PVs: 40 unchanged' });
});

test('a cancel leaves rows not attempted alone, and every row has its outcome', async () => {
  await using facility = await fakeFacility(options);
  const at = await scene(facility);
  let id = '';
  let slices = 0;
  at.host.beforeSlice = async () => {
    if (++slices === 3) await requestCancel(facility.bus, id, 'carol');
  };
  ({ id } = await restore(at));
  const job = await facility.jobs.finished(id, 20_000);
  expect(job).toMatchObject({ status: 'cancelled', message: expect.stringMatching(/^cancelled by carol; 40 PVs: /) });
  const { counts } = await facility.persistence.restores.rows(id, { limit: 1, offset: 0 });
  expect(counts['verified']! + counts['skipped']!).toBe(40);
  expect(counts['verified']).toBe(at.host.writes.length);
  expect(counts['skipped']).toBeGreaterThan(0);
});

test('R2: a coordinator that stops while values are written is followed by another, and nothing is written twice', async () => {
  await using facility = await fakeFacility(options);
  const host = await facility.host('h1');
  const first = await facility.coordinator('c1');
  const taken = await facility.jobs.finished((await submitJob(facility.bus, { type: 'snapshot_create', request: takeSnapshot.parse({ title: 'good' }) }, 'alice')).id, 10_000);
  for (const channel of host.channels.values()) channel.value += 1_000;
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  let slices = 0;
  host.afterSlice = async () => {
    if (++slices > 2) await gate;
  };
  const { id } = await restore({ facility, host, snapshotId: taken.resultId!, saved: new Map() });
  await eventually(() => slices >= 3, { saying: 'the writing to be half done' });
  await first.stop();
  open();
  await facility.coordinator('c2');
  const job = await facility.jobs.finished(id, 20_000);
  expect(job).toMatchObject({ status: 'completed', message: '40 PVs: 40 verified', resultId: expect.any(String) });
  expect(new Set(host.writes.map(({ channel }) => channel)).size).toBe(40);
  expect(host.writes.length).toBe(40);
  const { rows } = await facility.persistence.restores.rows(id, { limit: 100, offset: 0 });
  expect(rows.every((row) => row.outcome === 'verified' && row.before === (row.target as number) + 1_000)).toBe(true);
  expect((await facility.persistence.snapshots.list({ kind: 'before-restore' }, { limit: 5, offset: 0 })).totalCount).toBe(1);
});

test('R2: a host that dies between attempt and outcome leaves unknown rows, which are not written again', async () => {
  await using facility = await fakeFacility({ setpoints: 8, iocs: 1 });
  const at = await scene(facility);
  let deliveries = 0;
  at.host.afterSlice = async () => {
    if (++deliveries === 1) throw new Error('the host dies here, on purpose');
  };
  const job = await facility.jobs.finished((await restore(at)).id, 20_000);
  expect(resultOf(job).outcomes).toEqual({ verified: 8 - sliceRows, unknown: sliceRows });
  expect(at.host.writes.length).toBe(8);
  expect(new Set(at.host.writes.map(({ channel }) => channel)).size).toBe(8);
});

test('J1: NATS killed while values are written: the restore goes on and nothing is written twice', async () => {
  await using facility = await fakeFacility(options);
  const at = await scene(facility);
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  let slices = 0;
  at.host.beforeSlice = async () => {
    if (++slices > 2) await gate;
  };
  const { id } = await restore(at);
  await eventually(() => slices >= 3, { saying: 'the writing to be half done' });
  await facility.killNats();
  await eventually(() => facility.bus.state === 'disconnected', { saying: 'the outage to be noticed' });
  await facility.reviveNats();
  await eventually(() => facility.bus.state === 'connected', { saying: 'NATS to be back' });
  open();
  const job = await facility.jobs.finished(id, 25_000);
  expect(job.status).toBe('completed');
  expect(at.host.writes.length).toBe(new Set(at.host.writes.map(({ channel }) => channel)).size);
  expect(resultOf(job).successCount + resultOf(job).unknownCount).toBe(40);
});

test('R4: a host that stays away costs its rows an outcome, and writes none of them when it comes back', async () => {
  await using facility = await fakeFacility({ setpoints: 8, iocs: 1 });
  const at = await scene(facility);
  let attempts = 0;
  at.host.beforeSlice = async () => {
    attempts += 1;
    await at.host.stop();
    throw new Error('the host goes away here, on purpose');
  };
  const { id } = await restore(at);
  const job = await facility.jobs.finished(id, 60_000);
  expect(attempts).toBe(1);
  expect(resultOf(job)).toMatchObject({ outcomes: { failed: 8 }, failureCount: 8 });
  expect(resultOf(job).failures[0]!.error).toBe('the ioc-host did not answer');
  const back = await facility.host('h1');
  await eventually(() => back.writeItems.length > 0, { saying: 'the item to come again', withinMs: 15_000 });
  expect([...at.host.writes, ...back.writes]).toEqual([]);
}, 90_000);
