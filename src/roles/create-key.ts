/** An API key made beside the database: the first one of a deployed Drey, or another one of a Drey that runs on the data folder. */
import { join } from 'node:path';
import type { ReadConfig } from '../config.ts';
import { DreyError } from '../contracts/errors.ts';
import { embeddedPostgresUrl } from '../embedded/index.ts';
import { createLog } from '../kernel/log.ts';
import { createPersistence } from '../persistence/postgres/index.ts';
import { apiScopes, type ApiScope } from '../persistence/port.ts';

export async function createKey({ config }: ReadConfig, appName: string, scopes: readonly string[]): Promise<string> {
  const url = config.databaseUrl ?? embeddedPostgresUrl(join(config.data, 'postgres'), 'drey');
  if (url === undefined) throw new DreyError('badInput', `a key is made in the database: say where it is with DATABASE_URL, or with DREY_DATA the data folder of a running \`drey up\` (there is none in ${config.data})`);
  const unknown = scopes.filter((scope) => !apiScopes.includes(scope as ApiScope));
  if (unknown.length > 0) throw new DreyError('badInput', `no such scope: ${unknown.join(', ')}; there are ${apiScopes.join(', ')}`);
  const log = createLog({ level: 'warn', pretty: config.logFormat === 'pretty' });
  const persistence = createPersistence({ url, log });
  try {
    await persistence.migrate();
    const { token } = await persistence.apiKeys.create(appName, scopes as ApiScope[]);
    await persistence.audit.record([{ who: 'command line', what: 'apiKeys.create', subject: appName, before: null, after: { scopes }, why: 'made beside the database', result: 'ok' }]);
    return token;
  } finally {
    await persistence.close();
  }
}
