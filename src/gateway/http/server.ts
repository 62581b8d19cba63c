/** The HTTP server without its routes: limits, keys, faults, request log, documentation. */
import { randomUUID } from 'node:crypto';
import Fastify, { type FastifySchemaCompiler } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { DreyError } from '../../contracts/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { Histogram, type Registry } from '../../kernel/metrics.ts';
import { authorise, operationScopes, type Authenticate, type Caller } from '../access.ts';
import { checkInput } from '../../contracts/input-faults.ts';
import { misfit } from '../input.ts';
import { allowOrigins } from './cors.ts';
import { addDocs } from './docs.ts';
import type { Door } from './door.ts';
import { createErrorHandler, errorBody, notFound } from './faults.ts';

export interface HttpOptions {
  readonly version: string;
  /** Origins whose pages may call; empty = none but our own. `*` = any. */
  readonly allowOrigins?: readonly string[];
  /** A request must have arrived whole within this many ms: a slow client holds nothing up for ever. */
  readonly requestTimeoutMs?: number;
}

export interface HttpDeps {
  readonly authenticate: Authenticate;
  readonly log: Log;
  readonly metrics: Registry;
  readonly options: HttpOptions;
}

const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => (data) => {
  const { data: value, faults, count } = checkInput(schema, data);
  return count === 0 ? { value } : { error: misfit(httpPart === 'querystring' ? 'query' : (httpPart ?? 'request'), faults, count) };
};

const nobody: Caller = { who: 'nobody', scopes: [], keyId: null };
const ourOwnPages = /^\/docs(\/|$)/;

export async function createHttpServer({ authenticate, log, metrics, options }: HttpDeps): Promise<Door> {
  const requestTimeout = options.requestTimeoutMs ?? 120_000;
  const app = Fastify({
    // Without these, checkers and serializers of another kind are loaded at the start, which takes a quarter of it, and never used.
    schemaController: { compilersFactory: { buildValidator: () => validatorCompiler as never, buildSerializer: () => serializerCompiler as never } },
    // Node exchanges the two if the headers may take longer than the whole.
    http: { connectionsCheckingInterval: Math.min(5_000, requestTimeout), headersTimeout: Math.min(60_000, requestTimeout) },
    logger: false,
    bodyLimit: 1024 * 1024,
    requestTimeout,
    keepAliveTimeout: 75_000,
    routerOptions: { maxParamLength: 512 },
    genReqId: () => randomUUID(),
    return503OnClosing: true,
  }).withTypeProvider<ZodTypeProvider>() as Door;

  // Clients that always send the content-type have no body to send with a DELETE.
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '' && request.routeOptions.schema?.body === undefined) done(null, undefined);
    else void parseJson(request, body as string, done);
  });
  app.setErrorHandler(createErrorHandler(log));
  app.setNotFoundHandler(notFound);
  app.decorateRequest('caller', null as unknown as Caller);

  allowOrigins(app, options.allowOrigins ?? []);

  app.addHook('onRoute', (route) => {
    if (ourOwnPages.test(route.url)) return;
    const operation = route.config?.operation;
    if (operation === undefined) throw new Error(`${String(route.method)} ${route.url} says no operation: access.ts could not guard it`);
    route.schema = {
      ...route.schema,
      querystring: nothingUnknown(route.schema?.querystring),
      ...(operation === 'open' ? {} : { security: [{ apiKey: [] }], description: `Needs the scope ${operationScopes[operation].join(' or ')} (${operation}).` }),
      response: { ...(route.schema?.response as object | undefined), '4xx': errorBody.describe('what was wrong with the request'), '5xx': errorBody.describe('what could not be done') },
    };
  });

  // Before the body is read: strangers do not get to send 100 MB.
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    const operation = request.routeOptions.config.operation;
    if (operation === undefined || operation === 'open') {
      request.caller = nobody;
      return;
    }
    request.caller = await authenticate(one(request.headers['x-api-key'], 'X-API-Key'), one(request.headers['x-drey-user'], 'X-Drey-User'));
    authorise(request.caller, operation);
  });

  const duration = new Histogram({
    name: 'drey_http_request_seconds',
    help: 'time from a request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [metrics],
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    duration.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
    const facts = { requestId: request.id, who: request.caller?.who ?? 'nobody', method: request.method, url: request.url, status: reply.statusCode, ms: Math.round(reply.elapsedTime) };
    if (request.method === 'GET' || request.method === 'HEAD') log.debug(facts, 'answered');
    else log.info(facts, 'answered');
  });

  await addDocs(app, options.version);
  return app;
}

/** A parameter that is not understood may be the one that was to keep the machine untouched: `dryRun` on a restore, say. */
function nothingUnknown(query: unknown): unknown {
  if (query === undefined) return z.strictObject({});
  return query instanceof z.ZodObject ? query.strict() : query;
}

function one(header: string | string[] | undefined, name: string): string | undefined {
  if (Array.isArray(header)) throw new DreyError('badInput', `the header ${name} is there ${header.length} times`);
  return header;
}
