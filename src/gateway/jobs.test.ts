import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGateway, storeSnapshot, type GatewayForTest } from '../../testing/gateway/index.ts';
import { eventually } from '../../testing/harness/index.ts';
import type { CatalogueEntry } from '../contracts/catalogue.ts';
import type { Job, JobRecord } from '../contracts/jobs.ts';
import { RestoreOutcome, restoreReasonNames } from '../contracts/restores.ts';
import { emptyValueColumns, ReadOutcome } from '../contracts/values.ts';

let gateway: GatewayForTest;
let entries: CatalogueEntry[];
beforeAll(async () => {
  gateway = await startGateway();
  entries = await gateway.good('POST', '/v1/pvs/multi', [{ setpointAddress: 'A' }, { setpointAddress: 'B' }]);
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const ended = (status: Job['status'], more: Partial<Job> = {}) => (record: JobRecord): JobRecord => ({ ...record, job: { ...record.job, status, progress: 100, completedAt: new Date().toISOString(), ...more } });
const running = (record: JobRecord): JobRecord => ({ ...record, job: { ...record.job, status: 'running', progress: 10 }, lease: { owner: 'test', until: Date.now() + 60_000 } });

/** The job that a request under way has made. The list may still show one that has just ended as pending. */
const pendingJob = (type: Job['type'], title?: string): Promise<Job> =>
  eventually(async () => (await gateway.good<Job[]>('GET', `/v1/jobs?status=pending&type=${type}`)).find(({ jobData }) => jobData['title'] === title), { saying: 'the job to be listed' });

test('J1: a snapshot asked for is a job at once, with who asked and what for', async () => {
  const { jobId, message } = await gateway.good('POST', '/v1/snapshots?use_cache=true', { title: 'night', scope: { kind: 'names', pvNames: ['A'] } });
  expect(message).toContain(jobId);
  expect(await gateway.good('GET', `/v1/jobs/${jobId}`)).toMatchObject({ id: jobId, type: 'snapshot_create', status: 'pending', progress: 0, requestedBy: 'test admin', resultId: null, jobData: { title: 'night', mode: 'monitored', scope: 'names' } });
  await gateway.changeJob(jobId, ended('completed'));
});

test('the mode of the body wins over use_cache, and live is what neither says', async () => {
  const modeOf = async (query: string, body: object): Promise<unknown> => {
    const { jobId } = await gateway.good('POST', `/v1/snapshots${query}`, { title: 'x', ...body });
    const { jobData } = await gateway.good<Job>('GET', `/v1/jobs/${jobId}`);
    await gateway.changeJob(jobId, ended('completed'));
    return jobData['mode'];
  };
  expect(await modeOf('', {})).toBe('live');
  expect(await modeOf('?use_cache=false&use_arq=true', {})).toBe('live');
  expect(await modeOf('?use_cache=true', { mode: 'live' })).toBe('live');
  expect(await modeOf('?use_cache=false', { mode: 'monitored' })).toBe('monitored');
});

test('who asks with async=false gets the snapshot when it is stored', async () => {
  const asked = gateway.good('POST', '/v1/snapshots?async=false', { title: 'waited for' });
  const { id } = await pendingJob('snapshot_create', 'waited for');
  const snapshot = await storeSnapshot(gateway.persistence, 'waited for', { A: { num: 1 } });
  await gateway.changeJob(id, ended('completed', { resultId: snapshot.id }));
  expect(await asked).toMatchObject({ id: snapshot.id, title: 'waited for', pvCount: 2 });
});

test('who asks with async=false hears why a job failed or was cancelled', async () => {
  for (const [errorCode, status] of [['unavailable', 503], ['notFound', 404], ['conflict', 409], ['internal', 500], [undefined, 500]] as const) {
    const title = `fails by ${errorCode}`;
    const failing = gateway.refused('POST', '/v1/snapshots?async=false', { title });
    await gateway.changeJob((await pendingJob('snapshot_create', title)).id, ended('failed', { error: 'no ioc-host is running', ...(errorCode ? { errorCode } : {}) }));
    expect(await failing, title).toMatchObject({ status, body: { code: errorCode ?? 'internal', detail: expect.stringContaining('no ioc-host is running') } });
  }
  const cancelled = gateway.refused('POST', '/v1/snapshots?async=false', { title: 'is cancelled' });
  await gateway.good('POST', `/v1/jobs/${(await pendingJob('snapshot_create', 'is cancelled')).id}/cancel`);
  expect(await cancelled).toMatchObject({ status: 409, body: { code: 'cancelled', detail: expect.stringContaining('test admin') } });
});

test('a job is waited for as long as asked and not longer', async () => {
  const { jobId } = await gateway.good('POST', '/v1/snapshots', { title: 'slow' });
  expect(await gateway.good('GET', `/v1/jobs/${jobId}?wait=20`)).toMatchObject({ status: 'pending' });
  const waiting = gateway.good('GET', `/v1/jobs/${jobId}?wait=60000`);
  await gateway.changeJob(jobId, running);
  await gateway.changeJob(jobId, ended('completed'));
  expect(await waiting).toMatchObject({ status: 'completed' });
  expect(await gateway.refused('GET', `/v1/jobs/${jobId}?wait=60001`)).toMatchObject({ status: 422, body: { detail: expect.stringContaining('60000') } });
});

test('A1: a running job is asked to end, by whom is kept, and a finished one refuses', async () => {
  const { jobId } = await gateway.good('POST', '/v1/snapshots', { title: 'to cancel' });
  await gateway.changeJob(jobId, running);
  expect(await gateway.good('POST', `/v1/jobs/${jobId}/cancel`, {})).toMatchObject({ status: 'running', message: 'test admin asked for its end' });
  await gateway.changeJob(jobId, ended('cancelled'));
  const { jobId: done } = await gateway.good('POST', '/v1/snapshots', { title: 'done' });
  await gateway.changeJob(done, ended('completed'));
  expect((await gateway.refused('POST', `/v1/jobs/${done}/cancel`)).status).toBe(409);
  expect((await gateway.good('GET', `/v1/audit?subject=${jobId}`)).results).toMatchObject([{ what: 'jobs.cancel', who: 'test admin', before: { status: 'running' }, result: 'done' }]);
});

test('a restore is cancelled only with the restore scope', async () => {
  const snapshot = await storeSnapshot(gateway.persistence, 'cancel', { A: { num: 1 } });
  const { jobId } = await gateway.good('POST', `/v1/snapshots/${snapshot.id}/restore`, {});
  const key = await gateway.keyWith('snapshot');
  expect((await gateway.refused('POST', `/v1/jobs/${jobId}/cancel`, undefined, { key })).status).toBe(403);
  expect(await gateway.good('POST', `/v1/jobs/${jobId}/cancel`)).toMatchObject({ status: 'cancelled' });
  // The next test looks for the one that is pending.
  await eventually(async () => (await gateway.good<Job[]>('GET', '/v1/jobs?status=pending&type=snapshot_restore')).length === 0, { saying: 'the list to hear of the cancel' });
});

test('R4, A1: a restore is recorded before it is handed in, and its rows are shown with their outcomes', async () => {
  const snapshot = await storeSnapshot(gateway.persistence, 'restore me', { A: { num: 1 }, B: { num: 2 } });
  const asked = gateway.good('POST', `/v1/snapshots/${snapshot.id}/restore?async=false`, { reason: 'orbit is off', pvIds: [entries[0]!.id, entries[1]!.id] });
  const job = await pendingJob('snapshot_restore');
  expect(job).toMatchObject({ requestedBy: 'test admin', jobData: { snapshotId: snapshot.id, selected: 2, reason: 'orbit is off' } });
  // The job is seen before its acceptance is recorded, never before the request is.
  const recorded = async (): Promise<{ who: string; result: string; why: string; after: unknown }[]> => (await gateway.good('GET', `/v1/audit?what=restore.run&subject=${snapshot.id}`)).results;
  expect((await recorded()).at(-1)).toMatchObject({ who: 'test admin', result: 'requested', why: 'orbit is off' });
  await eventually(async () => (await recorded()).length === 2, { saying: 'the acceptance to be recorded' });
  expect((await recorded())[0]).toMatchObject({ result: `accepted as job ${job.id}`, why: 'orbit is off' });

  const { channels } = await gateway.persistence.catalogue.resolve({ kind: 'all' });
  const values = (num: number) => {
    const columns = emptyValueColumns(2);
    columns.channel.set(channels);
    columns.outcome.fill(ReadOutcome.ok);
    columns.kind.fill(7);
    columns.num.fill(num);
    return columns;
  };
  await gateway.persistence.restores.save({
    jobId: job.id, snapshotId: snapshot.id, who: 'test admin', reason: 'orbit is off', startedAt: new Date(), finishedAt: new Date(), channel: channels,
    outcome: Uint8Array.of(RestoreOutcome.verified, RestoreOutcome.failed), why: Uint8Array.of(0, restoreReasonNames.indexOf('timeout')), code: new Uint16Array(2), attempted: Uint8Array.of(1, 1), before: values(7), target: values(1), after: values(1),
  });
  await gateway.changeJob(job.id, (record) => ({ ...ended('completed')(record), job: { ...ended('completed')(record).job, resultId: 'the values before' } }));
  expect(await asked).toMatchObject({
    jobId: job.id, resultId: 'the values before', totalPVs: 2, successCount: 1, failureCount: 1, skippedCount: 0, outcomes: { verified: 1, failed: 1 },
    failures: [{ pvName: 'B', outcome: 'failed', error: expect.stringContaining('deadline') }],
  });
  expect(await gateway.good('GET', `/v1/jobs/${job.id}/rows`)).toMatchObject({ totalCount: 2, rows: [{ pvName: 'A', outcome: 'verified', before: 7, target: 1, after: 1 }, { pvName: 'B', outcome: 'failed', why: 'timeout' }] });
  expect((await recorded())[0]).toMatchObject({ result: 'ended: 1 verified, 1 failed', why: 'orbit is off', after: { job: job.id, outcomes: { verified: 1, failed: 1 }, resultId: null } });
  expect(await gateway.good('GET', `/v1/jobs/${job.id}/rows?outcome=failed`)).toMatchObject({ totalCount: 1, rows: [{ pvName: 'B' }] });
});

test('ids that the snapshot does not hold are refused before a restore is handed in, 40,000 of them too', async () => {
  const snapshot = await storeSnapshot(gateway.persistence, 'unknown ids', {});
  const before = (await gateway.good<Job[]>('GET', '/v1/jobs')).length;
  expect(await gateway.refused('POST', `/v1/snapshots/${snapshot.id}/restore`, { pvIds: ['nonsense'] })).toMatchObject({ status: 404, body: { faults: ['no entry "nonsense"'] } });
  expect(await gateway.refused('POST', `/v1/snapshots/${snapshot.id}/restore`, { pvIds: [entries[0]!.id, crypto.randomUUID()] })).toMatchObject({ status: 404 });
  // More than a statement of the database has parameters.
  const many = Array.from({ length: 40_000 }, () => crypto.randomUUID());
  for (const path of ['restore', 'restore/plan']) {
    expect(await gateway.refused('POST', `/v1/snapshots/${snapshot.id}/${path}`, { pvIds: many })).toMatchObject({ status: 404, body: { detail: expect.stringContaining('does not hold 40000 of the rows') } });
  }
  expect(await gateway.good('GET', '/v1/jobs')).toHaveLength(before);
});

test('only restores have rows', async () => {
  const { jobId } = await gateway.good('POST', '/v1/snapshots', { title: 'no rows' });
  expect(await gateway.refused('GET', `/v1/jobs/${jobId}/rows`)).toMatchObject({ status: 404, body: { detail: expect.stringContaining('has no rows: only restores have') } });
});

test('who waits when the gateway stops is answered within seconds', async () => {
  await using other = await startGateway();
  const { jobId } = await other.good('POST', '/v1/snapshots', { title: 'slow' });
  const waiting = other.call('GET', `/v1/jobs/${jobId}?wait=60000`);
  const closing = waiting.then((answer) => answer.status, () => 'closed');
  // Heard by the server: another request sent after it has its answer.
  await other.good('GET', `/v1/jobs/${jobId}`);
  await other[Symbol.asyncDispose]();
  expect([200, 503, 'closed']).toContain(await closing);
});
