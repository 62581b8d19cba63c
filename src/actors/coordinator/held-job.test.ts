import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestCancel, submitJob } from '../../bus/jobs.ts';
import { connectNats, ensureTopology } from '../../bus/nats/index.ts';
import { json, type Bus, type KeyValue } from '../../bus/port.ts';
import type { Job, JobRecord } from '../../contracts/jobs.ts';
import { takeSnapshot } from '../../contracts/snapshots.ts';
import { buckets, subjects } from '../../contracts/subjects.ts';
import { systemClock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import { eventually, startNats, type NatsServer } from '../../../testing/harness/index.ts';
import { claimJob, leaseMs } from './held-job.ts';

let nats: NatsServer;
let bus: Bus;
let jobs: KeyValue;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectNats({ servers: nats.connection.servers, name: 'test', log: silentLog });
  await ensureTopology(bus);
  jobs = await bus.keyValue(buckets.jobs);
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

const read = async (id: string): Promise<{ record: JobRecord; revision: number }> => {
  const entry = (await jobs.get(id))!;
  return { record: json.decode<JobRecord>(entry.value), revision: entry.revision };
};
const submit = async () => read((await submitJob(bus, { type: 'snapshot_create', request: takeSnapshot.parse({ title: 't' }) }, 'alice')).id);
const claim = (found: { record: JobRecord; revision: number }, id: string) =>
  claimJob({ bus, jobs, clock: systemClock, log: silentLog, me: { id, owner: `${id}#1` } }, found.record, found.revision);

test('of two that claim a job one gets it', async () => {
  const found = await submit();
  const held = await Promise.all([claim(found, 'a'), claim(found, 'b')]);
  expect(held.filter((one) => one !== undefined).length).toBe(1);
  const { record } = await read(found.record.job.id);
  expect(record.job).toMatchObject({ status: 'running', startedAt: expect.any(String) });
  expect(record.lease!.until - Date.now()).toBeGreaterThan(leaseMs - 2_000);
  await Promise.all(held.map((one) => one?.release()));
});

test('J1: a change of a job that was taken over is refused, and ends the work on it', async () => {
  const found = await submit();
  const held = (await claim(found, 'a'))!;
  await held.save({ checkpoint: { step: 1 } });
  const now = await read(found.record.job.id);
  await jobs.update(now.record.job.id, json.encode({ ...now.record, lease: { owner: 'b#1', until: Date.now() + leaseMs } }), now.revision);
  await expect(held.save({ checkpoint: { step: 2 } })).rejects.toMatchObject({ name: 'Fenced', message: expect.stringContaining('b#1') });
  expect(held.signal.aborted).toBe(true);
  expect((await read(found.record.job.id)).record.checkpoint).toEqual({ step: 1 });
});

test('the watch tells of a takeover before any change is tried', async () => {
  const found = await submit();
  const held = (await claim(found, 'a'))!;
  held.seen({ ...held.record, lease: { owner: 'b#1', until: 0 } });
  expect(held.signal.aborted).toBe(true);
});

test('a cancel that comes between two changes is kept and heard, once', async () => {
  const found = await submit();
  const held = (await claim(found, 'a'))!;
  const heard: string[] = [];
  held.onCancel((by) => heard.push(by));
  await requestCancel(bus, found.record.job.id, 'bob');
  await held.save({ checkpoint: { step: 1 } });
  held.seen((await read(found.record.job.id)).record);
  expect(heard).toEqual(['bob']);
  const { record } = await read(found.record.job.id);
  expect([record.cancelRequested?.by, record.checkpoint]).toEqual(['bob', { step: 1 }]);
  held.onCancel((by) => heard.push(`late ${by}`));
  expect(heard).toEqual(['bob', 'late bob']);
  await held.release();
});

test('changes are made in the order they were asked for, and each is told', async () => {
  const found = await submit();
  const told: number[] = [];
  const subscription = bus.subscribe(subjects.jobEvent(found.record.job.id), (message) => told.push(json.decode<Job>(message.body).progress));
  await bus.flush();
  const held = (await claim(found, 'a'))!;
  await Promise.all([1, 2, 3].map((progress) => held.save({ job: { progress } })));
  held.progress(50, 'half');
  await eventually(() => told.length === 5, { saying: 'five events' });
  expect(told).toEqual([0, 1, 2, 3, 50]);
  await subscription.stop();
  await held.release();
});

test('an ended job has no lease and no checkpoint; a released one is free at once', async () => {
  const found = await submit();
  const held = (await claim(found, 'a'))!;
  await held.save({ job: { status: 'completed', progress: 100 }, checkpoint: { step: 9 } });
  expect((await read(found.record.job.id)).record).toMatchObject({ lease: null, checkpoint: null, job: { status: 'completed' } });
  const other = await submit();
  const released = (await claim(other, 'a'))!;
  await released.release();
  expect((await read(other.record.job.id)).record).toMatchObject({ lease: null, job: { status: 'running' } });
  expect(released.signal.aborted).toBe(true);
});
