import { expect, test } from 'vitest';
import { DreyError } from '../contracts/errors.ts';
import type { ApiKey } from '../persistence/port.ts';
import { authorise, busCaller, createAuthenticator, flagsOf, mayCancel, operationScopes, scopesOf, type Caller } from './access.ts';

const key: ApiKey = { id: 'k1', appName: 'logbook', scopes: ['read'], isActive: true, createdAt: '', updatedAt: '', lastUsedAt: null };
const reader: Caller = { who: 'logbook', scopes: ['read'], keyId: 'k1' };

test('a reader may do what only reads, and is told which scope the rest needs', () => {
  for (const [operation, scopes] of Object.entries(operationScopes) as [keyof typeof operationScopes, readonly string[]][]) {
    if (scopes.includes('read')) expect(() => authorise(reader, operation)).not.toThrow();
    else expect(() => authorise(reader, operation)).toThrow(`needs the scope ${scopes.join(' or ')}; the key "logbook" has read`);
  }
});

test('a write key holds write, snapshot and restore, and cannot mint keys', () => {
  const scopes = scopesOf({ writeAccess: true, readAccess: true });
  expect(scopes).toEqual(['read', 'write', 'snapshot', 'restore']);
  expect(flagsOf({ scopes })).toEqual({ readAccess: true, writeAccess: true });
  expect(() => authorise({ ...reader, scopes }, 'apiKeys.create')).toThrow('needs the scope admin');
  expect(scopesOf({ scopes: ['admin'], readAccess: true, writeAccess: false })).toEqual(['read', 'admin']);
});

test('a job is cancelled by those who may start its like', () => {
  expect(() => mayCancel({ ...reader, scopes: ['snapshot'] }, 'snapshot_create')).not.toThrow();
  expect(() => mayCancel({ ...reader, scopes: ['snapshot'] }, 'snapshot_restore')).toThrow('restore');
  expect(() => mayCancel({ ...reader, scopes: ['restore'] }, 'snapshot_create')).toThrow('snapshot');
});

test('callers of the bus have every scope but admin, and a name', () => {
  expect(busCaller('alice')).toEqual({ who: 'bus/alice', scopes: ['read', 'write', 'snapshot', 'restore'], keyId: null });
  expect(busCaller(undefined).who).toBe('bus');
});

test('a person behind the key is part of the name; a name of controls is refused', async () => {
  const authenticate = createAuthenticator({ verify: async () => key });
  expect(await authenticate('t', ' Zoë ')).toEqual({ who: 'logbook/Zoë', scopes: ['read'], keyId: 'k1' });
  await expect(authenticate('t', 'a\nb')).rejects.toMatchObject({ code: 'badInput' });
});

test('a missing, an unknown and an endless key are told apart from a good one, each with its reason', async () => {
  const asked: string[] = [];
  const authenticate = createAuthenticator({ verify: async (token) => (asked.push(token), undefined) });
  await expect(authenticate(undefined, undefined)).rejects.toMatchObject({ code: 'unauthorised', message: expect.stringContaining('X-API-Key') });
  await expect(authenticate('nope', undefined)).rejects.toMatchObject({ code: 'unauthorised', message: expect.stringContaining('not known') });
  await expect(authenticate('x'.repeat(10_000), undefined)).rejects.toMatchObject({ code: 'unauthorised' });
  expect(asked).toEqual(['nope']);
});

test('a key that was good stays good while the database is away; others wait for it', async () => {
  let away = false;
  let active = true;
  const authenticate = createAuthenticator({
    verify: async (token) => {
      if (away) throw new DreyError('unavailable', 'the database is away');
      return active && token === 'good' ? key : undefined;
    },
  });
  await authenticate('good', undefined);
  away = true;
  expect((await authenticate('good', undefined)).who).toBe('logbook');
  await expect(authenticate('other', undefined)).rejects.toMatchObject({ code: 'unavailable' });
  // Deactivated, and seen so once the database is back: it does not come back with the next outage.
  away = false;
  active = false;
  await expect(authenticate('good', undefined)).rejects.toMatchObject({ code: 'unauthorised' });
  away = true;
  await expect(authenticate('good', undefined)).rejects.toMatchObject({ code: 'unavailable' });
});
