/**
 * Who may do what: the one place for it. Both doors ask here before anything happens, and a route
 * without an operation does not start (http/server.ts).
 */
import { DreyError } from '../contracts/errors.ts';
import { apiScopes, type ApiKey, type ApiKeyStore, type ApiScope } from '../persistence/port.ts';

/** The scope an operation needs; several: any of them. */
export const operationScopes = {
  'apiKeys.list': ['read'],
  'apiKeys.create': ['admin'],
  'apiKeys.deactivate': ['admin'],
  'pvs.read': ['read'],
  'pvs.live': ['read'],
  'pvs.write': ['write'],
  'tags.read': ['read'],
  'tags.write': ['write'],
  'snapshots.read': ['read'],
  // Asks the machine too.
  'snapshots.compareLive': ['read'],
  'snapshots.take': ['snapshot'],
  'snapshots.import': ['snapshot'],
  'snapshots.edit': ['snapshot'],
  'snapshots.delete': ['snapshot'],
  // A dry run reads and writes nothing.
  'restore.plan': ['read'],
  'restore.run': ['restore'],
  'jobs.read': ['read'],
  // Which of the two depends on the job: see mayCancel.
  'jobs.cancel': ['snapshot', 'restore'],
  // Snapshots alone are run again: of restores the store of outcomes says what is left to do (R2).
  'jobs.retry': ['snapshot'],
  'iocs.read': ['read'],
  // Opening a breaker keeps restores and snapshots from an IOC: it acts on the machine's side, not on the catalogue.
  'iocs.command': ['restore'],
  'health.read': ['read'],
  // Asks the IOCs, and changes nothing; the Squirrel contract wants its write flag for it.
  'health.check': ['write'],
  'audit.read': ['read'],
  'schedules.read': ['read'],
  // What they do is take snapshots, and let go of their own.
  'schedules.write': ['snapshot'],
  'triggers.read': ['read'],
  'triggers.write': ['snapshot'],
  // They send what happens here to wherever they say, and a URL may be a secret itself.
  'webhooks.read': ['admin'],
  'webhooks.write': ['admin'],
} as const satisfies Record<string, readonly ApiScope[]>;
export type Operation = keyof typeof operationScopes;

export interface Caller {
  /** For the audit log: the key's name, and the person behind it when the program names one. */
  readonly who: string;
  readonly scopes: readonly ApiScope[];
  /** Null for callers whom the bus has admitted. */
  readonly keyId: string | null;
}

export function authorise(caller: Caller, operation: Operation): void {
  const needed: readonly ApiScope[] = operationScopes[operation];
  if (needed.some((scope) => caller.scopes.includes(scope))) return;
  throw lacking(caller, operation, needed);
}

/** A job is cancelled by those who may start its like. */
export function mayCancel(caller: Caller, jobType: 'snapshot_create' | 'snapshot_restore'): void {
  const needed: ApiScope = jobType === 'snapshot_restore' ? 'restore' : 'snapshot';
  if (!caller.scopes.includes(needed)) throw lacking(caller, 'jobs.cancel', [needed]);
}

/** Golden snapshots are what a facility goes by: whoever keeps its catalogue names them, not everybody who may take one. */
export function mustMayMarkGolden(caller: Caller, operation: Operation): void {
  if (!caller.scopes.includes('write') && !caller.scopes.includes('admin')) throw lacking(caller, operation, ['write', 'admin'], 'to make a snapshot golden or to end that, ');
}

function lacking(caller: Caller, operation: Operation, needed: readonly ApiScope[], what = ''): DreyError {
  const has = caller.scopes.length === 0 ? 'none' : caller.scopes.join(', ');
  return new DreyError('forbidden', `${what}${operation} needs the scope ${needed.join(' or ')}; the key "${caller.who}" has ${has}`);
}

const longestToken = 200;
const person = /^[\x20-\x7e\u00a0-\uffff]{1,100}$/;

/** A program may hold more keys than this only at the cost of asking again. */
const mostRemembered = 1_000;

/** The caller behind an X-API-Key header and, if the program names a person, an X-Drey-User header. */
export type Authenticate = (token: string | undefined, user: string | undefined) => Promise<Caller>;

/**
 * A key that was good when last asked about stays good while the database cannot be asked: nobody can
 * deactivate it meanwhile either, and what needs no database goes on.
 */
export function createAuthenticator(keys: Pick<ApiKeyStore, 'verify'>): Authenticate {
  const good = new Map<string, ApiKey>();

  const verify = async (token: string): Promise<ApiKey | undefined> => {
    try {
      const key = await keys.verify(token);
      good.delete(token);
      if (key) good.set(token, key);
      if (good.size > mostRemembered) good.delete(good.keys().next().value!);
      return key;
    } catch (error) {
      const remembered = error instanceof DreyError && error.code === 'unavailable' ? good.get(token) : undefined;
      if (!remembered) throw error;
      return remembered;
    }
  };

  return async (token, user) => {
    if (token === undefined || token === '') throw new DreyError('unauthorised', 'this needs an API key: send it in the header X-API-Key');
    const key = token.length > longestToken ? undefined : await verify(token);
    if (!key) throw new DreyError('unauthorised', 'the API key in X-API-Key is not known, or was deactivated');
    return { who: whoIs(key.appName, user), scopes: key.scopes, keyId: key.id };
  };
}

/** The bus's own accounts and permissions decide who may send on drey.v1.api.*; keys are managed over HTTP only. */
export function busCaller(user: string | undefined): Caller {
  return { who: whoIs('bus', user), scopes: apiScopes.filter((scope) => scope !== 'admin'), keyId: null };
}

function whoIs(app: string, user: string | undefined): string {
  const name = user?.trim();
  if (name === undefined || name === '') return app;
  if (!person.test(name)) throw new DreyError('badInput', 'the name of the user has at most 100 printable characters');
  return `${app}/${name}`;
}

/** Squirrel's two flags as scopes. A write flag does not make an administrator: keys cannot mint keys. */
export function scopesOf(wanted: { scopes?: readonly ApiScope[]; readAccess?: boolean; writeAccess?: boolean }): ApiScope[] {
  const scopes = new Set<ApiScope>(wanted.scopes);
  if (wanted.readAccess) scopes.add('read');
  if (wanted.writeAccess) for (const scope of ['write', 'snapshot', 'restore'] as const) scopes.add(scope);
  return apiScopes.filter((scope) => scopes.has(scope));
}

/** The same the other way round, for clients that know only the flags. */
export function flagsOf(key: Pick<ApiKey, 'scopes'>): { readAccess: boolean; writeAccess: boolean } {
  return { readAccess: key.scopes.includes('read'), writeAccess: key.scopes.includes('write') };
}
