// Where the reference library for Channel Access comes from, in order: the one that was named, the one
// of the site's EPICS base, the one inside the Python package epicscorelibs if that was brought, and
// the system's.
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { mustBeFound, search, type Answer, type SearchOptions, type SearchReport, type Source } from './found.ts';
import { findSoftIoc, packagedLibraries } from './soft-ioc-search.ts';

export interface LibcaSearch extends SearchOptions {
  /** A libca to use and nothing else (DREY_LIBCA). */
  override?: string;
}

export interface FoundLibca extends SearchReport {
  readonly found: string;
  readonly version: string;
  /** The library that libca needs, where the loader would not find it by itself. */
  readonly libCom: string | undefined;
}

const ADVICE = 'Install EPICS base and set EPICS_BASE, or name the library with DREY_LIBCA=/path/to/libca.so, or leave DREY_CA at wire, which needs none.';
const SYSTEM_LIBRARY = 'libca.so.4';
const SYSTEM_FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib', '/usr/local/lib64', '/usr/local/lib'];

export function inspectLibca(options: LibcaSearch): Promise<SearchReport> {
  return search('libca', sources(options), false);
}

export async function findLibca(options: LibcaSearch): Promise<FoundLibca> {
  const found = mustBeFound(await search('libca', sources(options), true), ADVICE);
  return { ...found, libCom: besides(found.found) };
}

function sources(options: LibcaSearch): Source[] {
  const { override, environment, folder } = options;
  if (override !== undefined && override !== '') return [{ name: 'DREY_LIBCA', brings: false, ask: async () => library(override) }];
  return [
    { name: 'EPICS_BASE', brings: false, ask: async () => inEpicsBase(environment) },
    { name: 'Python package epicscorelibs', brings: false, ask: async () => inPackage(folder) },
    { name: 'the system', brings: false, ask: async () => inSystem() },
    { name: 'Python package epicscorelibs, fetched', brings: true, ask: async () => {
      await findSoftIoc({ ...options, onlyPackage: true });
      return inPackage(folder);
    } },
  ];
}

function library(path: string): Answer {
  if (!existsSync(path)) return { why: `no file at ${path}` };
  const name = basename(realpathSync(path));
  return { path, version: /^libca\.so\.\d/.test(name) ? name : `libca (${name})` };
}

function inEpicsBase(environment: LibcaSearch['environment']): Answer {
  const base = environment.EPICS_BASE;
  if (base === undefined || base === '') return { why: 'EPICS_BASE is not set' };
  const named = environment.EPICS_HOST_ARCH;
  const architectures = named === undefined || named === '' ? listing(join(base, 'lib')) : [named];
  const path = architectures.map((architecture) => join(base, 'lib', architecture, 'libca.so')).find((file) => existsSync(file));
  return path === undefined ? { why: `no libca.so in ${base}/lib/${named ?? '*'}` } : library(path);
}

function inPackage(folder: string): Answer {
  const libraries = packagedLibraries(folder);
  if ('why' in libraries) return libraries;
  const found = library(join(libraries.path, 'lib', 'libca.so'));
  return 'why' in found ? found : { ...found, version: `libca of ${libraries.version}` };
}

function inSystem(): Answer {
  const path = SYSTEM_FOLDERS.map((folder) => join(folder, SYSTEM_LIBRARY)).find((file) => existsSync(file));
  return path === undefined ? { why: `no ${SYSTEM_LIBRARY} in ${SYSTEM_FOLDERS.join(', ')}` } : library(path);
}

/** libCom of the same installation; the system's is found by the loader. */
function besides(libca: string): string | undefined {
  const path = join(dirname(libca), 'libCom.so');
  return existsSync(path) ? path : undefined;
}

function listing(folder: string): string[] {
  try { return readdirSync(folder); } catch { return []; }
}
