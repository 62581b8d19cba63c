/** OpenAPI 3.1 from the zod schemas of the routes: /docs for people, /docs/json for programs. */
import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';

const prefix = '/docs';

const description = `Saves, compares and restores the state of an EPICS facility.

Every path under /v1 wants an API key in the header \`X-API-Key\`; \`X-Drey-User\` may name the person behind a program, for the audit log.
Failures answer \`{detail, code, faults?}\`. Numbers that JSON lacks are the strings "NaN", "Infinity", "-Infinity"; integers beyond 2^53 are decimal strings;
times in ns are strings.`;

const tags = [
  { name: 'pvs', description: 'catalogue entries: up to three channels each, with device, tolerances and tags; live values' },
  { name: 'tags', description: 'tag groups and tags' },
  { name: 'snapshots', description: 'take, list, read, edit, delete, compare' },
  { name: 'restore', description: 'dry run, restore, outcomes' },
  { name: 'jobs', description: 'what was asked for and how far it is' },
  { name: 'iocs', description: 'IOCs, their circuit breakers, their channels' },
  { name: 'health', description: 'whether it works' },
  { name: 'audit', description: 'who did what' },
  { name: 'api-keys', description: 'keys of programs and people' },
];

export async function addDocs(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Drey', description, version },
      tags,
      components: { securitySchemes: { apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' } } },
    },
    transform: jsonSchemaTransform,
  });
  // A server of its own behind this one, made when the first person looks: it takes longer to load than all routes.
  let pages: Promise<FastifyInstance> | undefined;
  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const server = await (pages ??= openPages(app));
    reply.hijack();
    server.routing(request.raw, reply.raw);
  };
  app.get(prefix, { schema: { hide: true } }, show);
  app.get(`${prefix}/*`, { schema: { hide: true } }, show);
}

async function openPages(app: FastifyInstance): Promise<FastifyInstance> {
  const { default: swaggerUi } = await import('@fastify/swagger-ui');
  const pages = Fastify();
  await pages.register(swagger, { mode: 'static', specification: { document: app.swagger() as never } });
  await pages.register(swaggerUi, { routePrefix: prefix });
  await pages.ready();
  return pages;
}
