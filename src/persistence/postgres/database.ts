/**
 * Connections, and statements on them. Nothing here knows a table.
 * A database that went away is `unavailable` within seconds, and a lost connection never ends the process.
 */
import pg from 'pg';
import type { Log } from '../../kernel/log.ts';
import { copyIn } from './copy-in.ts';
import { databaseFault, isAway } from './faults.ts';
import { createPulse } from './pulse.ts';

export interface Session {
  rows<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export interface Transaction extends Session {
  /** A failure half-way leaves nothing because the transaction does. */
  copy(statement: string, buffers: Iterable<Buffer>): Promise<void>;
}

/** A connection of one's own, for COPY. Give it back with the fault, if any, so that a broken one is not used again. */
export interface Lease {
  readonly client: pg.PoolClient;
  release(fault?: unknown): void;
}

export interface Database extends Session {
  /** All or nothing. `steady` reads one unchanging state of the database. */
  transaction<Result>(work: (session: Transaction) => Promise<Result>, kind?: 'steady'): Promise<Result>;
  connect(): Promise<Lease>;
  ping(): Promise<number>;
  close(): Promise<void>;
}

const connectWithinMs = 2_500;
const statementWithinMs = 30_000;
const int8 = 20;

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text') => (oid === int8 ? BigInt : pg.types.getTypeParser(oid, format))) as pg.CustomTypesConfig['getTypeParser'],
};

export function createDatabase(options: { url: string; poolSize: number; log: Log }): Database {
  const { log } = options;
  const openPool = (max: number): pg.Pool => {
    const pool = new pg.Pool({
      connectionString: options.url,
      max,
      connectionTimeoutMillis: connectWithinMs,
      idleTimeoutMillis: 60_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 1_000,
      statement_timeout: statementWithinMs,
      application_name: 'drey',
      // Compiling a query takes longer than any of ours takes to run: 600 ms instead of 80 for a comparison on Postgres 15.
      options: '-c jit=off',
      types,
    });
    pool.on('error', (error) => log.warn({ err: error }, 'an idle database connection was lost'));
    // While a connection is in use the pool does not listen, and an unheard error would end the process.
    pool.on('connect', (client) => client.on('error', (error) => log.debug({ err: error }, 'a database connection was lost')));
    return pool;
  };
  const pool = openPool(options.poolSize);
  // Of its own, so that a pool whose connections are all busy is not taken for a database that is gone.
  const pulse = createPulse(openPool(1));

  const connect = async (): Promise<Lease> => {
    try {
      const client = await pool.connect();
      const unwatch = pulse.watch(() => void client.end());
      return {
        client,
        release: (fault) => {
          unwatch();
          client.release(fault instanceof Error ? fault : fault !== undefined);
        },
      };
    } catch (error) {
      throw databaseFault(error);
    }
  };

  const onClient = async <Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> => {
    const { client, release } = await connect();
    let broken: Error | undefined;
    try {
      return await work(client);
    } catch (error) {
      if (error instanceof Error && isAway(error)) broken = error;
      throw databaseFault(error);
    } finally {
      release(broken);
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
      try {
        return await pulse.beat();
      } catch (error) {
        throw databaseFault(error);
      }
    },
    close: async () => {
      await Promise.all([pool.end(), pulse.stop()]);
    },
  };
}

export function sessionOn(client: pg.PoolClient): Transaction {
  return {
    rows: async <Row extends object>(text: string, values: readonly unknown[] = []) => (await client.query<Row>(text, [...values])).rows,
    copy: async (statement, buffers) => {
      const into = copyIn(client, statement);
      await into.write(buffers);
      await into.finish();
    },
  };
}
