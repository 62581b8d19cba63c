import { z } from 'zod';
import { snapshotMode } from '../../contracts/snapshots.ts';
import { mostNames, pvNames, type LiveValues } from '../operations/live-values.ts';
import { bodyLimits, listParam, sendWritten, type Door } from './door.ts';
import { savedValue } from './snapshot-shape.ts';

const tags = ['pvs'];
const json = 'application/json; charset=utf-8';

export const liveValue = savedValue.extend({
  connected: z.boolean(),
  updated_at: z.number().nullable().describe('when it was read, seconds since 1970'),
  timestamp: z.number().nullable().describe('the IOC\'s time, seconds since 1970'),
  error: z.string().nullable().describe('the same as reason'),
  outcome: z.string().describe('ok, why there is no value, or notInCatalogue'),
});
const answer = z.record(z.string(), liveValue);

const reading = {
  mode: snapshotMode.default('monitored').describe('monitored: what the monitors keep, if channel and circuit are alive; live: read now'),
  deadlineMs: z.coerce.number().int().min(50).max(60_000).default(2_000).describe('deadline of one IOC\'s reads, ms'),
};

export function liveValueRoutes(app: Door, live: LiveValues): void {
  app.get('/v1/pvs/live', {
    config: { operation: 'pvs.live' },
    schema: { tags, summary: 'Values now, by PV name', querystring: z.object({ pv_names: listParam.describe('PV name; may be repeated'), ...reading }), response: { 200: answer } },
  }, async (request, reply) => {
    const { pv_names: names, ...options } = request.query;
    return sendWritten(reply, json, await live.byName(names, options));
  });

  app.get('/v1/pvs/live/all', {
    config: { operation: 'pvs.live' },
    schema: { tags, summary: 'Values now of every PV of the catalogue, by name', querystring: z.object(reading), response: { 200: z.object({ values: answer, count: z.number().int() }) } },
  }, async (request, reply) => sendWritten(reply, json, await live.all(request.query)));

  app.post('/v1/pvs/live', {
    config: { operation: 'pvs.live' },
    bodyLimit: bodyLimits.selection,
    schema: {
      tags,
      summary: `Values now, by PV name, for up to ${mostNames} names`,
      body: z.strictObject({ pv_names: pvNames.optional(), pvNames: pvNames.optional().describe('the same'), ...reading }),
      response: { 200: answer },
    },
  }, async (request, reply) => {
    const { pv_names: some = [], pvNames: others = [], ...options } = request.body;
    return sendWritten(reply, json, await live.byName([...some, ...others], options));
  });
}
