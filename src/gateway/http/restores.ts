import { z } from 'zod';
import { planVerdict, restoreOutcomeNames, restorePlan } from '../../contracts/restores.ts';
import { acceptedJob } from '../operations/jobs.ts';
import { restoreBody, restoreResult, restoreRows, type RestoreOperations } from '../operations/restores.ts';
import { bodyLimits, choices, flag, idParam, pageLimit, pageOffset, untilGone, type Door } from './door.ts';

const tags = ['restore'];

export function restoreRoutes(app: Door, restores: RestoreOperations, stopping: AbortSignal): void {
  app.post('/v1/snapshots/:id/restore/plan', {
    config: { operation: 'restore.plan' },
    bodyLimit: bodyLimits.selection,
    schema: {
      tags,
      summary: 'Dry run: live values against saved ones, and what would be written; writes nothing',
      params: idParam,
      querystring: z.object({ limit: pageLimit(100_000, 1000), offset: pageOffset, verdict: choices(planVerdict).optional().describe('only these rows; repeated: one after the other') }),
      body: restoreBody,
      response: { 200: restorePlan },
    },
  }, ({ params, body, query: { verdict, ...page } }) => restores.plan(params.id, body, { ...page, verdicts: verdict }));

  app.post('/v1/snapshots/:id/restore', {
    config: { operation: 'restore.run' },
    bodyLimit: bodyLimits.selection,
    schema: {
      tags,
      summary: 'Write saved setpoints back. Body {} = every row with a setpoint; pvIds [] = none. GET /v1/jobs/{id}/rows has the outcomes',
      params: idParam,
      querystring: z.object({
        async: flag.default(true).describe('answer at once with the job; false: answer when every row has its outcome'),
        use_arq: flag.optional().describe('accepted and without effect: every restore is a durable job'),
      }),
      body: restoreBody,
      response: { 200: z.union([acceptedJob, restoreResult]) },
    },
  }, async (request, reply) => {
    const accepted = await restores.run(request.caller, request.params.id, request.body);
    return request.query.async ? accepted : restores.result(accepted.jobId, untilGone(reply, stopping));
  });

  app.get('/v1/jobs/:id/rows', {
    config: { operation: 'jobs.read' },
    schema: {
      tags,
      summary: 'What became of each row of a restore, by name',
      params: idParam,
      querystring: z.object({ limit: pageLimit(100_000, 1000), offset: pageOffset, outcome: choices(z.enum(restoreOutcomeNames)).optional().describe('only these rows; repeated: one after the other') }),
      response: { 200: restoreRows },
    },
  }, ({ params, query: { outcome, ...page } }) => restores.rows(params.id, { ...page, outcomes: outcome }));
}
