/**
 * `drey migrate squirrel`: catalogue, tags, keys and snapshots of a Squirrel database into Drey's own.
 * A second run adds nothing but what is new: entries are known by their addresses, keys by their hash,
 * snapshots by the id they had.
 */
import { join } from 'node:path';
import type { ReadConfig } from '../../config.ts';
import { DreyError } from '../../contracts/errors.ts';
import { embeddedPostgresUrl } from '../../embedded/index.ts';
import { createLog } from '../../kernel/log.ts';
import { createDatabase } from '../../persistence/postgres/database.ts';
import { createPersistence } from '../../persistence/postgres/index.ts';
import { copyKeys, copyPvs, copyTags } from './catalogue.ts';
import { emptyReport, type MigrationReport } from './report.ts';
import { copySnapshots } from './snapshots.ts';
import { missingTables, readGroups, readKeys, readPvs } from './source.ts';

export { reportLines, type MigrationReport } from './report.ts';

export async function migrateSquirrel({ config }: ReadConfig, from: string, dryRun: boolean): Promise<MigrationReport> {
  const own = config.databaseUrl ?? embeddedPostgresUrl(join(config.data, 'postgres'), 'drey');
  if (own === undefined) throw new DreyError('badInput', `Drey's own database is where the data goes: say where it is with DATABASE_URL, or the data folder of a running \`drey up\` with DREY_DATA (there is none in ${config.data})`);
  // Its own settings name the Python driver.
  const url = from.replace(/^postgres(ql)?\+\w+:/, 'postgresql:');
  if (!/^postgres(ql)?:\/\//.test(url)) throw new DreyError('badInput', `--from ${from.replace(/:[^:@/]*@/, ':***@')} is no postgres:// address`);
  const log = createLog({ level: 'warn', pretty: config.logFormat === 'pretty' });
  const source = createDatabase({ url, poolSize: 1, log });
  const store = createPersistence({ url: own, log });
  const report = emptyReport(dryRun);
  try {
    await source.transaction(async (session) => {
      const missing = await missingTables(session);
      if (missing.length > 0) throw new DreyError('badInput', `the database of --from is no Squirrel database: it has no table ${missing.join(', ')}`);
      await store.migrate();
      await copyTags(store, await readGroups(session), report);
      const pvs = await copyPvs(store, await readPvs(session), report);
      await copyKeys(store, await readKeys(session), report);
      await copySnapshots(store, session, pvs, report);
    }, 'steady');
    if (!dryRun) {
      const counts = Object.fromEntries((['tagGroups', 'tags', 'pvs', 'keys', 'snapshots'] as const).map((what) => [what, { ...report[what], skipped: report[what].skipped.length }]));
      await store.audit.record([{ who: 'command line', what: 'migrate.squirrel', subject: 'squirrel', before: null, after: { ...counts, values: report.values }, why: 'copied beside the database', result: 'done' }]);
    }
    return report;
  } finally {
    await source.close();
    await store.close();
  }
}
