import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGateway, type GatewayForTest } from '../../testing/gateway/index.ts';
import { json } from '../bus/port.ts';
import type { CatalogueEntry } from '../contracts/catalogue.ts';
import { subjects } from '../contracts/subjects.ts';

let gateway: GatewayForTest;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const audited = async (what: string): Promise<{ subject: string; before: unknown; after: unknown; result: string; who: string }[]> => (await gateway.good('GET', `/v1/audit?what=${what}`)).results;

test('A1: an entry is registered, shown, edited with its addresses, and taken out, each told to the bus and to the audit log', async () => {
  const told: number[] = [];
  const listening = gateway.bus.subscribe(subjects.catalogueEvent, ({ body }) => told.push(json.decode<{ revision: number }>(body).revision));
  await gateway.bus.flush();
  const made = await gateway.good<CatalogueEntry>('POST', '/v1/pvs', { setpointAddress: ' ca://QUAD:1:BCTRL ', readbackAddress: 'QUAD:1:BACT', device: 'QUAD:1', absTolerance: 0.1 });
  expect(made).toMatchObject({ setpointAddress: 'QUAD:1:BCTRL', readbackAddress: 'QUAD:1:BACT', configAddress: null, relTolerance: 0, tags: [] });
  expect(await gateway.good('GET', `/v1/pvs/${made.id}`)).toEqual(made);

  const edited = await gateway.good<CatalogueEntry>('PUT', `/v1/pvs/${made.id}`, { setpointAddress: 'QUAD:1:BDES', readbackAddress: null, device: 'QUAD:ONE' });
  expect(edited).toMatchObject({ id: made.id, setpointAddress: 'QUAD:1:BDES', readbackAddress: null, device: 'QUAD:ONE', absTolerance: 0.1 });
  expect(await gateway.good('DELETE', `/v1/pvs/${made.id}`)).toBe(true);
  expect((await gateway.refused('GET', `/v1/pvs/${made.id}`)).status).toBe(404);

  await gateway.bus.flush();
  expect(told).toHaveLength(3);
  expect(told).toEqual([...told].sort((a, b) => a - b));
  await listening.stop();

  expect((await audited('pvs.create'))[0]).toMatchObject({ who: 'test admin', subject: 'QUAD:1:BCTRL', result: 'done' });
  expect((await audited('pvs.edit'))[0]).toMatchObject({ subject: made.id, before: { device: 'QUAD:1' }, after: { device: 'QUAD:ONE' } });
  expect((await audited('pvs.delete'))[0]).toMatchObject({ subject: made.id, before: { device: 'QUAD:ONE' }, result: 'done' });
});

test('many entries are registered all or none, and a duplicate is named', async () => {
  const entries = Array.from({ length: 250 }, (_, n) => ({ setpointAddress: `BULK:${n}:SP`, device: `BULK:${n % 10}` }));
  expect(await gateway.good('POST', '/v1/pvs/multi', entries)).toHaveLength(250);
  const again = await gateway.refused('POST', '/v1/pvs/multi', [{ setpointAddress: 'BULK:NEW:SP' }, ...entries.slice(0, 2)]);
  expect(again).toMatchObject({ status: 409, body: { code: 'conflict', detail: expect.stringContaining('BULK:0:SP') } });
  expect((await gateway.good('GET', '/v1/pvs/paged?pvName=BULK:NEW')).totalCount).toBe(0);
  expect((await audited('pvs.create')).map(({ subject, result }) => [subject, result.startsWith('failed')])).toEqual(expect.arrayContaining([['250 entries', false], ['3 entries', true]]));
});

test('pages follow each other by their token until there is none, and together are the whole', async () => {
  const ids: string[] = [];
  let token: string | null = null;
  for (let pages = 0; pages < 10; pages++) {
    const page: { results: CatalogueEntry[]; continuationToken: string | null; totalCount: number } = await gateway.good('GET', `/v1/pvs/paged?pvName=bulk&pageSize=100${token === null ? '' : `&continuationToken=${token}`}`);
    expect(page.totalCount).toBe(250);
    ids.push(...page.results.map(({ id }) => id));
    token = page.continuationToken;
    if (token === null) break;
  }
  expect(token).toBeNull();
  expect(ids).toHaveLength(250);
  expect(new Set(ids).size).toBe(250);
  expect(await gateway.good('GET', '/v1/pvs?pvName=BULK:1')).not.toHaveLength(0);
  expect(await gateway.good('GET', '/v1/pvs/devices')).toEqual(expect.arrayContaining(['BULK:0', 'BULK:9']));
});

test('tags are made one by one and in bulk, filter entries, and go again', async () => {
  const group = await gateway.good('POST', '/v1/tags', { name: 'Area', description: 'where it is' });
  const { group: withTag, wasCreated } = await gateway.good('POST', `/v1/tags/${group.id}/tags`, { name: 'L1' });
  expect(wasCreated).toBe(true);
  expect((await gateway.refused('POST', `/v1/tags/${group.id}/tags`, { name: 'l1' })).status).toBe(409);
  expect(await gateway.good('POST', `/v1/tags/${group.id}/tags?skip_duplicates=true`, { name: 'l1' })).toMatchObject({ wasCreated: false });
  expect((await gateway.refused('POST', '/v1/tags', { name: 'AREA' })).status).toBe(409);

  const tag = withTag.tags[0];
  const tagged = await gateway.good<CatalogueEntry>('POST', '/v1/pvs', { setpointAddress: 'TAGGED:1', tags: [tag.id] });
  const found = await gateway.good('GET', `/v1/pvs/paged?tagFilters=${encodeURIComponent(JSON.stringify({ [group.id]: [tag.id] }))}`);
  expect(found.results.map(({ id }: CatalogueEntry) => id)).toEqual([tagged.id]);

  expect(await gateway.good('POST', '/v1/tags/bulk', { groups: { Area: ['L1', 'L2'], System: ['RF'] } })).toEqual({ groupsCreated: 1, tagsCreated: 2, tagsSkipped: 1, warnings: [] });
  expect(await gateway.good('GET', '/v1/tags')).toMatchObject([{ name: 'Area', tagCount: 2 }, { name: 'System', tagCount: 1 }]);
  expect((await gateway.good('DELETE', `/v1/tags/${group.id}/tags/${tag.id}`)).tags).toMatchObject([{ name: 'L2' }]);
  expect((await gateway.good<CatalogueEntry>('GET', `/v1/pvs/${tagged.id}`)).tags).toEqual([]);
  expect(await gateway.good('DELETE', `/v1/tags/${group.id}`)).toBe(true);
  expect(await gateway.good('GET', '/v1/tags')).toMatchObject([{ name: 'System' }]);
  expect((await audited('tags.deleteGroup'))[0]).toMatchObject({ subject: 'Area', before: { tags: [{ name: 'L2' }] } });
});
