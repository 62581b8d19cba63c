import { Readable } from 'node:stream';
import { z } from 'zod';
import { snapshotSummary } from '../../contracts/snapshots.ts';
import { snapshotSorts } from '../../persistence/port.ts';
import { acceptedJob } from '../operations/jobs.ts';
import { snapshotJson } from '../operations/snapshot-rows.ts';
import { snapshotEdit, takeBody, type SnapshotOperations } from '../operations/snapshots.ts';
import { bodyLimits, flag, idParam, instant, listParam, pageLimit, pageOffset, sendWritten, untilGone, type Door } from './door.ts';
import { snapshotWithValues } from './snapshot-shape.ts';

const tags = ['snapshots'];
const columnsType = 'application/vnd.drey.columns';

const takeQuery = z.object({
  async: flag.default(true).describe('answer at once with the job; false: answer when the snapshot is stored'),
  use_cache: flag.optional().describe('true: mode monitored; false: mode live. The mode of the body wins; without either it is live'),
  use_arq: flag.optional().describe('accepted and without effect: every snapshot is a durable job'),
});

const listQuery = z.object({
  title: z.string().max(255).optional().describe('part of the title, whatever the case'),
  tags: listParam.optional().describe('snapshots that hold an entry with any of these tags: ids, names or group/name; repeated, or with commas'),
  kind: snapshotSummary.shape.kind.optional(),
  author: z.string().max(255).optional().describe('part of who took it'),
  from: instant.optional().describe('taken at or after, ISO 8601'),
  to: instant.optional().describe('taken at or before, ISO 8601'),
  pvName: z.string().min(1).max(255).optional().describe('snapshots with a row of this PV'),
  label: listParam.optional().describe('labels, exactly; snapshots with any of them'),
  golden: flag.optional().describe('only golden ones, or only others'),
  origin: z.string().max(255).optional().describe('only those of this rule: schedule:<id> or trigger:<id>'),
  sort: z.enum(snapshotSorts).default('createdDate'),
  order: z.enum(['asc', 'desc']).default('desc'),
  limit: pageLimit(1000, 100),
  offset: pageOffset,
});

const valuesQuery = z.object({
  limit: z.coerce.number().int().min(0).max(1_000_000).optional().describe('rows of the page; absent = all'),
  offset: pageOffset,
  search: z.string().max(1000).optional().describe('part of a name, device or description'),
});

export function snapshotRoutes(app: Door, snapshots: SnapshotOperations, stopping: AbortSignal): void {
  app.post('/v1/snapshots', {
    config: { operation: 'snapshots.take' },
    bodyLimit: bodyLimits.selection,
    schema: { tags, summary: 'Take a snapshot', querystring: takeQuery, body: takeBody, response: { 200: z.union([acceptedJob, snapshotSummary]) } },
  }, async (request, reply) => {
    const { async: later, use_cache: useCache } = request.query;
    const accepted = await snapshots.take(request.caller, request.body, useCache ? 'monitored' : 'live');
    return later ? accepted : snapshots.takeAndWait(accepted.jobId, untilGone(reply, stopping));
  });

  app.get('/v1/snapshots', {
    config: { operation: 'snapshots.read' },
    schema: { tags, summary: 'List snapshots, newest first; the header X-Total-Count says how many there are', querystring: listQuery, response: { 200: z.array(snapshotSummary) } },
  }, async (request, reply) => {
    const { limit, offset, label, ...filter } = request.query;
    const { results, totalCount } = await snapshots.list({ ...filter, ...(label === undefined ? {} : { labels: label }) }, { limit, offset });
    reply.header('x-total-count', totalCount);
    return results;
  });

  app.get('/v1/snapshots/:id', {
    config: { operation: 'snapshots.read' },
    schema: {
      tags,
      summary: `One snapshot with its values, by name. Accept: ${columnsType} gives the whole of it as one binary frame of columns`,
      params: idParam,
      querystring: valuesQuery,
      response: { 200: { description: 'the snapshot', content: { 'application/json': { schema: snapshotWithValues }, [columnsType]: { schema: z.string().describe('binary frame') } } } },
    },
  }, async (request, reply) => {
    const { id } = request.params;
    if (request.headers.accept?.includes(columnsType)) return sendWritten(reply, columnsType, Buffer.from((await snapshots.frame(id)).buffer));
    const page = await snapshots.page(id, request.query);
    reply.header('x-total-count', page.totalCount);
    const shown = { limit: request.query.limit ?? null, offset: request.query.offset };
    return sendWritten(reply, 'application/json; charset=utf-8', Readable.from(snapshotJson(page, shown)));
  });

  app.put('/v1/snapshots/:id', {
    config: { operation: 'snapshots.edit' },
    schema: { tags, summary: 'Edit title, description, labels and golden; values never change', params: idParam, body: snapshotEdit, response: { 200: snapshotSummary } },
  }, (request) => snapshots.edit(request.caller, request.params.id, request.body));

  app.delete('/v1/snapshots/:id', {
    config: { operation: 'snapshots.delete' },
    schema: { tags, summary: 'Delete a snapshot with its values', params: idParam, querystring: z.object({ deleteData: flag.optional() }), response: { 200: z.literal(true) } },
  }, (request) => snapshots.delete(request.caller, request.params.id));
}
