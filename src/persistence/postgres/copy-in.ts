/** COPY in both directions on one connection. */
import type { PoolClient, Submittable } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

export interface CopyIn {
  /** Resolves when the next buffers may come. */
  write(buffers: Iterable<Buffer>): Promise<void>;
  finish(): Promise<void>;
  /** Makes the server end it with an error. */
  abort(): Promise<void>;
  /** Rejects when it fails, whoever waits; never resolves. */
  readonly failure: Promise<never>;
}

export function copyIn(client: PoolClient, statement: string): CopyIn {
  const stream = client.query(copyFrom(statement, { highWaterMark: 1024 * 1024 }));
  // The stream says its error once, to whoever listens; callers come and go.
  let failed: Error | undefined;
  const failure = new Promise<never>((_, reject) => {
    stream.once('error', (error: Error) => {
      failed = error;
      reject(error);
    });
  });
  failure.catch(() => {});
  stream.on('error', () => {});

  return {
    failure,
    write: async (buffers) => {
      if (failed) throw failed;
      let more = true;
      for (const buffer of buffers) more = stream.write(buffer);
      if (!more) await Promise.race([failure, new Promise<void>((resolve) => stream.once('drain', resolve))]);
    },
    finish: () => Promise.race([failure, new Promise<void>((resolve) => stream.end(resolve))]),
    abort: async () => {
      if (failed) return;
      stream.destroy(new Error('given up by the writer'));
      await failure.catch(() => {});
    },
  };
}

/** The face that the driver expects of something it can run; its own type definitions leave out the COPY part. */
interface CopyOutQuery extends Submittable {
  handleCopyData(message: { chunk: Buffer }): void;
  handleCommandComplete(): void;
  handleReadyForQuery(): void;
  handleError(error: Error): void;
  callback?(): void;
}

/** Hands every CopyData message to `message` as it comes, without a stream between. */
export function copyOut(client: PoolClient, statement: string, message: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let failed: unknown;
    const query: CopyOutQuery & { handleCopyOutResponse?(): void } = {
      submit: (connection) => connection.query(statement),
      handleCopyData: ({ chunk }) => {
        if (failed !== undefined) return;
        try {
          message(chunk);
        } catch (error) {
          failed = error;
        }
      },
      handleCommandComplete: () => {},
      handleReadyForQuery: () => (failed === undefined ? resolve() : reject(failed as Error)),
      handleError: reject,
    };
    client.query(query);
  });
}
