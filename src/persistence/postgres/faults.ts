/** What Postgres and its sockets say, in Drey's words. Callers see DreyError and nothing else. */
import pg from 'pg';
import { DreyError } from '../../contracts/errors.ts';

/** Messages of the driver that come without a code. */
const gone = /connection terminated|timeout exceeded when trying to connect|query read timeout|client has encountered a connection error|not queryable|client was closed/i;
const socketCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'ENOENT']);
/** Shut down, crashed, starting up, no such database (yet): all of them may pass. */
const stateCodes = /^(08|53|58|57P|3D000|40001|40P01|25P0[34])/;

export function databaseFault(error: unknown): unknown {
  if (error instanceof DreyError || !(error instanceof Error)) return error;
  if (isAway(error)) return new DreyError('unavailable', `the database does not answer: ${error.message || codeOf(error)}`, { cause: error });
  if (!(error instanceof pg.DatabaseError)) return error;
  const said = error.message;
  switch (error.code) {
    case '57014':
      return new DreyError('timeout', `the database gave up on it: ${said}`, { cause: error });
    case '23505':
      return new DreyError('conflict', error.detail ?? said, { cause: error });
    case '22021':
    case '22P05':
      return new DreyError('badInput', 'a text holds a NUL character, which the database cannot keep', { cause: error });
    case '22P02':
    case '22003':
      return new DreyError('badInput', said, { cause: error });
    default:
      return new DreyError('internal', `the database refused it: ${said} (${error.code ?? 'no code'})`, { cause: error });
  }
}

/** Whether the connection, not the statement, is what failed. */
export function isAway(error: Error): boolean {
  if (error instanceof AggregateError) return error.errors.some((one) => one instanceof Error && isAway(one));
  const code = codeOf(error);
  return socketCodes.has(code) || (error instanceof pg.DatabaseError ? stateCodes.test(code) : gone.test(error.message));
}

const codeOf = (error: Error): string => String((error as { code?: unknown }).code ?? '');
