import { z } from 'zod';
import { catalogueEntry } from '../../contracts/catalogue.ts';
import { DreyError } from '../../contracts/errors.ts';
import { parseInput } from '../input.ts';
import { liveValue } from './live-values.ts';
import { entryEdit, newEntries, newEntry, type CatalogueOperations } from '../operations/catalogue.ts';
import type { LiveValues } from '../operations/live-values.ts';
import { bodyLimits, flag, idParam, listParam, pageLimit, pageOffset, sendWritten, type Door } from './door.ts';

const tags = ['pvs'];
const tagFilter = z.record(z.string(), z.array(z.string()));
const search = z.string().max(1000).describe('part of an address, device or description, whatever the case; * and ? are wildcards');

const pageQuery = z.object({
  pvName: search.optional(),
  pageSize: z.coerce.number().int().min(1).max(1000).default(100).describe('rows of a page, 1 to 1000'),
  continuationToken: z.string().max(255).optional().describe('of the page before; absent = first page'),
  tagFilters: z.string().optional().describe('JSON {group: [tag]}, each by id or name: any of a group\'s tags, in every group'),
});

const page = z.object({
  results: z.array(catalogueEntry),
  continuationToken: z.string().nullable().describe('for the next page; null = this was the last'),
  totalCount: z.number().int().describe('entries in all pages'),
});

const searchQuery = z.object({
  q: search.optional(),
  devices: listParam.optional().describe('any of these devices; repeated, or with commas'),
  tags: listParam.optional().describe('any of these tags: ids, names or group/name; repeated, or with commas'),
  limit: pageLimit(1000, 100),
  offset: pageOffset,
  include_live_values: flag.default(false).describe('with liveValues: what the monitors keep of the setpoints and readbacks, by name'),
});

const searchPage = z.object({
  results: z.array(catalogueEntry),
  totalCount: z.number().int().describe('entries in all pages'),
  limit: z.number().int(),
  offset: z.number().int(),
  liveValues: z.record(z.string(), liveValue).optional(),
  liveValuesError: z.string().optional().describe('why there are no live values'),
});

function tagFiltersFrom(text: string | undefined): z.output<typeof tagFilter> | undefined {
  if (text === undefined || text === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DreyError('badInput', `tagFilters is not JSON: ${(error as Error).message}`);
  }
  return parseInput(tagFilter, value, 'tagFilters');
}

export function pvRoutes(app: Door, pvs: CatalogueOperations, live: LiveValues): void {
  app.get('/v1/pvs/paged', {
    config: { operation: 'pvs.read' },
    schema: { tags, summary: 'Catalogue entries in pages, by id', querystring: pageQuery, response: { 200: page } },
  }, (request) => {
    const { pvName, pageSize, continuationToken, tagFilters } = request.query;
    return pvs.page({ search: pvName, tagFilters: tagFiltersFrom(tagFilters) }, { pageSize, continuationToken });
  });

  app.get('/v1/pvs/search', {
    config: { operation: 'pvs.read' },
    schema: { tags, summary: 'Catalogue entries by setpoint, with their values if asked for; each entry once', querystring: searchQuery, response: { 200: searchPage } },
  }, async (request, reply) => {
    const { q, devices, tags: tagIds, limit, offset, include_live_values: withValues } = request.query;
    const found = { ...(await pvs.search({ search: q, devices, tags: tagIds }, { limit, offset })), limit, offset };
    if (!withValues) return found;
    const names = found.results.flatMap(({ setpointAddress, readbackAddress }) => [setpointAddress, readbackAddress]).filter((name) => name !== null);
    const values = await live.byName(names, { mode: 'monitored', deadlineMs: 2_000 }).then((text) => `"liveValues":${text}`, (error: unknown) => `"liveValuesError":${JSON.stringify(error instanceof Error ? error.message : String(error))}`);
    return sendWritten(reply, 'application/json; charset=utf-8', `${JSON.stringify(found).slice(0, -1)},${values}}`);
  });

  app.get('/v1/pvs', {
    config: { operation: 'pvs.read' },
    schema: { tags, summary: 'The first 1000 catalogue entries that fit', querystring: z.object({ pvName: search.optional() }), response: { 200: z.array(catalogueEntry) } },
  }, (request) => pvs.first(request.query.pvName));

  app.get('/v1/pvs/devices', {
    config: { operation: 'pvs.read' },
    schema: { tags, summary: 'Names of devices', response: { 200: z.array(z.string()) } },
  }, () => pvs.devices());

  app.get('/v1/pvs/:id', {
    config: { operation: 'pvs.read' },
    schema: { tags, summary: 'One catalogue entry', params: idParam, response: { 200: catalogueEntry } },
  }, (request) => pvs.get(request.params.id));

  app.post('/v1/pvs', {
    config: { operation: 'pvs.write' },
    schema: { tags, summary: 'Register an entry', body: newEntry, response: { 200: catalogueEntry } },
  }, async (request) => (await pvs.create(request.caller, [request.body]))[0]!);

  app.post('/v1/pvs/multi', {
    config: { operation: 'pvs.write' },
    bodyLimit: bodyLimits.bulk,
    schema: { tags, summary: 'Register up to 100,000 entries, all or none', body: newEntries, response: { 200: z.array(catalogueEntry) } },
  }, async (request, reply) => {
    const created = await pvs.create(request.caller, request.body);
    // Not through the schema again: 100,000 entries would hold everybody up.
    return sendWritten(reply, 'application/json; charset=utf-8', JSON.stringify(created));
  });

  app.put('/v1/pvs/:id', {
    config: { operation: 'pvs.write' },
    schema: { tags, summary: 'Edit an entry: absent fields stay, null clears an address; old snapshots stay as they are', params: idParam, body: entryEdit, response: { 200: catalogueEntry } },
  }, (request) => pvs.edit(request.caller, request.params.id, request.body));

  app.delete('/v1/pvs/:id', {
    config: { operation: 'pvs.write' },
    schema: { tags, summary: 'Take an entry out of the catalogue; old snapshots keep its values', params: idParam, response: { 200: z.literal(true) } },
  }, (request) => pvs.delete(request.caller, request.params.id));
}
