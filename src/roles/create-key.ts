/** The first API key of a deployed Drey, made beside the database: later ones are made through the API. */
import type { ReadConfig } from '../config.ts';
import { DreyError } from '../contracts/errors.ts';
import { createLog } from '../kernel/log.ts';
import { createPersistence } from '../persistence/postgres/index.ts';
import { apiScopes, type ApiScope } from '../persistence/port.ts';

export async function createKey({ config }: ReadConfig, appName: string, scopes: readonly string[]): Promise<string> {
  if (config.databaseUrl === undefined) throw new DreyError('badInput', 'a key is made in the database: say where it is with DATABASE_URL');
  const unknown = scopes.filter((scope) => !apiScopes.includes(scope as ApiScope));
  if (unknown.length > 0) throw new DreyError('badInput', `no such scope: ${unknown.join(', ')}; there are ${apiScopes.join(', ')}`);
  const log = createLog({ level: 'warn', pretty: config.logFormat === 'pretty' });
  const persistence = createPersistence({ url: config.databaseUrl, log });
  try {
    await persistence.migrate();
    const { token } = await persistence.apiKeys.create(appName, scopes as ApiScope[]);
    await persistence.audit.record([{ who: 'command line', what: 'apiKeys.create', subject: appName, before: null, after: { scopes }, why: 'made beside the database', result: 'ok' }]);
    return token;
  } finally {
    await persistence.close();
  }
}
