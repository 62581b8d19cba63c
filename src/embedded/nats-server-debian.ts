// The package of Debian trixie, fetched with a sources file, package lists and cache of its own and
// unpacked beside the system: nothing is installed, and the machine's apt is left as it was.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failure, isExecutable, onPath, run } from './command.ts';
import type { Bringer } from './nats-server-source.ts';

const SUITE = 'trixie';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

export const natsServerFromDebian: Bringer = async ({ search, scratch, answerWithinMs, say }) => {
  for (const tool of ['apt-get', 'apt-config', 'dpkg']) {
    if (onPath(tool, search.environment) === undefined) return { why: `no ${tool} on PATH` };
  }
  if (!isReadable(KEYRING)) return { why: `no Debian keyring at ${KEYRING} to check the package with` };
  const mirror = search.debianMirror ?? debianMirrorOf(aptSources());
  if (mirror === undefined) return { why: 'the sources of apt name no Debian mirror' };

  const configuration = join(scratch, 'apt.conf');
  const environment = { ...search.environment, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  const proxies = await run('apt-config', ['dump'], { timeoutMs: 5000, environment });
  mkdirSync(join(scratch, 'state', 'lists', 'partial'), { recursive: true });
  mkdirSync(join(scratch, 'cache', 'archives', 'partial'), { recursive: true });
  mkdirSync(join(scratch, 'sources'));
  writeFileSync(join(scratch, 'state', 'status'), '');
  writeFileSync(join(scratch, 'sources', 'debian.sources'),
    `Types: deb\nURIs: ${mirror}\nSuites: ${SUITE}\nComponents: main\nSigned-By: ${KEYRING}\n`);
  writeFileSync(configuration, aptConfiguration(scratch, answerWithinMs, proxies.stdout));

  say(`fetching nats-server from Debian ${SUITE}`);
  const own = { ...environment, APT_CONFIG: configuration };
  const updated = await run('apt-get', ['-q', 'update'], { timeoutMs: 120_000, environment: own });
  // apt calls a mirror that does not answer a warning and ends with 0.
  const deaf = updated.stderr.split('\n').find((line) => line.startsWith('W: Failed') || line.startsWith('Err:'));
  if (updated.code !== 0 || deaf !== undefined) return { why: deaf ?? failure('apt-get update', updated) };
  const fetched = await run('apt-get', ['-q', 'download', 'nats-server'], { timeoutMs: 120_000, environment: own, cwd: scratch });
  const packageFile = readdirSync(scratch).find((name) => name.endsWith('.deb'));
  if (fetched.code !== 0 || packageFile === undefined) return { why: failure('apt-get download', fetched) };
  const unpacked = await run('dpkg', ['-x', join(scratch, packageFile), join(scratch, 'tree')], { timeoutMs: 60_000, environment: own });
  if (unpacked.code !== 0) return { why: failure('dpkg -x', unpacked) };
  const program = ['usr/sbin/nats-server', 'usr/bin/nats-server'].map((path) => join(scratch, 'tree', path)).find(isExecutable);
  return program === undefined ? { why: `${packageFile} holds no nats-server` } : { program };
};

function aptConfiguration(scratch: string, answerWithinMs: number, systemConfiguration: string): string {
  // apt asks twice before it believes in silence.
  const seconds = Math.max(1, Math.ceil(answerWithinMs / 2000));
  // The site's own way to the network is kept; everything else of the system's configuration, hooks included, is not.
  const kept = systemConfiguration.split('\n').filter((line) => /^Acquire::https?::[^ ]*(Proxy|CaInfo|CaPath|Verify)/i.test(line));
  return [
    ...kept,
    'Dir::Etc::Main "/dev/null";',
    'Dir::Etc::Parts "/dev/null";',
    'Dir::Etc::SourceList "/dev/null";',
    `Dir::Etc::SourceParts "${join(scratch, 'sources')}";`,
    'Dir::Etc::PreferencesParts "/dev/null";',
    `Dir::State "${join(scratch, 'state')}";`,
    `Dir::State::Status "${join(scratch, 'state', 'status')}";`,
    `Dir::Cache "${join(scratch, 'cache')}";`,
    'APT::Sandbox::User "root";',
    'Acquire::Languages "none";',
    'Acquire::Retries "0";',
    `Acquire::http::Timeout "${seconds}";`,
    `Acquire::https::Timeout "${seconds}";`,
    '',
  ].join('\n');
}

function aptSources(): string[] {
  const folder = '/etc/apt/sources.list.d';
  const names = listing(folder).filter((name) => name.endsWith('.sources') || name.endsWith('.list'));
  return ['/etc/apt/sources.list', ...names.map((name) => join(folder, name))].map(textOf);
}

/** The mirror that this machine already uses for Debian itself, in either form of sources file. */
export function debianMirrorOf(sources: readonly string[]): string | undefined {
  const uris = sources.flatMap((text) => text.split('\n').flatMap((line) => {
    const words = line.trim().replace(/^deb\s+(\[[^\]]*\]\s*)?/, 'URIs: ').split(/\s+/);
    return words[0] === 'URIs:' ? words.slice(1) : [];
  }));
  return uris.find((uri) => /^https?:\/\/.*\/debian\/?$/.test(uri))?.replace(/\/$/, '');
}

function isReadable(path: string): boolean {
  return textOf(path) !== '';
}

function textOf(path: string): string {
  try { return readFileSync(path, 'latin1'); } catch { return ''; }
}

function listing(folder: string): string[] {
  try { return readdirSync(folder); } catch { return []; }
}
