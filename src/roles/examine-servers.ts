/** What the servers answer that the configuration names: for `drey doctor`. Looks only, and changes nothing. */
import pg from 'pg';
import { openLink } from '../bus/nats/link.ts';
import type { Config } from '../config.ts';
import { silentLog } from '../kernel/log.ts';

export interface ServerAnswer {
  readonly name: 'NATS' | 'Postgres';
  readonly variable: 'NATS_URL' | 'DATABASE_URL';
  /** Whether Drey could work with it. */
  readonly serves: boolean;
  readonly says: string;
}

const withinMs = 3_000;

/** One answer for each server that is named. */
export function examineServers({ natsUrl, natsUser, natsPassword, databaseUrl }: Config): Promise<ServerAnswer[]> {
  return Promise.all([
    ...natsUrl === undefined ? [] : [examine('NATS', 'NATS_URL', () => askNats(natsUrl, natsUser, natsPassword))],
    ...databaseUrl === undefined ? [] : [examine('Postgres', 'DATABASE_URL', () => askPostgres(databaseUrl))],
  ]);
}

async function examine(name: ServerAnswer['name'], variable: ServerAnswer['variable'], ask: () => Promise<string>): Promise<ServerAnswer> {
  try {
    return { name, variable, serves: true, says: await ask() };
  } catch (fault) {
    return { name, variable, serves: false, says: whatWentWrong(fault) };
  }
}

async function askNats(servers: string, user: string | undefined, password: string | undefined): Promise<string> {
  const link = await openLink({ servers, user, password, name: 'drey doctor', log: silentLog, firstConnectMs: 0 });
  const { connection } = link;
  const account = await link.manager.getAccountInfo().then(({ streams }) => `${streams} streams`, (fault: unknown) => `its JetStream does not answer: ${whatWentWrong(fault)}`);
  const says = `nats-server ${connection.info?.version ?? 'of unknown version'} at ${connection.getServer()}, ${account}, max_payload ${connection.info?.max_payload ?? 0}`;
  await link.close();
  return says;
}

async function askPostgres(connectionString: string): Promise<string> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: withinMs, query_timeout: withinMs, application_name: 'drey doctor' });
  // A connection that ends by itself is told by the query that waits for it.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows: [seen] } = await client.query<{ version: string; name: string; has: boolean; creates: boolean }>(
      "select current_setting('server_version') as version, current_database() as name, to_regclass('schema_version') is not null as has, has_schema_privilege(current_schema(), 'create') as creates",
    );
    const schema = seen!.has ? await client.query<{ n: string }>('select count(*) as n from schema_version').then(({ rows: [row] }) => `Drey's tables at migration ${row!.n}`) : 'no tables of Drey yet';
    if (!seen!.creates) throw new Error(`${client.user ?? 'the user'} may not make tables in database ${seen!.name} of ${client.host}:${client.port}`);
    return `Postgres ${seen!.version} at ${client.host}:${client.port}, database ${seen!.name}: ${schema}`;
  } catch (fault) {
    throw new Error(`${client.host}:${client.port}: ${whatWentWrong(fault)}`, { cause: fault });
  } finally {
    await client.end().catch(() => {});
  }
}

function whatWentWrong(fault: unknown): string {
  if (fault instanceof AggregateError && fault.errors.length > 0) return whatWentWrong(fault.errors[0]);
  return fault instanceof Error ? fault.message || fault.name : String(fault);
}
