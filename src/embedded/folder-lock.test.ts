import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startOwner, temporaryFolder } from '../../testing/harness/index.ts';
import { FolderInUse, lockFolder } from './folder-lock.ts';

test('a second owner is refused with the pid of the first', async () => {
  using folder = temporaryFolder('lock');
  await using first = await startOwner({ kind: 'lock', dataFolder: folder.path });
  const refused = caught(() => lockFolder(folder.path));
  expect(refused).toBeInstanceOf(FolderInUse);
  expect((refused as FolderInUse).pid).toBe(first.pid);
  expect(String(refused)).toContain(folder.path);
});

test('the lock of an owner killed with -9 is taken over', async () => {
  using folder = temporaryFolder('lock');
  const first = await startOwner({ kind: 'lock', dataFolder: folder.path });
  await first.kill('SIGKILL');
  const lock = lockFolder(folder.path);
  expect(JSON.parse(readFileSync(join(folder.path, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
  lock.release();
});

test('a pid that another process has by now does not hold the lock', () => {
  using folder = temporaryFolder('lock');
  writeFileSync(join(folder.path, 'lock'), JSON.stringify({ pid: process.ppid, mark: 'an earlier boot 12', since: 'then' }));
  expect(() => lockFolder(folder.path).release()).not.toThrow();
});

test('a lock file cut short is nobody\'s', () => {
  using folder = temporaryFolder('lock');
  writeFileSync(join(folder.path, 'lock'), '{"pid":1');
  expect(() => lockFolder(folder.path).release()).not.toThrow();
});

test('of several that find a stale lock at once exactly one gets it', async () => {
  using folder = temporaryFolder('lock');
  writeFileSync(join(folder.path, 'lock'), JSON.stringify({ pid: process.ppid, mark: 'an earlier boot 12', since: 'then' }));
  const owners = await Promise.all(Array.from({ length: 4 }, () => startOwner({ kind: 'lock', dataFolder: folder.path })));
  try {
    expect(owners.filter(({ server }) => server.refused === undefined)).toHaveLength(1);
    expect(owners.filter(({ server }) => server.refused === 'FolderInUse')).toHaveLength(3);
  } finally {
    await Promise.all(owners.map((owner) => owner.kill('SIGKILL')));
  }
});

test('a released folder can be locked again, and an old release does not free a new lock', () => {
  using folder = temporaryFolder('lock');
  const first = lockFolder(folder.path);
  first.release();
  const second = lockFolder(folder.path);
  first.release();
  expect(caught(() => lockFolder(folder.path))).toBeInstanceOf(FolderInUse);
  second.release();
});

function caught(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (fault) {
    return fault;
  }
}
