import { z } from 'zod';
import { auditedDeeds } from '../../contracts/audit.ts';
import type { AuditStore } from '../../persistence/port.ts';
import { pageLimit, pageOffset, type Door } from './door.ts';

const auditEvent = z.object({
  id: z.string(),
  at: z.string().describe('ISO 8601'),
  who: z.string().describe('key, and person behind it when the program named one'),
  what: z.string().describe('the operation'),
  subject: z.string().describe('the thing it was done to'),
  before: z.unknown(),
  after: z.unknown(),
  why: z.string(),
  result: z.string(),
});

const filter = {
  what: z.enum(auditedDeeds).optional(),
  subject: z.string().max(255).optional(),
  who: z.string().max(255).optional(),
};

export function auditRoutes(app: Door, audit: AuditStore): void {
  app.get('/v1/audit', {
    config: { operation: 'audit.read' },
    schema: {
      tags: ['audit'],
      summary: 'Who did what, newest first',
      querystring: z.object({ ...filter, limit: pageLimit(1000, 100), offset: pageOffset }),
      response: { 200: z.object({ results: z.array(auditEvent), totalCount: z.number().int(), limit: z.number().int(), offset: z.number().int() }) },
    },
  }, async (request) => {
    const { limit, offset, ...wanted } = request.query;
    return { ...(await audit.list(wanted, { limit, offset })), limit, offset };
  });
}
