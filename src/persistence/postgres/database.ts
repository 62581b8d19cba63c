/**
 * Connections, and statements on them. Nothing here knows a table.
 * A database that went away is `unavailable` within seconds, and a lost connection never ends the process.
 */
import pg from 'pg';
import type { Log } from '../../kernel/log.ts';
import { databaseFault, isAway } from './faults.ts';

export interface Session {
  rows<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export interface Database extends Session {
  /** All or nothing. `steady` reads one unchanging state of the database. */
  transaction<Result>(work: (session: Session) => Promise<Result>, kind?: 'steady'): Promise<Result>;
  /** A connection of one's own, for COPY. Release it with the fault, if any, so that a broken one is not used again. */
  connect(): Promise<pg.PoolClient>;
  ping(): Promise<number>;
  close(): Promise<void>;
}

const connectWithinMs = 2_500;
const statementWithinMs = 30_000;
/** The server ends statements first; this one is for a server that says nothing at all. */
const answerWithinMs = statementWithinMs + 2_000;
const pingWithinMs = 2_500;
const int8 = 20;

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text') => (oid === int8 ? BigInt : pg.types.getTypeParser(oid, format))) as pg.CustomTypesConfig['getTypeParser'],
};

export function createDatabase(options: { url: string; poolSize: number; log: Log }): Database {
  const { log } = options;
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: connectWithinMs,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 1_000,
    statement_timeout: statementWithinMs,
    application_name: 'drey',
    types,
  });
  pool.on('error', (error) => log.warn({ err: error }, 'an idle database connection was lost'));
  // While a connection is in use the pool does not listen, and an unheard error would end the process.
  pool.on('connect', (client) => client.on('error', (error) => log.debug({ err: error }, 'a database connection was lost')));

  const connect = async (): Promise<pg.PoolClient> => {
    try {
      return await pool.connect();
    } catch (error) {
      throw databaseFault(error);
    }
  };

  const onClient = async <Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> => {
    const client = await connect();
    let broken: Error | undefined;
    try {
      return await work(client);
    } catch (error) {
      if (error instanceof Error && isAway(error)) broken = error;
      throw databaseFault(error);
    } finally {
      client.release(broken);
    }
  };

  return {
    rows: (text, values) => onClient((client) => sessionOn(client).rows(text, values)),
    transaction: (work, kind) =>
      onClient(async (client) => {
        await client.query(kind === 'steady' ? 'begin isolation level repeatable read read only' : 'begin');
        try {
          const result = await work(sessionOn(client));
          await client.query('commit');
          return result;
        } catch (error) {
          if (!(error instanceof Error && isAway(error))) await client.query('rollback');
          throw error;
        }
      }),
    connect,
    ping: async () => {
      const began = performance.now();
      await onClient((client) => client.query({ text: 'select 1', query_timeout: pingWithinMs } as pg.QueryConfig));
      return performance.now() - began;
    },
    close: () => pool.end(),
  };
}

export function sessionOn(client: pg.ClientBase, withinMs: number = answerWithinMs): Session {
  return {
    rows: async <Row extends object>(text: string, values: readonly unknown[] = []) => {
      // The type definitions lack the per-query time limit.
      const config = { text, values: [...values], query_timeout: withinMs } as pg.QueryConfig;
      return (await client.query<Row>(config)).rows;
    },
  };
}
