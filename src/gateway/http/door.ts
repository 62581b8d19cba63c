/** What a file of routes sees: the app with its zod types, the caller on the request, the operation on the route. */
import type { Readable } from 'node:stream';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Caller, Operation } from '../access.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What access.ts is asked about; `open` = anybody, without a key. Every route says one of them. */
    operation?: Operation | 'open';
  }
  interface FastifyRequest {
    caller: Caller;
  }
}

export type Door = FastifyInstance<RawServerDefault, RawRequestDefaultExpression, RawReplyDefaultExpression, FastifyBaseLogger, ZodTypeProvider>;

/** Ids are opaque: the store says whether it knows one. */
export const idParam = z.object({ id: z.string().min(1).max(255) });

/** A flag in a query: true, 1, yes, on and their opposites. */
export const flag = z.stringbool();

export const pageLimit = (most: number, usual: number) => z.coerce.number().int().min(0).max(most).default(usual).describe(`rows of a page, 0 to ${most}`);
export const pageOffset = z.coerce.number().int().min(0).default(0).describe('rows to skip');

/** A parameter that may be repeated in a query. */
export const listParam = z.union([z.array(z.string()), z.string()]).transform((value) => (typeof value === 'string' ? [value] : value));

/** The same of words to choose from. */
export const choices = <Choices extends z.core.util.EnumLike>(one: z.ZodEnum<Choices>) => z.union([z.array(one), one.transform((value) => [value])]);

/** A point in time in a query. */
export const instant = z.union([z.iso.datetime({ offset: true, local: true }), z.iso.date()], {
  error: ({ input }) => `${JSON.stringify(String(input).slice(0, 60))} is not an ISO 8601 date or time, such as 2026-05-01 or 2026-05-01T12:00:00Z`,
}).transform((text) => new Date(text));

export const bodyLimits = {
  /** Names or ids of a whole facility. */
  selection: 16 * 1024 * 1024,
  /** 100,000 catalogue entries. */
  bulk: 128 * 1024 * 1024,
} as const;

/** Ends when the client has gone or the gateway stops: nobody waits for an answer that nobody hears. */
export function untilGone(reply: FastifyReply, stopping: AbortSignal): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return AbortSignal.any([gone.signal, stopping]);
}

/** Sends what is written as text or bytes already, past the schema of the answer, which stays for the documentation. */
export function sendWritten(reply: unknown, type: string, body: string | Buffer | Readable): FastifyReply {
  return (reply as FastifyReply).type(type).send(body);
}
