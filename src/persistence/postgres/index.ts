/** The persistence port on Postgres 15 or newer. */
import type { Log } from '../../kernel/log.ts';
import type { Persistence } from '../port.ts';
import { createApiKeys } from './api-keys.ts';
import { createAudit } from './audit.ts';
import { createCatalogue } from './catalogue.ts';
import { createDatabase } from './database.ts';
import { createMetaTable } from './metas.ts';
import { migrate } from './migrate.ts';
import { createRestores } from './restores.ts';
import { createRules } from './rules.ts';
import { createSetpointsNow } from './setpoints-now.ts';
import { createSnapshots } from './snapshots.ts';
import { createTags } from './tags.ts';

export interface PostgresOptions {
  readonly url: string;
  /** Connections at most; half of them may be busy with snapshots being stored. */
  readonly poolSize?: number;
  readonly log: Log;
}

export function createPersistence({ url, poolSize = 12, log }: PostgresOptions): Persistence {
  const database = createDatabase({ url, poolSize, log });
  const metas = createMetaTable(database);
  const setpoints = createSetpointsNow(database);
  return {
    catalogue: createCatalogue(database, setpoints),
    tags: createTags(database),
    snapshots: createSnapshots(database, metas, setpoints, Math.max(1, Math.floor(poolSize / 2))),
    restores: createRestores(database, metas),
    apiKeys: createApiKeys(database, log),
    rules: createRules(database),
    audit: createAudit(database, metas),
    migrate: () => migrate(database, log),
    ping: () => database.ping(),
    close: () => database.close(),
  };
}
