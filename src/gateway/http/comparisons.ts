import { z } from 'zod';
import { snapshotMode } from '../../contracts/snapshots.ts';
import { comparison, liveComparison, manyComparison, manyIds, type ComparisonOperations } from '../operations/comparisons.ts';
import type { HistoryOperations } from '../operations/history.ts';
import { bodyLimits, flag, idParam, instant, listParam, pageLimit, pageOffset, sendWritten, type Door } from './door.ts';
import { savedValue } from './snapshot-shape.ts';

const tags = ['compare'];
const json = 'application/json; charset=utf-8';
const mostRows = 1_000_000;
const search = z.string().max(1000).describe('part of a name, device or description');
const about = {
  all: 'also the channels that are the same',
  tags: 'entries that had any of these tags when the snapshot was taken: ids, names or group/name; repeated, or with commas',
  devices: 'entries of any of these devices; repeated, or with commas',
  absTolerance: 'instead of the catalogue\'s, in units',
  relTolerance: 'instead of the catalogue\'s, of the larger magnitude',
};

const wantedQuery = z.object({
  limit: z.coerce.number().int().min(0).max(mostRows).default(mostRows).describe('rows of the page'),
  offset: pageOffset,
  all: flag.default(false).describe(about.all),
  search: search.optional(),
  tags: listParam.optional().describe(about.tags),
  devices: listParam.optional().describe(about.devices),
  absTolerance: z.coerce.number().min(0).optional().describe(about.absTolerance),
  relTolerance: z.coerce.number().min(0).optional().describe(about.relTolerance),
});
const wantedBody = z.strictObject({
  limit: z.number().int().min(0).max(mostRows).default(mostRows),
  offset: z.number().int().min(0).default(0),
  all: z.boolean().default(false).describe(about.all),
  search: search.optional(),
  tags: z.array(z.string()).optional().describe(about.tags),
  devices: z.array(z.string()).optional().describe(about.devices),
  absTolerance: z.number().min(0).optional().describe(about.absTolerance),
  relTolerance: z.number().min(0).optional().describe(about.relTolerance),
});
const reading = {
  mode: snapshotMode.default('live'),
  deadlineMs: z.coerce.number().int().min(50).max(60_000).default(2_000).describe('deadline of one IOC\'s reads, ms'),
};

export function comparisonRoutes(app: Door, comparisons: ComparisonOperations): void {
  app.get('/v1/snapshots/:a/compare/:b', {
    config: { operation: 'snapshots.read' },
    schema: {
      tags,
      summary: 'Channels whose values differ by more than the tolerances of the first snapshot\'s time',
      params: z.object({ a: idParam.shape.id, b: idParam.shape.id }),
      querystring: wantedQuery,
      response: { 200: comparison },
    },
  }, async (request, reply) => written(reply, await comparisons.compare(request.params.a, request.params.b, request.query)));

  app.get('/v1/snapshots/:id/compare/live', {
    config: { operation: 'snapshots.compareLive' },
    schema: { tags, summary: 'Channels whose live values differ from the saved ones', params: idParam, querystring: wantedQuery.extend(reading), response: { 200: liveComparison } },
  }, async (request, reply) => written(reply, await comparisons.compareLive(request.params.id, request.query, request.query)));

  app.post('/v1/snapshots/:id/compare/live', {
    config: { operation: 'snapshots.compareLive' },
    bodyLimit: bodyLimits.selection,
    schema: { tags, summary: 'The same, asked with a body', params: idParam, body: wantedBody.extend(reading), response: { 200: liveComparison } },
  }, async (request, reply) => written(reply, await comparisons.compareLive(request.params.id, request.body, request.body)));

  app.post('/v1/snapshots/compare', {
    config: { operation: 'snapshots.read' },
    bodyLimit: bodyLimits.selection,
    schema: { tags, summary: 'Several snapshots, each against the first; a row per channel that differs in any of them', body: wantedBody.extend({ ids: manyIds }), response: { 200: manyComparison } },
  }, async (request, reply) => written(reply, await comparisons.compareMany(request.body.ids, request.body)));
}

/** Not through the schema of the answer: 50,000 rows would hold everybody up. */
const written = (reply: unknown, answer: object) => sendWritten(reply, json, JSON.stringify(answer));

const historyQuery = z.object({
  from: instant.optional().describe('of snapshots taken at or after, ISO 8601'),
  to: instant.optional().describe('of snapshots taken at or before, ISO 8601'),
  limit: pageLimit(1000, 100),
  offset: pageOffset,
});
const point = { snapshotId: z.string(), title: z.string(), createdDate: z.string(), createdBy: z.string(), kind: z.string() };
const pages = { totalCount: z.number().int().describe('snapshots that hold it, in all pages'), limit: z.number().int(), offset: z.number().int() };
const side = { name: z.string().optional(), value: savedValue.optional() };
const entryHistory = z.object({
  results: z.array(z.object({
    ...point, setpointName: side.name, setpointValue: side.value, readbackName: side.name, readbackValue: side.value, configName: side.name, configValue: side.value,
  })).describe('newest first; what a snapshot does not hold is absent'),
  ...pages,
});
const nameHistory = z.object({ results: z.array(z.object({ ...point, pvName: z.string(), value: savedValue })).describe('newest first'), ...pages });

export function historyRoutes(app: Door, history: HistoryOperations): void {
  app.get('/v1/pvs/:id/history', {
    config: { operation: 'snapshots.read' },
    schema: { tags, summary: 'An entry through all snapshots, under the addresses that it had; also when it is out of the catalogue', params: idParam, querystring: historyQuery, response: { 200: entryHistory } },
  }, async (request, reply) => sendWritten(reply, json, await history.of({ entryId: request.params.id }, request.query)));

  app.get('/v1/history', {
    config: { operation: 'snapshots.read' },
    schema: { tags, summary: 'A PV name through all snapshots', querystring: historyQuery.extend({ pvName: z.string().min(1).max(255) }), response: { 200: nameHistory } },
  }, async (request, reply) => {
    const { pvName, ...page } = request.query;
    return sendWritten(reply, json, await history.of({ pvName }, page));
  });
}
