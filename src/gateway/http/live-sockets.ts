import { z } from 'zod';
import { DreyError } from '../../contracts/errors.ts';
import type { LiveSockets } from '../ws/index.ts';
import type { Door } from './door.ts';

const tags = ['pvs'];

const ticket = z.object({ ticket: z.string().describe('goes into ?ticket= of the WebSocket\'s address, once'), expiresAt: z.string().describe('ISO 8601') });
const status = z.object({
  instanceId: z.string().describe('of this gateway since its start'),
  multiInstanceEnabled: z.boolean(),
  activeConnections: z.number(),
  totalSubscriptions: z.number().describe('PVs watched, summed over the connections'),
  uniquePVsSubscribed: z.number(),
  bufferSize: z.number().describe('bytes that wait in the sockets'),
  batchIntervalMs: z.number().describe('window of clients that choose none'),
  slowConnections: z.number().describe('connections that take slower than they are sent to, just now'),
  sequence: z.number(),
});

export function liveSocketRoutes(app: Door, sockets: Pick<LiveSockets, 'tickets' | 'status'>): void {
  app.post('/v1/ws/ticket', {
    config: { operation: 'pvs.live' },
    schema: { tags, summary: 'A ticket for one WebSocket connection, for browsers: they cannot send a header with it', response: { 200: ticket } },
  }, async (request) => sockets.tickets.issue(request.caller));

  app.get('/v1/ws/status', {
    config: { operation: 'pvs.live' },
    schema: { tags, summary: 'WebSocket connections of this gateway', response: { 200: status } },
  }, async () => sockets.status());

  for (const path of ['/v1/ws/pvs', '/v1/ws/live']) {
    app.get(path, {
      config: { operation: 'open' },
      schema: { tags, summary: 'Live values over WebSocket (docs/live.md); key by X-API-Key or ?ticket=' },
    }, async () => {
      throw new DreyError('badInput', `${path} is a WebSocket: connect with ws:// or wss://, and with X-API-Key or a ticket of POST /v1/ws/ticket`);
    });
  }
}
