/** Keys of programs and people. The token itself is never stored, only its SHA-256. */
import { createHash, randomBytes } from 'node:crypto';
import { DreyError } from '../../contracts/errors.ts';
import type { Log } from '../../kernel/log.ts';
import { apiScopes, type ApiKey, type ApiKeyStore, type ApiScope } from '../port.ts';
import type { Database } from './database.ts';
import { knownForm, newUuid } from './uuid.ts';

/** So long a key that another process deactivated may still pass here. */
const rememberedMs = 2_000;
const remembered = 1_000;
/** `lastUsedAt` is for people: no write per request. */
const lastUsedEveryMs = 60_000;

interface KeyRow {
  readonly id: string;
  readonly app_name: string;
  readonly scopes: ApiScope[];
  readonly is_active: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly last_used_at: Date | null;
}
const columns = 'id, app_name, scopes, is_active, created_at, updated_at, last_used_at';

export function createApiKeys(database: Database, log: Log, now: () => number = Date.now): ApiKeyStore {
  const passed = new Map<string, { key: ApiKey; until: number }>();
  const usedAt = new Map<string, number>();

  const insert = (appName: string, scopes: readonly ApiScope[], token: string): Promise<ApiKey> => insertHash(appName, scopes, hashOf(token), true);
  const insertHash = async (appName: string, scopes: readonly ApiScope[], hash: Buffer, isActive: boolean): Promise<ApiKey> => {
    const strange = scopes.filter((scope) => !apiScopes.includes(scope));
    if (scopes.length === 0 || strange.length > 0) {
      throw new DreyError('invalid', `an API key needs scopes out of ${apiScopes.join(', ')}; given: ${scopes.join(', ') || 'none'}`);
    }
    // Without a target: the name as well as the token may be there already.
    const [row] = await database.rows<KeyRow>(
      `insert into api_key (id, app_name, token_hash, scopes, is_active) values ($1, $2, $3, $4, $5) on conflict do nothing returning ${columns}`,
      [newUuid(), appName, hash, scopes, isActive],
    );
    if (!row) throw new DreyError('conflict', `there is an active API key called ${JSON.stringify(appName)} already, or one with this token: deactivate it first`);
    return keyOf(row);
  };

  const noteUse = (id: string): void => {
    if (now() - (usedAt.get(id) ?? -Infinity) < lastUsedEveryMs) return;
    usedAt.set(id, now());
    database.rows('update api_key set last_used_at = now() where id = $1', [id]).catch((error: unknown) => log.debug({ err: error, key: id }, 'could not note the use of an API key'));
  };

  return {
    create: async (appName, scopes) => {
      const token = `drey_${randomBytes(32).toString('base64url')}`;
      return { key: await insert(appName, scopes, token), token };
    },
    adopt: (appName, scopes, token) => insert(appName, scopes, token),
    adoptHash: async ({ appName, scopes, tokenSha256, isActive }) => {
      const [known] = await database.rows('select id from api_key where token_hash = $1', [Buffer.from(tokenSha256)]);
      if (known) return undefined;
      const key = await insertHash(appName, scopes, Buffer.from(tokenSha256), isActive);
      passed.clear();
      return key;
    },
    // The same work for any token: one hash, one look-up by it. Nothing compares secrets byte by byte.
    verify: async (token) => {
      const hash = hashOf(token);
      const name = hash.toString('base64');
      const seen = passed.get(name);
      if (seen && seen.until > now()) {
        noteUse(seen.key.id);
        return seen.key;
      }
      passed.delete(name);
      const [row] = await database.rows<KeyRow>(`select ${columns} from api_key where token_hash = $1 and is_active`, [hash]);
      if (!row) return undefined;
      const key = keyOf(row);
      if (passed.size >= remembered) passed.delete(passed.keys().next().value!);
      passed.set(name, { key, until: now() + rememberedMs });
      noteUse(key.id);
      return key;
    },
    list: async (activeOnly) => {
      const rows = await database.rows<KeyRow>(`select ${columns} from api_key where is_active or not $1 order by created_at, id`, [activeOnly]);
      return rows.map(keyOf);
    },
    deactivate: async (id) => {
      const [row] = await database.rows<KeyRow>(`update api_key set is_active = false, updated_at = now() where id = $1 and is_active returning ${columns}`, [knownForm('API key', id)]);
      passed.clear();
      if (row) return keyOf(row);
      const [there] = await database.rows('select id from api_key where id = $1', [id]);
      throw there ? new DreyError('conflict', `API key ${id} is inactive already`) : new DreyError('notFound', `there is no API key ${id}`);
    },
  };
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

const keyOf = (row: KeyRow): ApiKey => ({
  id: row.id,
  appName: row.app_name,
  scopes: row.scopes,
  isActive: row.is_active,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
  lastUsedAt: row.last_used_at?.toISOString() ?? null,
});
