import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand, startGateway, storeSnapshot, type GatewayForTest } from '../../testing/gateway/index.ts';
import type { CatalogueEntry } from '../contracts/catalogue.ts';
import type { SnapshotSummary } from '../contracts/snapshots.ts';
import { ReadOutcome } from '../contracts/values.ts';

let gateway: GatewayForTest;
let a: SnapshotSummary;
let b: SnapshotSummary;
let entries: CatalogueEntry[];

beforeAll(async () => {
  gateway = await startGateway();
  entries = await gateway.good('POST', '/v1/pvs/multi', [
    { setpointAddress: 'F:1', device: 'D1', tagNames: { Area: ['L1'], Line: ['L1', 'North'] } },
    { setpointAddress: 'F:2', device: 'D2', tagNames: { Area: ['L2'] } },
    { setpointAddress: 'F:3', device: 'Dipoles, east', tagNames: { Line: ['North'] } },
    { setpointAddress: 'F:DEAD', device: 'D4' },
  ]);
  a = await storeSnapshot(gateway.persistence, 'a', { 'F:1': { num: 1 }, 'F:2': { num: 2 }, 'F:3': { num: 3 }, 'F:DEAD': { outcome: ReadOutcome.timeout } });
  b = await storeSnapshot(gateway.persistence, 'b', { 'F:1': { num: 9 }, 'F:2': { num: 2 }, 'F:3': { num: 3 } });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
});

const between = (query: string): string => `/v1/snapshots/${a.id}/compare/${b.id}?${query}`;
const compared = async (query: string): Promise<string[]> => (await gateway.good('GET', between(`all=true&${query}`))).differences.map(({ pvName }: { pvName: string }) => pvName);

test('a filter with a tag, device or PV that there is not is refused with its name, never "no differences"', async () => {
  for (const [query, name] of [['tags=NOSUCH', 'NOSUCH'], ['tags=Area/L9', 'Area/L9'], ['devices=D9', 'D9'], ['devices=D1,D9', 'D9'], ['search=NOSUCH', 'NOSUCH'], ['tags=L2&devices=D1', 'L2']] as const) {
    for (const all of ['', '&all=true']) expect(await gateway.refused('GET', between(query + all)), query).toMatchObject({ status: 404, body: { code: 'notFound', detail: expect.stringContaining(name) } });
    expect(await gateway.refused('GET', `/v1/snapshots/${a.id}/compare/live?${query}`), query).toMatchObject({ status: 404, body: { detail: expect.stringContaining(name) } });
    const asBody = Object.fromEntries([...new URLSearchParams(query)].map(([key, value]) => [key, key === 'search' ? value : [value]]));
    expect(await gateway.refused('POST', '/v1/snapshots/compare', { ids: [a.id, b.id], ...asBody }), query).toMatchObject({ status: 404, body: { detail: expect.stringContaining(name) } });
  }
  for (const path of ['/v1/pvs/search?tags=NOSUCH', '/v1/pvs/search?devices=NOSUCH', '/v1/snapshots?tags=NOSUCH', '/v1/snapshots?pvName=NOSUCH', `/v1/pvs/paged?tagFilters=${encodeURIComponent('{"Area":["NOSUCH"]}')}`, `/v1/pvs/paged?tagFilters=${encodeURIComponent('{"NOSUCH":["L1"]}')}`]) {
    expect(await gateway.refused('GET', path), path).toMatchObject({ status: 404, body: { detail: expect.stringContaining('NOSUCH') } });
  }
  expect(await gateway.refused('POST', '/v1/snapshots', { title: 'x', scope: { kind: 'tags', tags: { Area: ['NOSUCH'] } } })).toMatchObject({ status: 404, body: { detail: expect.stringContaining('NOSUCH') } });
});

test('tags and devices may be repeated or stand with commas; tags by id, name or group/name', async () => {
  const id = entries[1]!.tags[0]!.id;
  expect(await compared('tags=L2&tags=Area/L1')).toEqual(['F:1', 'F:2']);
  expect(await compared('tags=l2,area/l1')).toEqual(['F:1', 'F:2']);
  expect(await compared(`tags=${id},North`)).toEqual(['F:1', 'F:2', 'F:3']);
  expect(await compared('devices=D1&devices=D2')).toEqual(['F:1', 'F:2']);
  expect(await compared('devices=D1, D2')).toEqual(['F:1', 'F:2']);
  // A comma of its own.
  expect(await compared('devices=Dipoles, east&devices=D1')).toEqual(['F:1', 'F:3']);
  const found = async (query: string): Promise<string[]> => (await gateway.good('GET', `/v1/pvs/search?${query}`)).results.map(({ setpointAddress }: CatalogueEntry) => setpointAddress);
  expect(await found('tags=Area/L1,L2&devices=D2,D1')).toEqual(['F:1', 'F:2']);
  expect((await gateway.good('GET', `/v1/pvs/paged?tagFilters=${encodeURIComponent('{"area":["l1","L2"],"Line":["North"]}')}`)).results).toMatchObject([{ setpointAddress: 'F:1' }]);
  expect((await gateway.good('GET', '/v1/snapshots?tags=Line/North')).length).toBe(2);
});

test('a tag name that several groups have is refused with the groups', async () => {
  for (const path of [between('tags=L1'), '/v1/pvs/search?tags=L1', '/v1/snapshots?tags=L1']) {
    expect(await gateway.refused('GET', path)).toMatchObject({ status: 422, body: { detail: 'the tag "L1" is in the groups "Area" and "Line": write Area/L1 or Line/L1' } });
  }
});

test('S2: a tag that is gone still chooses among old snapshots by its id, a device that was renamed by its old name', async () => {
  const entry = await gateway.good<CatalogueEntry>('POST', '/v1/pvs', { setpointAddress: 'F:OLD', device: 'OLD', tagNames: { Gone: ['Old'] } });
  const [then, now] = [await storeSnapshot(gateway.persistence, 'then', { 'F:OLD': { num: 1 } }), await storeSnapshot(gateway.persistence, 'now', { 'F:OLD': { num: 2 } })];
  await gateway.good('DELETE', `/v1/tags/${entry.tags[0]!.groupId}?force=true`);
  await gateway.good('DELETE', `/v1/pvs/${entry.id}`);
  for (const query of [`tags=${entry.tags[0]!.id}`, 'devices=OLD']) expect(await gateway.good('GET', `/v1/snapshots/${then.id}/compare/${now.id}?${query}`), query).toMatchObject({ differences: [{ pvName: 'F:OLD' }], matchCount: 0 });
  expect((await gateway.good('GET', `/v1/snapshots?tags=${entry.tags[0]!.id}`)).length).toBe(2);
});

test('a channel without a value on both sides is counted by itself, neither the same nor different', async () => {
  expect(await gateway.good('GET', between(''))).toMatchObject({ matchCount: 2, differenceCount: 1, missingCount: 1, totalCount: 1 });
  const all = await gateway.good('GET', between('all=true'));
  expect(all).toMatchObject({ matchCount: 2, differenceCount: 1, missingCount: 1, totalCount: 4 });
  expect(all.differences[3]).toMatchObject({ pvName: 'F:DEAD', verdict: 'missing', value1: null, value2: null, withinTolerance: false, reason: 'the IOC did not answer within the deadline' });
  expect(await gateway.good('POST', '/v1/snapshots/compare', { ids: [a.id, b.id], all: true })).toMatchObject({ missingCount: 1, differences: [{}, {}, {}, { verdicts: ['missing', 'missing'] }] });
});

test('`drey snapshot diff` of nothing does not say that all is equal', async () => {
  expect(await runCommand(gateway, 'snapshot', 'diff', a.id, b.id, '--search', 'NOSUCH')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/nothing was compared.*NOSUCH/) });
  expect(await runCommand(gateway, 'snapshot', 'diff', a.id, b.id, '--device', 'D9')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('"D9"') });
  expect(await runCommand(gateway, 'snapshot', 'diff', a.id, b.id, '--search', 'DEAD')).toMatchObject({ code: 3, stdout: expect.stringContaining('0 channels differ, 0 the same, 1 without a value on both sides\nnothing could be compared') });
  expect(await runCommand(gateway, 'snapshot', 'diff', a.id, b.id, '--tag', 'Area=L2', '--device', 'D2', 'D1')).toMatchObject({ code: 0, stdout: expect.stringContaining('0 channels differ, 1 the same') });
});
