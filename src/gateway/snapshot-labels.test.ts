import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGateway, storeSnapshot, type GatewayForTest } from '../../testing/gateway/index.ts';
import type { SnapshotSummary } from '../contracts/snapshots.ts';

let gateway: GatewayForTest;
beforeAll(async () => {
  gateway = await startGateway();
  await gateway.good('POST', '/v1/pvs', { setpointAddress: 'Q:1:SP' });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const store = (title: string): Promise<SnapshotSummary> => storeSnapshot(gateway.persistence, title, { 'Q:1:SP': { num: 1 } });
const titles = async (query: string): Promise<string[]> => (await gateway.good<SnapshotSummary[]>('GET', `/v1/snapshots?${query}&sort=title&order=asc`)).map((one) => one.title);

test('labels and golden are edited, shown, filtered by and audited; an edit of the title leaves them', async () => {
  const [a, b] = [await store('a'), await store('b'), await store('c')];
  expect(a).toMatchObject({ labels: [], golden: false, origin: null });
  expect(await gateway.good('PUT', `/v1/snapshots/${a.id}`, { labels: [' users ', 'users', '10 Hz'], golden: true })).toMatchObject({ labels: ['users', '10 Hz'], golden: true });
  await gateway.good('PUT', `/v1/snapshots/${b.id}`, { labels: ['users'] });
  expect(await gateway.good('PUT', `/v1/snapshots/${a.id}`, { title: 'a', description: 'd' })).toMatchObject({ labels: ['users', '10 Hz'], golden: true });
  expect(await titles('label=users')).toEqual(['a', 'b']);
  expect(await titles('label=10%20Hz&label=nowhere')).toEqual(['a']);
  expect(await titles('golden=true')).toEqual(['a']);
  expect(await titles('golden=false&label=users')).toEqual(['b']);
  const audit = await gateway.persistence.audit.list({ what: 'snapshots.edit', subject: b.id }, { limit: 5, offset: 0 });
  expect(audit.results[0]).toMatchObject({ before: { labels: [] }, after: { labels: ['users'] } });
});

test('a golden snapshot is not deleted until that is taken off', async () => {
  const { id } = await store('reference');
  await gateway.good('PUT', `/v1/snapshots/${id}`, { golden: true });
  const refused = await gateway.refused('DELETE', `/v1/snapshots/${id}`);
  expect(refused).toMatchObject({ status: 409, body: { code: 'conflict', detail: expect.stringContaining('"reference" is golden') } });
  await gateway.good('PUT', `/v1/snapshots/${id}`, { golden: false });
  expect(await gateway.good('DELETE', `/v1/snapshots/${id}`)).toBe(true);
});

test('the scope snapshot alone may label, but not make golden or end it', async () => {
  const { id } = await store('plain');
  const key = await gateway.keyWith('read', 'snapshot');
  expect((await gateway.call('PUT', `/v1/snapshots/${id}`, { labels: ['mine'] }, { key })).status).toBe(200);
  const refused = await gateway.refused('PUT', `/v1/snapshots/${id}`, { golden: true }, { key });
  expect(refused).toMatchObject({ status: 403, body: { detail: expect.stringMatching(/golden.*write or admin/) } });
  expect((await gateway.refused('POST', '/v1/snapshots', { title: 'x', golden: true }, { key })).status).toBe(403);
  expect((await gateway.call('PUT', `/v1/snapshots/${id}`, { title: 'y', golden: false }, { key })).status).toBe(200);
});

test('a label of 65 characters is refused with its place', async () => {
  const { id } = await store('long');
  const refused = await gateway.refused('PUT', `/v1/snapshots/${id}`, { labels: ['ok', 'x'.repeat(65)] });
  expect(refused).toMatchObject({ status: 422, body: { detail: expect.stringContaining('labels') } });
});
