// One owner per data folder. Neither nats-server nor an orphaned Postgres can be trusted to notice a
// second one, so the folder carries a lock of its own. A lock whose owner died, even by kill -9, is
// recognised by pid and start time and taken over.
import { linkSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { birthMark, isSameProcess } from './process-life.ts';

interface Owner { pid: number; mark: string; since: string }
interface Content extends Owner { server?: { pid: number; mark: string } }

export class FolderInUse extends Error {
  readonly folder: string;
  readonly pid: number;
  constructor(folder: string, owner: Owner) {
    super(`${folder} is in use by process ${owner.pid} since ${owner.since}: `
      + 'one data folder serves one Drey. Stop that process, or give this one another data folder.');
    this.name = 'FolderInUse';
    this.folder = folder;
    this.pid = owner.pid;
  }
}

export interface FolderLock {
  /** The server that the last owner left running when it died, if that is so. */
  readonly orphan: number | undefined;
  /** Notes the server that works in the folder, so that a later owner can find it as an orphan. */
  noteServer(pid: number): void;
  release(): void;
}

const TAKEOVER_IS_STALE_AFTER_MS = 10_000;

export function lockFolder(folder: string): FolderLock {
  const path = join(folder, 'lock');
  const mark = birthMark(process.pid);
  if (mark === undefined) throw new Error('this process cannot see its own start time');
  const mine: Content = { pid: process.pid, mark, since: new Date().toISOString() };

  let orphan: number | undefined;
  if (!place(path, mine)) {
    const before = ownerIn(path);
    if (before !== undefined && isSameProcess(before.pid, before.mark)) throw new FolderInUse(folder, before);
    takeOver(folder, path, mine);
    if (before?.server !== undefined && isSameProcess(before.server.pid, before.server.mark)) orphan = before.server.pid;
  }
  let released = false;
  return {
    orphan,
    noteServer(pid) {
      const serverMark = birthMark(pid);
      if (serverMark !== undefined) rewrite(path, { ...mine, server: { pid, mark: serverMark } });
    },
    release() {
      if (released) return;
      released = true;
      rmSync(path, { force: true });
    },
  };
}

/** Puts the lock there whole, or says that there is one. */
function place(path: string, content: Content): boolean {
  const draft = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  writeFileSync(draft, JSON.stringify(content), { mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw fault;
  } finally {
    unlinkSync(draft);
  }
}

function rewrite(path: string, content: Content): void {
  const draft = `${path}.${process.pid}.rewrite`;
  writeFileSync(draft, JSON.stringify(content), { mode: 0o600 });
  renameSync(draft, path);
}

/** Two that see the same stale lock must not both remove it: the second would remove the first one's new lock. */
function takeOver(folder: string, path: string, mine: Content): void {
  const taking = `${path}.taking`;
  try {
    if (Date.now() - statSync(taking).mtimeMs > TAKEOVER_IS_STALE_AFTER_MS) rmSync(taking, { force: true });
  } catch { /* nobody is taking it */ }
  try {
    writeFileSync(taking, String(process.pid), { flag: 'wx' });
  } catch {
    throw new FolderInUse(folder, { pid: Number(readFileSync(taking, 'utf8')) || 0, mark: '', since: 'this moment' });
  }
  try {
    const now = ownerIn(path);
    if (now !== undefined && isSameProcess(now.pid, now.mark)) throw new FolderInUse(folder, now);
    rmSync(path, { force: true });
    if (!place(path, mine)) throw new FolderInUse(folder, ownerIn(path) ?? { pid: 0, mark: '', since: 'this moment' });
  } finally {
    rmSync(taking, { force: true });
  }
}

function ownerIn(path: string): Content | undefined {
  try {
    const content = JSON.parse(readFileSync(path, 'utf8')) as Partial<Content>;
    return typeof content.pid === 'number' && typeof content.mark === 'string' ? content as Content : undefined;
  } catch {
    return undefined; // gone, or cut short by a full disk: nobody's lock
  }
}
