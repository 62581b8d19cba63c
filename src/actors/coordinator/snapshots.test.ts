import { expect, test } from 'vitest';
import { requestCancel, submitJob } from '../../bus/jobs.ts';
import { json } from '../../bus/port.ts';
import type { JobRecord } from '../../contracts/jobs.ts';
import { takeSnapshot, type SnapshotSummary, type TakeSnapshotInput } from '../../contracts/snapshots.ts';
import { buckets, subjects } from '../../contracts/subjects.ts';
import { ReadOutcome } from '../../contracts/values.ts';
import { eventually } from '../../../testing/harness/index.ts';
import { fakeFacility, type FakeFacility } from '../../../testing/fakes/facility.ts';

const take = (facility: FakeFacility, input: Partial<TakeSnapshotInput> = {}) =>
  submitJob(facility.bus, { type: 'snapshot_create', request: takeSnapshot.parse({ title: 'shift', deadlineMs: 300, ...input }) }, 'alice');

test('a snapshot of everything is read by IOC, stored whole, and announced', async () => {
  await using facility = await fakeFacility({ setpoints: 100, iocs: 4 });
  const host = await facility.host('h1');
  host.metas.set(77n, { units: 'mm' });
  for (const channel of host.channels.values()) channel.meta = 77n;
  await facility.coordinator();
  const announced: SnapshotSummary[] = [];
  facility.bus.subscribe(subjects.snapshotEvents, (message) => announced.push(json.decode<{ snapshot: SnapshotSummary }>(message.body).snapshot));
  const job = await facility.jobs.finished((await take(facility)).id, 10_000);
  expect(job).toMatchObject({ status: 'completed', progress: 100, error: null, message: '"shift" stored: 100 of 100 channels read' });
  const summary = await facility.persistence.snapshots.get(job.resultId!);
  expect(summary).toMatchObject({ title: 'shift', createdBy: 'alice', pvCount: 100, quality: { rows: 100, iocs: 4, outcomes: { ok: 100 }, iocsNotAnswering: [] } });
  const columns = await facility.persistence.snapshots.columns(summary.id);
  expect([...columns.num]).toEqual([...columns.channel].map((channel) => channel / 10));
  expect(await facility.persistence.snapshots.metas([77n])).toEqual(new Map([[77n, { units: 'mm' }]]));
  expect(host.readItems.map((item) => item.ioc).sort()).toEqual(['ioc0:5064', 'ioc1:5064', 'ioc2:5064', 'ioc3:5064']);
  await eventually(() => announced.length === 1, { saying: 'the announcement' });
  expect(announced[0]!.id).toBe(summary.id);
});

test('I1: a hung IOC costs its own rows one deadline, and they say so', async () => {
  await using facility = await fakeFacility({ setpoints: 40, iocs: 4 });
  const host = await facility.host('h1');
  host.hung.add('ioc2:5064');
  await facility.coordinator();
  const job = await facility.jobs.finished((await take(facility)).id, 10_000);
  const { quality } = await facility.persistence.snapshots.get(job.resultId!);
  expect(quality).toMatchObject({ outcomes: { ok: 30, timeout: 10 }, iocsNotAnswering: [{ ioc: 'ioc2:5064', rows: 10, reason: 'the IOC does not answer' }] });
});

test('S1: rows of a host that does not answer are marked after deadline and grace, and the rest are good', async () => {
  await using facility = await fakeFacility({ setpoints: 40, iocs: 8 });
  const [one, two] = [await facility.host('h1'), await facility.host('h2')];
  two.silent = true;
  await facility.coordinator();
  const job = await facility.jobs.finished((await take(facility)).id, 10_000);
  const { quality } = await facility.persistence.snapshots.get(job.resultId!);
  const lost = quality.outcomes['timeout'] ?? 0;
  expect(lost).toBeGreaterThan(0);
  expect(quality.outcomes).toEqual({ ok: 40 - lost, timeout: lost });
  expect(one.readItems.length + two.readItems.length).toBe(8);
  expect(quality.iocsNotAnswering[0]!.reason).toContain('h2');
});

test('channels that a host does not own are asked for once more, elsewhere or there', async () => {
  await using facility = await fakeFacility({ setpoints: 20, iocs: 2 });
  const host = await facility.host('h1');
  const missing = [...host.channels.keys()][3]!;
  host.channels.delete(missing);
  await facility.coordinator();
  const job = await facility.jobs.finished((await take(facility)).id, 10_000);
  const columns = await facility.persistence.snapshots.columns(job.resultId!);
  expect(columns.length).toBe(20);
  expect(columns.outcome[columns.channel.indexOf(missing)]).toBe(ReadOutcome.notOwned);
  expect(host.readItems.length).toBe(3);
});

test('scopes: by name; names that do not exist fail the job with the reason', async () => {
  await using facility = await fakeFacility({ setpoints: 20, iocs: 2 });
  await facility.host('h1');
  await facility.coordinator();
  const some = await facility.jobs.finished((await take(facility, { scope: { kind: 'names', pvNames: ['SET:3', 'SET:5'] } })).id, 10_000);
  expect((await facility.persistence.snapshots.get(some.resultId!)).pvCount).toBe(2);
  const none = await facility.jobs.finished((await take(facility, { scope: { kind: 'names', pvNames: ['SET:3', 'NO:SUCH'] } })).id, 10_000);
  expect(none).toMatchObject({ status: 'failed', errorCode: 'notFound', error: expect.stringContaining('NO:SUCH'), resultId: null });
});

test('a job is cancelled while it reads, and leaves nothing', async () => {
  await using facility = await fakeFacility({ setpoints: 20, iocs: 2 });
  const host = await facility.host('h1');
  host.silent = true;
  await facility.coordinator();
  const { id } = await take(facility, { deadlineMs: 30_000 });
  await eventually(() => host.readItems.length === 2, { saying: 'both items to be taken' });
  await requestCancel(facility.bus, id, 'bob');
  expect(await facility.jobs.finished(id, 5_000)).toMatchObject({ status: 'cancelled', message: 'cancelled by bob', resultId: null });
  expect((await facility.persistence.snapshots.list({}, { limit: 10, offset: 0 })).totalCount).toBe(0);
});

test('J1: a job whose coordinator stops is finished by the next one, and its snapshot is stored once', async () => {
  await using facility = await fakeFacility({ setpoints: 20, iocs: 2 });
  const host = await facility.host('h1');
  host.silent = true;
  const first = await facility.coordinator('c1');
  const { id } = await take(facility, { deadlineMs: 30_000 });
  await eventually(() => host.readItems.length === 2, { saying: 'both items to be taken' });
  await first.stop();
  host.silent = false;
  await facility.coordinator('c2');
  expect(await facility.jobs.finished(id, 15_000)).toMatchObject({ status: 'completed' });
  expect(host.readItems.map((item) => item.run)).toEqual([1, 1, 2, 2]);
  expect((await facility.persistence.snapshots.list({}, { limit: 10, offset: 0 })).totalCount).toBe(1);
});

test('J1: a job of a process that died is taken up by another when its lease has run out, not before', async () => {
  await using facility = await fakeFacility({ setpoints: 20, iocs: 2 });
  await facility.host('h1');
  const { id } = await take(facility);
  // As kill -9 leaves it: running, by somebody who renews no lease any more.
  const bucket = await facility.bus.keyValue(buckets.jobs);
  const { value, revision } = (await bucket.get(id))!;
  const record = json.decode<JobRecord>(value);
  const until = Date.now() + 1_000;
  await bucket.update(id, json.encode({ ...record, job: { ...record.job, status: 'running' }, lease: { owner: 'the dead#1', until } } satisfies JobRecord), revision);
  await facility.coordinator('c2');
  expect(await facility.jobs.finished(id, 20_000)).toMatchObject({ status: 'completed' });
  expect(Date.now()).toBeGreaterThan(until);
});

test('J1: a job whose work breaks in a way that nobody foresaw fails with the reason', async () => {
  await using facility = await fakeFacility({ setpoints: 4, iocs: 1 });
  await facility.host('h1');
  const snapshots = { ...facility.persistence.snapshots, begin: async () => { throw new TypeError('nobody foresaw this'); } };
  await facility.coordinator('c1', { ...facility.persistence, snapshots });
  const { id } = await take(facility);
  expect(await facility.jobs.finished(id, 10_000)).toMatchObject({ status: 'failed', errorCode: 'internal', error: expect.stringContaining('nobody foresaw this'), completedAt: expect.any(String) });
});

test('J1: NATS killed while values are gathered: the job reads again and completes', async () => {
  await using facility = await fakeFacility({ setpoints: 20, iocs: 2 });
  const host = await facility.host('h1');
  host.silent = true;
  await facility.coordinator();
  const { id } = await take(facility, { deadlineMs: 30_000 });
  await eventually(() => host.readItems.length === 2, { saying: 'both items to be taken' });
  await facility.killNats();
  await eventually(() => facility.bus.state === 'disconnected', { saying: 'the outage to be noticed' });
  host.silent = false;
  await facility.reviveNats();
  expect(await facility.jobs.finished(id, 20_000)).toMatchObject({ status: 'completed', message: '"shift" stored: 20 of 20 channels read' });
});

test('two coordinators share the jobs, and each job is run once', async () => {
  await using facility = await fakeFacility({ setpoints: 20, iocs: 2 });
  await facility.host('h1');
  await Promise.all([facility.coordinator('c1'), facility.coordinator('c2')]);
  const submitted = await Promise.all(Array.from({ length: 10 }, (_, i) => take(facility, { title: `shift ${i}` })));
  const ended = await Promise.all(submitted.map((job) => facility.jobs.finished(job.id, 15_000)));
  expect(ended.map((job) => job.status)).toEqual(Array(10).fill('completed'));
  expect((await facility.persistence.snapshots.list({}, { limit: 20, offset: 0 })).totalCount).toBe(10);
});

test('the catalogue is served in pages, and what hosts find is kept and told', async () => {
  await using facility = await fakeFacility({ setpoints: 5, iocs: 1 });
  await facility.coordinator();
  const ask = async (subject: string, body: unknown) => json.decode<Record<string, unknown>>(await facility.bus.request(subject, json.encode(body), 2_000));
  const page = await ask(subjects.catalogueChannels, { after: 0, limit: 3 });
  expect(page).toMatchObject({ more: true, channels: [[1, 'SET:0', 'ioc0:5064'], [2, 'SET:1', 'ioc0:5064'], [3, 'SET:2', 'ioc0:5064']] });
  const told: unknown[] = [];
  facility.bus.subscribe(subjects.directoryEvent, (message) => told.push(json.decode(message.body)));
  await ask(subjects.directoryUpdate, { host: 'h', found: { 'other:5064': [2] } });
  await eventually(() => told.length === 1, { saying: 'the directory event' });
  expect(told).toEqual([{ found: { 'other:5064': [2] } }]);
  expect(await ask(subjects.catalogueChannels, { after: 1, limit: 1 })).toMatchObject({ channels: [[2, 'SET:1', 'other:5064']] });
  await expect(facility.bus.request(subjects.catalogueChannels, json.encode({ after: -1 }), 2_000)).rejects.toMatchObject({ code: 'badInput' });
  await expect(facility.bus.request(subjects.catalogueChannels, new Uint8Array([1]), 2_000)).rejects.toMatchObject({ code: 'badInput' });
});
