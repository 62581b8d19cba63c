import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobRecord, JobWork } from '../contracts/jobs.ts';
import { buckets, subjects } from '../contracts/subjects.ts';
import { silentLog } from '../kernel/log.ts';
import { eventually, startNats, type NatsServer } from '../../testing/harness/index.ts';
import { requestCancel, submitJob, watchJobs, type Jobs } from './jobs.ts';
import { connectNats, ensureTopology } from './nats/index.ts';
import { json, type Bus } from './port.ts';

let nats: NatsServer;
let bus: Bus;
let jobs: Jobs;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectNats({ servers: nats.connection.servers, name: 'test', log: silentLog });
  await ensureTopology(bus);
  jobs = await watchJobs(bus);
});
afterAll(async () => {
  await jobs.stop();
  await bus.close();
  await nats.stop();
});

const work: JobWork = { type: 'snapshot_create', request: { title: 'before the shift', description: '', mode: 'live', scope: { kind: 'all' }, deadlineMs: 2_000 } };
const change = async (id: string, edit: (record: JobRecord) => JobRecord): Promise<void> => {
  const bucket = await bus.keyValue(buckets.jobs);
  const entry = (await bucket.get(id))!;
  await bucket.update(id, json.encode(edit(json.decode<JobRecord>(entry.value))), entry.revision);
};

test('J1: a job that was accepted is kept, and shown at once', async () => {
  const job = await submitJob(bus, work, 'alice');
  expect(await jobs.get(job.id)).toEqual(job);
  expect(job).toMatchObject({ status: 'pending', requestedBy: 'alice', jobData: { title: 'before the shift', mode: 'live', scope: 'all' } });
  await eventually(() => jobs.list().some((listed) => listed.id === job.id), { saying: 'the job to be listed' });
});

test('who waits for a job hears of its end, progress in between included', async () => {
  const job = await submitJob(bus, work, 'alice');
  const told: number[] = [];
  const stop = jobs.onChange((changed) => changed.id === job.id && told.push(changed.progress));
  const ended = jobs.finished(job.id, 5_000);
  await change(job.id, (record) => ({ ...record, job: { ...record.job, status: 'running' } }));
  await eventually(async () => (await jobs.get(job.id)).status === 'running', { saying: 'the job to run' });
  bus.publish(subjects.jobEvent(job.id), json.encode({ ...job, status: 'running', progress: 40, message: 'reading' }));
  await eventually(async () => (await jobs.get(job.id)).progress === 40, { saying: 'progress from the event' });
  await change(job.id, (record) => ({ ...record, job: { ...record.job, status: 'completed', progress: 100 } }));
  expect(await ended).toMatchObject({ status: 'completed', progress: 100 });
  expect(told.slice(-2)).toEqual([40, 100]);
  stop();
});

test('who waits too long hears where the job stands', async () => {
  const job = await submitJob(bus, work, 'alice');
  await expect(jobs.finished(job.id, 50)).rejects.toMatchObject({ code: 'timeout', message: expect.stringContaining('pending') });
});

test('a job that nobody has begun is cancelled at once, by name of who did it', async () => {
  const job = await submitJob(bus, work, 'alice');
  expect(await requestCancel(bus, job.id, 'bob')).toMatchObject({ status: 'cancelled', message: 'cancelled by bob before it began' });
  expect(await jobs.finished(job.id, 2_000)).toMatchObject({ status: 'cancelled' });
  expect(await requestCancel(bus, job.id, 'bob')).toMatchObject({ status: 'cancelled' });
});

test('a running job is asked to end, a finished one is a conflict', async () => {
  const job = await submitJob(bus, work, 'alice');
  await change(job.id, (record) => ({ ...record, job: { ...record.job, status: 'running' }, lease: { owner: 'c', until: Date.now() + 10_000 } }));
  expect((await requestCancel(bus, job.id, 'bob')).status).toBe('running');
  const entry = await (await bus.keyValue(buckets.jobs)).get(job.id);
  expect(json.decode<JobRecord>(entry!.value).cancelRequested?.by).toBe('bob');
  await change(job.id, (record) => ({ ...record, job: { ...record.job, status: 'completed' } }));
  await expect(requestCancel(bus, job.id, 'bob')).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('completed') });
});

test('D1: ids that are no job are notFound, whatever they look like', async () => {
  for (const id of ['00000000-0000-4000-8000-000000000000', '*', 'a b', '../x', '>', '']) {
    await expect(jobs.get(id)).rejects.toMatchObject({ code: 'notFound' });
    await expect(requestCancel(bus, id, 'bob')).rejects.toMatchObject({ code: 'notFound' });
  }
});
