import { z } from 'zod';
import { job, jobStatus } from '../../contracts/jobs.ts';
import { acceptedJob, longestWaitMs, type JobOperations } from '../operations/jobs.ts';
import { idParam, pageLimit, untilGone, type Door } from './door.ts';

const tags = ['jobs'];

export function jobRoutes(app: Door, jobs: JobOperations, stopping: AbortSignal): void {
  app.get('/v1/jobs', {
    config: { operation: 'jobs.read' },
    schema: {
      tags,
      summary: 'List jobs, newest first; finished ones are kept for 30 days',
      querystring: z.object({ status: jobStatus.optional(), type: job.shape.type.optional(), limit: pageLimit(1000, 100) }),
      response: { 200: z.array(job) },
    },
  }, async (request) => jobs.list(request.query));

  app.get('/v1/jobs/:id', {
    config: { operation: 'jobs.read' },
    schema: {
      tags,
      summary: 'One job',
      params: idParam,
      querystring: z.object({ wait: z.coerce.number().int().min(0).max(longestWaitMs).default(0).describe('ms to wait for its end before answering') }),
      response: { 200: job },
    },
  }, (request, reply) => (request.query.wait > 0 ? jobs.wait(request.params.id, request.query.wait, untilGone(reply, stopping)) : jobs.show(request.params.id)));

  app.post('/v1/jobs/:id/cancel', {
    config: { operation: 'jobs.cancel' },
    schema: { tags, summary: 'Ask for its end. Rows of a restore that were not attempted stay unwritten', params: idParam, response: { 200: job } },
  }, (request) => jobs.cancel(request.caller, request.params.id));

  app.post('/v1/jobs/:id/retry', {
    config: { operation: 'jobs.retry' },
    schema: { tags, summary: 'Take a failed or cancelled snapshot again, as a new job; a restore is never repeated', params: idParam, response: { 200: acceptedJob } },
  }, (request) => jobs.retry(request.caller, request.params.id));
}
