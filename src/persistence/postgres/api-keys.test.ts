import { expect, test } from 'vitest';
import { openStore } from '../../../testing/persistence/store.ts';
import { eventually } from '../../../testing/harness/index.ts';
import { silentLog } from '../../kernel/log.ts';
import { createApiKeys } from './api-keys.ts';
import { createDatabase } from './database.ts';

test('a key is verified by its token, which is shown once and stored nowhere', async () => {
  await using store = await openStore();
  const { key, token } = await store.apiKeys.create('console', ['read', 'restore']);
  expect(token).toMatch(/^drey_[\w-]{43}$/);
  expect(await store.apiKeys.verify(token)).toMatchObject({ id: key.id, appName: 'console', scopes: ['read', 'restore'], isActive: true });
  for (const wrong of ['', 'drey_', `${token}x`, token.slice(0, -1), 'a\0b', key.id]) expect(await store.apiKeys.verify(wrong)).toBeUndefined();
  await eventually(async () => (await store.apiKeys.list(true))[0]!.lastUsedAt, { saying: 'its use to be noted' });
});

test('names are unique among active keys, and a key needs known scopes', async () => {
  await using store = await openStore();
  const { key } = await store.apiKeys.create('app', ['read']);
  await expect(store.apiKeys.create('app', ['read'])).rejects.toMatchObject({ code: 'conflict' });
  await expect(store.apiKeys.create('other', [])).rejects.toMatchObject({ code: 'invalid' });
  await expect(store.apiKeys.create('other', ['all' as 'read'])).rejects.toMatchObject({ code: 'invalid' });
  expect(await store.apiKeys.deactivate(key.id)).toMatchObject({ isActive: false });
  await expect(store.apiKeys.deactivate(key.id)).rejects.toMatchObject({ code: 'conflict' });
  await store.apiKeys.create('app', ['read']);
  expect((await store.apiKeys.list(false)).map((one) => one.isActive)).toEqual([false, true]);
  expect(await store.apiKeys.list(true)).toHaveLength(1);
});

test('a token chosen elsewhere is adopted once', async () => {
  await using store = await openStore();
  const adopted = await store.apiKeys.adopt('first start', ['admin'], 'drey_chosen');
  expect(await store.apiKeys.verify('drey_chosen')).toMatchObject({ id: adopted.id });
  await expect(store.apiKeys.adopt('another', ['read'], 'drey_chosen')).rejects.toMatchObject({ code: 'conflict' });
});

test('a deactivated key is refused at once where it was deactivated, and within seconds elsewhere', async () => {
  await using store = await openStore();
  const database = createDatabase({ url: store.url, poolSize: 2, log: silentLog });
  try {
    let now = 1_000_000;
    const elsewhere = createApiKeys(database, silentLog, () => now);
    const { key, token } = await store.apiKeys.create('app', ['read']);
    expect(await store.apiKeys.verify(token)).toBeDefined();
    expect(await elsewhere.verify(token)).toBeDefined();
    await store.apiKeys.deactivate(key.id);
    expect(await store.apiKeys.verify(token)).toBeUndefined();
    expect(await elsewhere.verify(token)).toBeDefined();
    now += 2_000;
    expect(await elsewhere.verify(token)).toBeUndefined();
  } finally {
    await database.close();
  }
});

test('A1: the audit log keeps what was, and is read newest first by what, whom and who', async () => {
  await using store = await openStore();
  await store.audit.record([]);
  await store.audit.record([
    { who: 'ann', what: 'entry.edit', subject: 'e1', before: { value: NaN, wide: 2n ** 60n, text: 'a\0b' }, after: null, why: '', result: 'ok' },
    { who: 'bob', what: 'ioc.open', subject: '10.0.0.1:5064', before: undefined, after: 'open', why: 'water\0leak', result: 'ok' },
  ]);
  const { results, totalCount } = await store.audit.list({}, { limit: 10, offset: 0 });
  expect(totalCount).toBe(2);
  expect(results.map(({ id: _id, at: _at, ...event }) => event)).toEqual([
    { who: 'bob', what: 'ioc.open', subject: '10.0.0.1:5064', before: null, after: 'open', why: 'water\u2400leak', result: 'ok' },
    { who: 'ann', what: 'entry.edit', subject: 'e1', before: { value: 'NaN', wide: '1152921504606846976', text: 'a\0b' }, after: null, why: '', result: 'ok' },
  ]);
  expect((await store.audit.list({ who: 'ann', what: 'entry.edit', subject: 'e1' }, { limit: 10, offset: 0 })).totalCount).toBe(1);
  expect((await store.audit.list({ who: 'ann', what: 'ioc.open' }, { limit: 10, offset: 0 })).totalCount).toBe(0);
});
