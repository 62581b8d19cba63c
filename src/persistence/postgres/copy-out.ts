/**
 * COPY out of the database. The driver makes objects and an event of every message, one for each row,
 * which costs more than reading the row: while a COPY runs its messages are taken off the socket here,
 * and the driver gets the others.
 */
import type { PoolClient, Submittable } from 'pg';
import type { Duplex } from 'node:stream';
import type { Database } from './database.ts';
import { databaseFault } from './faults.ts';

/** A row lies in `bytes` from `from` to before `to`; they are the socket's, valid during the call. */
export type TakeRow = (bytes: Buffer, from: number, to: number) => void;

const copyData = 0x64;
const readyForQuery = 0x5a;
/** A letter, and the length of what follows, itself included. */
const headBytes = 5;

/** The face that the driver expects of something it can run; its own type definitions leave out the COPY part. */
interface CopyOutQuery extends Submittable {
  handleCommandComplete(): void;
  handleReadyForQuery(): void;
  handleError(error: Error): void;
  callback?(): void;
}

/** The rows of a COPY statement, on a connection of its own. */
export async function copyRows(database: Pick<Database, 'connect'>, statement: string, take: TakeRow): Promise<void> {
  const { client, release } = await database.connect();
  let broken: unknown;
  try {
    await copyOut(client, statement, take);
  } catch (error) {
    broken = error;
    throw databaseFault(error);
  } finally {
    release(broken);
  }
}

function copyOut(client: PoolClient, statement: string, take: TakeRow): Promise<void> {
  return new Promise((resolve, reject) => {
    let failed: unknown;
    const row: TakeRow = (bytes, from, to) => {
      if (failed !== undefined) return;
      try {
        take(bytes, from, to);
      } catch (error) {
        failed = error;
      }
    };
    const query: CopyOutQuery & { handleCopyOutResponse?(): void } = {
      submit: (connection) => {
        divert(connection.stream, row);
        connection.query(statement);
      },
      handleCommandComplete: () => {},
      handleReadyForQuery: () => (failed === undefined ? resolve() : reject(failed as Error)),
      handleError: reject,
    };
    client.query(query);
  });
}

type Listener = (chunk: Buffer) => void;

/** Until the server is ready again. Between two queries no message is half read, so the driver misses nothing. */
function divert(stream: Duplex, take: TakeRow): void {
  const driver = stream.listeners('data') as Listener[];
  const pass: Listener = (chunk) => {
    for (const listener of driver) listener.call(stream, chunk);
  };
  /** Of one message, which lies across chunks; joined once it is whole, because a value may have megabytes. */
  let parts: Buffer[] = [];
  let held = 0;
  let wanted = headBytes;

  const onMessage = (bytes: Buffer, from: number, to: number): void => {
    const letter = bytes[from];
    if (letter === copyData) {
      take(bytes, from + headBytes, to);
      return;
    }
    if (letter === readyForQuery) {
      stream.off('data', onData);
      for (const listener of driver) stream.on('data', listener);
    }
    pass(bytes.subarray(from, to));
  };
  const onData: Listener = (chunk) => {
    let at = 0;
    while (held > 0) {
      const part = chunk.subarray(at, at + wanted - held);
      parts.push(part);
      held += part.length;
      at += part.length;
      if (held < wanted) return;
      const message = Buffer.concat(parts, held);
      wanted = endOf(message, 0);
      parts = [message];
      if (wanted > held) continue;
      parts = [];
      held = 0;
      wanted = headBytes;
      onMessage(message, 0, message.length);
    }
    while (at + headBytes <= chunk.length) {
      const end = endOf(chunk, at);
      if (end > chunk.length) break;
      onMessage(chunk, at, end);
      at = end;
    }
    if (at === chunk.length) return;
    parts = [chunk.subarray(at)];
    held = chunk.length - at;
    if (held >= headBytes) wanted = endOf(chunk, at) - at;
  };
  stream.on('data', onData);
  for (const listener of driver) stream.off('data', listener);
}

const endOf = (bytes: Buffer, from: number): number => from + 1 + bytes.readInt32BE(from + 1);
