// Where a soft IOC comes from, in order: the one that was named, softIoc on PATH, the one of the
// site's EPICS base, and the one inside the Python package epicscorelibs, in a folder of our own.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { failure, isExecutable, onPath, run } from './command.ts';
import { mustBeFound, search, type Answer, type SearchOptions, type SearchReport, type Source } from './found.ts';
import { makeFolder } from './make-folder.ts';

export interface SoftIocSearch extends SearchOptions {
  /** A softIoc to use and nothing else (DREY_SOFT_IOC). */
  override?: string;
  /** Leave out what the machine has and use the Python package. */
  onlyPackage?: boolean;
}

export const EPICSCORELIBS_VERSION = '7.0.10.99.0.0';
const PACKAGE = `epicscorelibs==${EPICSCORELIBS_VERSION}`;
/** A softIoc reads commands from its terminal unless told not to. */
const NO_SHELL = '-S';
const ADVICE = 'Install EPICS base or python3 with pip, or name a soft IOC with DREY_SOFT_IOC=/path/to/softIoc. '
  + 'Only the demo, the tests and the bench need one.';

export function inspectSoftIoc(options: SoftIocSearch): Promise<SearchReport> {
  return search('soft IOC', sources(options), false);
}

export async function findSoftIoc(options: SoftIocSearch): Promise<ReturnType<typeof mustBeFound>> {
  return mustBeFound(await search('soft IOC', sources(options), true), ADVICE);
}

function sources(options: SoftIocSearch): Source[] {
  const { override, environment } = options;
  if (override !== undefined && override !== '') return [{ name: 'DREY_SOFT_IOC', brings: false, ask: async () => program(override) }];
  const machine: Source[] = [
    { name: 'PATH', brings: false, ask: async () => {
      const path = onPath('softIoc', environment);
      return path === undefined ? { why: 'no softIoc there' } : program(path);
    } },
    { name: 'EPICS_BASE', brings: false, ask: async () => inEpicsBase(environment) },
  ];
  return [
    ...options.onlyPackage === true ? [] : machine,
    { name: 'brought before', brings: false, ask: async () => packaged(options.folder) },
    { name: 'Python package epicscorelibs', brings: true, ask: () => bringPackage(options) },
  ];
}

function program(path: string): Answer {
  return isExecutable(path) ? { path, version: 'softIoc', command: [path, NO_SHELL] } : { why: `no program at ${path}` };
}

function inEpicsBase(environment: SoftIocSearch['environment']): Answer {
  const base = environment.EPICS_BASE;
  if (base === undefined || base === '') return { why: 'EPICS_BASE is not set' };
  const named = environment.EPICS_HOST_ARCH;
  const architectures = named === undefined || named === '' ? listing(join(base, 'bin')) : [named];
  const path = architectures.map((architecture) => join(base, 'bin', architecture, 'softIoc')).find(isExecutable);
  return path === undefined ? { why: `no softIoc in ${base}/bin/${named ?? '*'}` } : program(path);
}

interface Note { command: string[]; libraries: string; version: string }

/** The folder of the package's libraries, if it was brought. */
export function packagedLibraries(folder: string): { path: string; version: string } | { why: string } {
  return packaged(folder);
}

/** What was installed says itself how it is run. */
function packaged(folder: string): Answer {
  const home = join(folder, 'epics');
  try {
    const note = JSON.parse(readFileSync(join(home, 'installed.json'), 'utf8')) as Note;
    if (note.version !== EPICSCORELIBS_VERSION) return { why: `${home} holds ${note.version}, not ${EPICSCORELIBS_VERSION}` };
    if (!existsSync(note.libraries) || !isExecutable(note.command[0] ?? '') && note.command[0] !== '/usr/bin/env') return { why: `${home} is not whole` };
    return { path: note.libraries, version: `epicscorelibs ${note.version}`, command: note.command };
  } catch {
    return { why: `nothing in ${home}` };
  }
}

async function bringPackage(options: SoftIocSearch): Promise<Answer> {
  const python = onPath('python3', options.environment) ?? onPath('python', options.environment);
  if (python === undefined) return { why: 'no python3 on PATH' };
  const home = join(options.folder, 'epics');
  makeFolder(home);
  const environment = { ...options.environment, PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_NO_INPUT: '1', PIP_ROOT_USER_ACTION: 'ignore', PYTHONNOUSERSITE: '1' };
  options.say?.(`fetching ${PACKAGE} (the soft IOC and Channel Access libraries) for Python`);
  // A venv knows its own path, so each try gets its final folder at once; the note that names it is what is put in place whole.
  const place = mkdtempSync(join(home, 'python-'));
  const refusals: string[] = [];
  for (const install of [intoVenv, intoTarget]) {
    const done = await install(python, place, environment);
    if ('why' in done) {
      refusals.push(done.why);
      rmSync(place, { recursive: true, force: true });
      mkdirSync(place);
      continue;
    }
    const found = await run(done.command[0] as string, [...done.command.slice(1, -2), '-c',
      'import epicscorelibs.ioc, epicscorelibs, os; print(os.path.dirname(epicscorelibs.__file__))'], { timeoutMs: 60_000, environment });
    if (found.code !== 0) {
      refusals.push(failure('import epicscorelibs.ioc', found));
      rmSync(place, { recursive: true, force: true });
      mkdirSync(place);
      continue;
    }
    const note: Note = { command: done.command, libraries: found.stdout.trim(), version: EPICSCORELIBS_VERSION };
    const draft = join(place, 'installed.json');
    writeFileSync(draft, JSON.stringify(note));
    renameSync(draft, join(home, 'installed.json'));
    return packaged(options.folder);
  }
  rmSync(place, { recursive: true, force: true });
  return { why: refusals.join('; ') };
}

type Installed = { command: string[] } | { why: string };
type Environment = Record<string, string | undefined>;
const PIP = ['-m', 'pip', 'install', '--quiet', '--only-binary=:all:', '--timeout', '4', '--retries', '1'];
const MODULE = ['-m', 'epicscorelibs.ioc'];

async function intoVenv(python: string, place: string, environment: Environment): Promise<Installed> {
  const made = await run(python, ['-m', 'venv', place], { timeoutMs: 60_000, environment });
  if (made.code !== 0) return { why: failure('python -m venv', made) };
  const own = join(place, 'bin', 'python');
  const installed = await run(own, [...PIP, PACKAGE], { timeoutMs: 300_000, environment });
  return installed.code === 0 ? { command: [own, ...MODULE] } : { why: failure('pip in a venv', installed) };
}

/** Debian leaves venv out of its python3; pip can fill a folder without one. */
async function intoTarget(python: string, place: string, environment: Environment): Promise<Installed> {
  const installed = await run(python, [...PIP, '--target', place, PACKAGE], { timeoutMs: 300_000, environment });
  if (installed.code !== 0) return { why: failure('pip --target', installed) };
  return { command: ['/usr/bin/env', `PYTHONPATH=${place}`, 'PYTHONNOUSERSITE=1', python, ...MODULE] };
}

function listing(folder: string): string[] {
  try { return readdirSync(folder); } catch { return []; }
}
