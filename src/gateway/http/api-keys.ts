import { z } from 'zod';
import { apiKeyView, createdApiKey, newApiKey, type ApiKeyOperations } from '../operations/api-keys.ts';
import { flag, idParam, type Door } from './door.ts';

const tags = ['api-keys'];
const activeOnly = z.object({ active_only: flag.default(false).describe('leave deactivated keys out') });

export function apiKeyRoutes(app: Door, keys: ApiKeyOperations): void {
  app.get('/v1/api-keys', {
    config: { operation: 'apiKeys.list' },
    schema: { tags, summary: 'List keys, never their tokens', querystring: activeOnly, response: { 200: z.array(apiKeyView) } },
  }, (request) => keys.list(request.query.active_only));

  app.get('/v1/api-keys/count', {
    config: { operation: 'apiKeys.list' },
    schema: { tags, summary: 'Count keys', querystring: activeOnly, response: { 200: z.number().int() } },
  }, async (request) => (await keys.list(request.query.active_only)).length);

  app.post('/v1/api-keys', {
    config: { operation: 'apiKeys.create' },
    schema: { tags, summary: 'Make a key; its token is shown this once', body: newApiKey, response: { 200: createdApiKey } },
  }, (request) => keys.create(request.caller, request.body));

  app.delete('/v1/api-keys/:id', {
    config: { operation: 'apiKeys.deactivate' },
    schema: {
      tags,
      summary: 'Deactivate a key; it stays in the list',
      params: idParam,
      querystring: z.object({ force: flag.default(false).describe('also the key of this very request') }),
      response: { 200: apiKeyView },
    },
  }, (request) => keys.deactivate(request.caller, request.params.id, request.query.force));
}
