import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { inject } from 'vitest';
import { startPostgres as startEmbedded, type PostgresOptions, type PostgresServer } from '../../src/embedded/index.ts';
import { eventually } from './eventually.ts';
import { postgresPrograms, temporaryFolder } from './run-folder.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The file into which the run's one Postgres writes its URL, or why there is none. */
    postgresUrlFile: string;
  }
}

export type PostgresForTest = Partial<Pick<PostgresOptions, 'port' | 'dataFolder' | 'settings' | 'onUnexpectedExit'>>;

/** A Postgres of the test's own, to be killed and started again. For anything else createDatabase() is quicker. */
export async function startPostgres(options: PostgresForTest = {}): Promise<PostgresServer> {
  const { found: programs, version } = await postgresPrograms();
  const folder = options.dataFolder === undefined ? temporaryFolder('postgres') : undefined;
  try {
    const server = await startEmbedded({ programs, version, environment: process.env, ...options, dataFolder: options.dataFolder ?? folder?.path as string });
    const stop = async (): Promise<void> => {
      await server.stop();
      folder?.[Symbol.dispose]();
    };
    return { ...server, stop, [Symbol.asyncDispose]: stop };
  } catch (fault) {
    folder?.[Symbol.dispose]();
    throw fault;
  }
}

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly name: string;
  drop(): Promise<void>;
}

export interface DatabaseOptions {
  /** Prepares a database once per run, to be copied for each test: usually the migrations. */
  template?: { name: string; prepare: (url: string) => Promise<void> };
}

/** A database of the test's own on the run's shared server. */
export async function createDatabase({ template }: DatabaseOptions = {}): Promise<TestDatabase> {
  const server = await sharedServerUrl();
  if (template !== undefined) await prepared(server, template);
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(server, `create database ${name}${template === undefined ? '' : ` template ${pg.escapeIdentifier(`template_${template.name}`)}`}`);
  const drop = (): Promise<void> => administer(server, `drop database if exists ${name} with (force)`);
  return { url: withDatabase(server, name), name, drop, [Symbol.asyncDispose]: drop };
}

/** The first that asks makes the template; the others wait for it, in whatever process they are. */
async function prepared(server: string, { name, prepare }: NonNullable<DatabaseOptions['template']>): Promise<void> {
  const database = `template_${name}`;
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock(hashtext($1))', [database]);
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (rowCount !== 0) return;
    const draft = `${database}_draft`;
    await client.query(`drop database if exists ${pg.escapeIdentifier(draft)} with (force)`);
    await client.query(`create database ${pg.escapeIdentifier(draft)}`);
    await prepare(withDatabase(server, draft));
    await client.query(`alter database ${pg.escapeIdentifier(draft)} rename to ${pg.escapeIdentifier(database)}`);
  } finally {
    await client.end(); // gives the lock back
  }
}

async function sharedServerUrl(): Promise<string> {
  const file = inject('postgresUrlFile');
  return eventually(() => {
    const text = readFileSync(file, 'utf8');
    if (text.startsWith('failed:')) throw new Error(`the run's Postgres did not start: ${text}`);
    return text === '' ? undefined : text;
  }, { saying: 'the URL of the run\'s Postgres', withinMs: 30_000 });
}

async function administer(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.toString();
}
