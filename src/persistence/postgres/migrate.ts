/** Brings the schema to this program's version: numbered files, each applied once, all in one transaction. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DreyError } from '../../contracts/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { sessionOn, type Database } from './database.ts';
import { databaseFault } from './faults.ts';

const folder = join(import.meta.dirname, 'migrations');
/** Processes that start together wait for the first of them here; any number that nobody else uses. */
const lock = 0x64726579;
const waitWithinMs = 10 * 60_000;

export async function migrate(database: Database, log: Log): Promise<void> {
  const files = readdirSync(folder).filter((name) => /^\d{4}-.*\.sql$/.test(name)).sort();
  const { client, release } = await database.connect();
  const session = sessionOn(client);
  let broken: unknown;
  try {
    await client.query(`begin; set local statement_timeout = ${waitWithinMs}; select pg_advisory_xact_lock(${lock})`);
    await client.query('create table if not exists schema_version (name text primary key, at timestamptz not null default now())');
    const applied = new Set((await session.rows<{ name: string }>('select name from schema_version')).map((row) => row.name));
    const unknown = [...applied].filter((name) => !files.includes(name));
    if (unknown.length > 0) throw new DreyError('conflict', `the database was made by a newer Drey (it has ${unknown.join(', ')}): start that one, or use another database`);
    for (const name of files) {
      if (applied.has(name)) continue;
      await client.query(readFileSync(join(folder, name), 'utf8'));
      await session.rows('insert into schema_version (name) values ($1)', [name]);
      log.info({ migration: name }, 'changed the database schema');
    }
    await client.query('commit');
  } catch (error) {
    // Ending the connection undoes everything and gives the lock back, whatever state it is in.
    broken = error;
    throw databaseFault(error);
  } finally {
    release(broken);
  }
}
