/** Every failure leaves as {detail, code, faults?} with the status of contracts/errors.ts. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DreyError, errorCodes, errorStatus } from '../../contracts/errors.ts';
import type { Log } from '../../kernel/log.ts';

export const errorBody = z.object({
  detail: z.string().describe('what was wrong, with the thing, the value and the limit'),
  code: z.enum(errorCodes).describe('for programs; never changes its meaning'),
  faults: z.array(z.string()).optional().describe('one line per fault where several things were wrong, at most 100'),
});

const megabytes = (bytes: number): string => `${Math.round((bytes / 1024 / 1024) * 10) / 10} MB`;

/** What Fastify itself refuses, in our words; undefined = a fault of ours. */
function fromFastify(error: FastifyError, request: FastifyRequest): DreyError | undefined {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new DreyError('tooLarge', `the body is larger than the ${megabytes(request.routeOptions.bodyLimit)} that ${request.method} ${request.routeOptions.url} takes`);
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new DreyError('badInput', 'the body is empty: send JSON, or leave the content-type out');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new DreyError('badInput', `a body of content-type "${request.headers['content-type'] ?? ''}" is not understood: send application/json`);
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new DreyError('badInput', 'the body is not as long as its content-length says');
    case 'FST_ERR_MAX_PARAM_LENGTH':
    case 'FST_ERR_BAD_URL':
      return new DreyError('badInput', `the path ${request.url.slice(0, 100)} is not one: ${error.message}`);
    default:
      if (error.statusCode === 400 && (error instanceof SyntaxError || error.code === 'FST_ERR_CTP_INVALID_JSON_BODY')) {
        return new DreyError('badInput', `the body is not JSON: ${error.message}`);
      }
      return error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500 ? new DreyError('badInput', error.message) : undefined;
  }
}

export function createErrorHandler(log: Log) {
  return async (error: FastifyError | DreyError, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const known = error instanceof DreyError ? error : fromFastify(error, request);
    const answer = known ?? new DreyError('internal', `an internal fault: the log has it under the request id ${request.id}`);
    if (answer.code === 'internal') log.error({ err: error, requestId: request.id, method: request.method, url: request.url }, 'a request met an internal fault');
    else if (errorStatus[answer.code] >= 500) log.warn({ requestId: request.id, method: request.method, url: request.url, code: answer.code, reason: answer.message }, 'a request could not be served');
    // A body that was not read must not be taken for the next request.
    if (answer.code === 'tooLarge') reply.header('connection', 'close');
    await reply.code(errorStatus[answer.code]).type('application/json; charset=utf-8').serializer(JSON.stringify).send(answer.body);
  };
}

export function notFound(request: FastifyRequest): never {
  throw new DreyError('notFound', `there is no ${request.method} ${request.url.split('?', 1)[0]}; /docs shows what there is`);
}
