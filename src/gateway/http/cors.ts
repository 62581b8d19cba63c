/**
 * Browser pages of other origins: nobody unless configured. Never with credentials: keys travel in
 * a header that the page must know.
 */
import type { FastifyInstance } from 'fastify';

const methods = 'GET, POST, PUT, DELETE';
const requestHeaders = 'content-type, x-api-key, x-drey-user';
const answerHeaders = 'x-request-id, x-total-count, retry-after';

export function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  const anyone = origins.includes('*');
  app.addHook('onRequest', async (request, reply) => {
    const origin = request.headers.origin;
    if (!anyone) reply.header('vary', 'origin');
    if (origin === undefined || !(anyone || origins.includes(origin))) return;
    reply.header('access-control-allow-origin', anyone ? '*' : origin).header('access-control-expose-headers', answerHeaders);
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return;
    await reply
      .header('access-control-allow-methods', methods)
      .header('access-control-allow-headers', requestHeaders)
      .header('access-control-max-age', '600')
      .code(204)
      .send();
  });
}
