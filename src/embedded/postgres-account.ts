// Postgres refuses to run as root. Under root it runs as `nobody`, which must be able to reach the
// programs and the data. Where it is not (a clone under root's own 0700 home), both go to a folder of
// their own outside, and a note in the data folder says which.
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { run } from './command.ts';

export interface Account { uid: number; gid: number }

/** Who runs Postgres: undefined for whoever we are. */
export async function postgresAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, 'nobody'], { timeoutMs: 5000, environment: { PATH: '/usr/bin:/bin' } })));
  if (uid?.code !== 0 || gid?.code !== 0) throw new Error('Postgres does not run as root, and this machine has no user "nobody" to run it as: start Drey as a normal user, or give DATABASE_URL');
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

export async function canReach(account: Account, path: string): Promise<boolean> {
  const looked = await run('/bin/sh', ['-c', 'test -x "$0"', path], { timeoutMs: 5000, cwd: '/', environment: {}, ...account });
  return looked.code === 0;
}

export interface Place { programs: string; base: string }

/** Where the programs are run from and the data lie: where they are if the account can reach them, else outside. */
export async function placeFor(account: Account | undefined, programs: string, version: string, dataFolder: string, outside: string): Promise<Place> {
  if (account === undefined) return { programs, base: dataFolder };
  const [reachesData, reachesPrograms] = await Promise.all([canReach(account, dataFolder), canReach(account, join(programs, 'bin', 'postgres'))]);
  return {
    base: reachesData ? dataFolder : dataOutside(dataFolder, outside),
    programs: reachesPrograms ? programs : programsOutside(programs, version, outside),
  };
}

/** The note's random name ties the data to this data folder: a new clone at an old place starts anew. */
function dataOutside(dataFolder: string, outside: string): string {
  const note = join(dataFolder, 'elsewhere');
  if (!existsSync(note)) writeFileSync(note, join(outside, `postgres-data-${randomUUID()}`));
  const base = readFileSync(note, 'utf8').trim();
  mkdirSync(outside, { recursive: true, mode: 0o711 });
  mkdirSync(base, { recursive: true, mode: 0o711 });
  writeFileSync(join(base, 'belongs-to'), `${dataFolder}\n`);
  return base;
}

function programsOutside(programs: string, version: string, outside: string): string {
  const copy = join(outside, `postgres-${version}`);
  if (existsSync(copy)) return copy;
  mkdirSync(outside, { recursive: true, mode: 0o711 });
  chmodSync(outside, 0o711);
  const draft = `${copy}.${randomUUID()}`;
  cpSync(programs, draft, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(draft, copy);
  } catch (fault) {
    if (!existsSync(copy)) throw fault; // another start was quicker
    rmSync(draft, { recursive: true });
  }
  return copy;
}

export function giveTo(account: Account | undefined, path: string): void {
  if (account !== undefined) chownSync(path, account.uid, account.gid);
}
