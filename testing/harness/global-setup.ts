// Once per run: the programs are found or brought, and one Postgres is started for all test files.
// Tests that need no database do not wait for it.
import { writeFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startPostgres, type PostgresServer } from '../../src/embedded/index.ts';
import { natsServerProgram, postgresPrograms, softIocProgram, temporaryFolder } from './run-folder.ts';

/** Nothing here needs to outlive the run. */
const FAST_BUT_FORGETFUL = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = temporaryFolder('test-run');
  const urlFile = join(folder.path, 'postgres-url');
  writeFileSync(urlFile, '', { mode: 0o600 });
  project.provide('postgresUrlFile', urlFile);

  const tell = (text: string): void => {
    writeFileSync(`${urlFile}.new`, text, { mode: 0o600 });
    renameSync(`${urlFile}.new`, urlFile);
  };
  const starting: Promise<PostgresServer | undefined> = (async () => {
    const { found: programs, version } = await postgresPrograms();
    return startPostgres({ programs, version, dataFolder: join(folder.path, 'postgres'), environment: process.env, settings: FAST_BUT_FORGETFUL });
  })().then(
    (server) => { tell(server.url); return server; },
    (fault: unknown) => { tell(`failed: ${String(fault)}`); return undefined; },
  );
  // A test file must not find itself fetching these, two at a time.
  await Promise.all([natsServerProgram(), softIocProgram()]);

  return async () => {
    await (await starting)?.stop();
    folder[Symbol.dispose]();
  };
}
