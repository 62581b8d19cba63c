import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFakeIocHost, startGateway, storeSnapshot, type FakeIocHost, type GatewayForTest } from '../../../testing/gateway/index.ts';
import { eventually } from '../../../testing/harness/index.ts';
import { json } from '../../bus/port.ts';
import type { Job } from '../../contracts/jobs.ts';
import type { RestorePlan } from '../../contracts/restores.ts';
import type { SnapshotSummary } from '../../contracts/snapshots.ts';
import { subjects, subjectTable } from '../../contracts/subjects.ts';

const ioc = '127.0.0.1:5064';
let gateway: GatewayForTest;
let host: FakeIocHost;
beforeAll(async () => {
  gateway = await startGateway();
  await gateway.good('POST', '/v1/pvs/multi', [{ setpointAddress: 'A' }, { setpointAddress: 'B' }]);
  host = await startFakeIocHost(gateway.bus, 'host-1', ioc);
  const { channels } = await gateway.persistence.catalogue.channels({ after: 0, limit: 10 });
  for (const { id } of channels) host.values.set(id, { num: 7 });
  await eventually(async () => (await gateway.good('GET', '/v1/health/heartbeat')).alive, { saying: 'the gateway to see the host' });
});
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
});

const ask = async <T>(name: string, body: unknown = {}): Promise<T> => json.decode<T>(await gateway.bus.request(`${subjects.api}.${name}`, typeof body === 'string' ? new TextEncoder().encode(body) : json.encode(body), 5_000));

test('every service of the subject table is offered, and answers a request that does not fit with what is wrong', async () => {
  for (const { subject } of subjectTable.filter(({ kind }) => kind === 'service')) {
    const refused = gateway.bus.request(subject, json.encode({ nonsense: 1 }), 5_000);
    await expect(refused, subject).rejects.toMatchObject({ code: 'invalid', faults: expect.arrayContaining(['nonsense is not a known field']) });
  }
});

test('a facility service takes, finds, reads and deletes a snapshot, under its own name', async () => {
  const { jobId } = await ask<{ jobId: string }>('snapshots.take', { title: 'from a service', user: 'shift-logbook' });
  expect(await ask<Job>('jobs.show', { id: jobId })).toMatchObject({ status: 'pending', requestedBy: 'bus/shift-logbook' });
  expect((await ask<Job[]>('jobs.list', { status: 'pending' })).map(({ id }) => id)).toEqual([jobId]);
  expect(await ask<Job>('jobs.cancel', { id: jobId })).toMatchObject({ status: 'cancelled' });

  const { id } = await storeSnapshot(gateway.persistence, 'stored', { A: { num: NaN }, B: { num: 2 } });
  expect((await ask<SnapshotSummary[]>('snapshots.list', { title: 'stored' })).map((snapshot) => snapshot.id)).toEqual([id]);
  expect(await ask('snapshots.show', { id, limit: 1 })).toMatchObject({ id, totalCount: 2, limit: 1, pvValues: [{ pvName: 'A', setpointValue: { value: 'NaN' } }] });
  expect(await ask('snapshots.delete', { id, user: 'janitor' })).toBe(true);
  expect((await gateway.good('GET', '/v1/audit?what=snapshots.delete')).results[0]).toMatchObject({ who: 'bus/janitor', subject: id });
});

test('a facility service plans a restore and runs it', async () => {
  const { id } = await storeSnapshot(gateway.persistence, 'to restore', { A: { num: 1 }, B: { num: 7 } });
  expect(await ask<RestorePlan>('restore.plan', { snapshotId: id, request: {} })).toMatchObject({ counts: { write: 1, unchanged: 1 }, rows: [{ pvName: 'A', target: 1, live: 7 }, { pvName: 'B' }] });
  const { jobId } = await ask<{ jobId: string }>('restore.run', { snapshotId: id, request: { pvNames: ['A'], reason: 'by rule' } });
  expect(await ask<Job>('jobs.show', { id: jobId })).toMatchObject({ type: 'snapshot_restore', requestedBy: 'bus', jobData: { selected: 1, reason: 'by rule' } });
  await expect(ask('restore.run', { snapshotId: id, request: { pvNames: ['C'] } })).rejects.toMatchObject({ code: 'notFound', faults: ['no setpoint "C"'] });
});

test('a facility service reads live values and works breakers', async () => {
  expect(await ask('pvs.live', { pvNames: ['A', 'X'] })).toMatchObject({ A: { value: 7, outcome: 'ok' }, X: { outcome: 'notInCatalogue' } });
  expect(await ask('iocs.list')).toMatchObject([{ name: ioc }]);
  expect(await ask('iocs.command', { ioc, command: 'open', reason: 'vented', user: 'vacuum' })).toMatchObject({ state: 'forcedOpen', forcedBy: 'bus/vacuum' });
  expect((await gateway.good('GET', '/v1/audit?what=iocs.open')).results[0]).toMatchObject({ who: 'bus/vacuum', why: 'vented', result: 'done' });
});

test('D1: a body that is no JSON is refused with the reason', async () => {
  await expect(ask('snapshots.list', '{')).rejects.toMatchObject({ code: 'badInput', message: expect.stringContaining('not JSON') });
  await expect(ask('snapshots.show', { id: 'nonsense' })).rejects.toMatchObject({ code: expect.stringMatching(/notFound|badInput/) });
});
