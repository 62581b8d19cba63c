// Where a nats-server comes from, in order: the one that was named, the one on PATH, the one that was
// brought before, the official release, the Debian package, and Go.
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failure, isExecutable, onPath, run } from './command.ts';
import { natsServerFromDebian } from './nats-server-debian.ts';
import { natsServerFromGo } from './nats-server-go.ts';
import { natsServerFromRelease } from './nats-server-release.ts';
import { OLDEST_NATS_SERVER, type Bringer, type NatsServerSearch, type NatsServerSource } from './nats-server-source.ts';
import { mustBeFound, search, type Answer, type SearchReport, type Source } from './found.ts';
import { makeFolder } from './make-folder.ts';

const ADVICE = 'Install nats-server 2.10 or newer, name one with DREY_NATS_SERVER=/path/to/nats-server, '
  + 'or give NATS_URL of a server that runs already.';

export function inspectNatsServer(options: NatsServerSearch): Promise<SearchReport> {
  return search('nats-server', sources(options), false);
}

export async function findNatsServer(options: NatsServerSearch): Promise<ReturnType<typeof mustBeFound>> {
  return mustBeFound(await search('nats-server', sources(options), true), ADVICE);
}

function sources(options: NatsServerSearch): Source[] {
  const { override, environment } = options;
  if (override !== undefined && override !== '') {
    return [{ name: 'DREY_NATS_SERVER', brings: false, ask: () => checked(override) }];
  }
  const all: (Source & { name: NatsServerSource })[] = [
    { name: 'PATH', brings: false, ask: async () => {
      const program = onPath('nats-server', environment, ['/usr/local/sbin', '/usr/sbin', '/usr/local/bin']);
      return program === undefined ? { why: 'no nats-server there' } : checked(program);
    } },
    { name: 'brought before', brings: false, ask: async () => ({ ...await checked(broughtProgram(options)), from: origin(options) }) },
    { name: 'official release', brings: true, ask: () => bring(options, 'official release', natsServerFromRelease) },
    { name: 'Debian package', brings: true, ask: () => bring(options, 'Debian package', natsServerFromDebian) },
    { name: 'go install', brings: true, ask: () => bring(options, 'go install', natsServerFromGo) },
  ];
  return all.filter(({ name }) => !(options.without ?? []).includes(name));
}

async function checked(program: string): Promise<Answer> {
  if (!isExecutable(program)) return { why: `no program at ${program}` };
  const said = await run(program, ['--version'], { timeoutMs: 5000 });
  const version = /v?(\d+\.\d+\.\d+\S*)/.exec(said.stdout)?.[1];
  if (said.code !== 0 || version === undefined) return { why: failure(`${program} --version`, said) };
  if (isOlder(version, OLDEST_NATS_SERVER)) {
    return { why: `${program} is ${version}, older than ${OLDEST_NATS_SERVER} which is the least that will do` };
  }
  return { path: program, version };
}

export function isOlder(version: string, floor: string): boolean {
  const [a, b] = [version, floor].map((text) => text.split('-')[0]?.split('.').map(Number) ?? []) as [number[], number[]];
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function broughtProgram({ folder }: NatsServerSearch): string {
  return join(folder, 'nats-server', 'nats-server');
}

/** Lets a source work in a scratch folder and puts its program in place whole, so that a second start beside this one sees all or nothing. */
async function bring(options: NatsServerSearch, name: NatsServerSource, bringer: Bringer): Promise<Answer> {
  const home = join(options.folder, 'nats-server');
  makeFolder(home);
  const scratch = mkdtempSync(join(home, 'bringing-'));
  try {
    const brought = await bringer({
      search: options, scratch, answerWithinMs: options.answerWithinMs ?? 4000, say: options.say ?? (() => {}),
    });
    if ('why' in brought) return brought;
    chmodSync(brought.program, 0o755);
    const answer = await checked(brought.program);
    if ('why' in answer) return answer;
    const target = broughtProgram(options);
    // Copied out of the package's tree first: only a rename on one file system is whole.
    const draft = join(scratch, 'ready');
    copyFileSync(brought.program, draft);
    chmodSync(draft, 0o755);
    renameSync(draft, target);
    writeFileSync(join(home, 'origin.json'), `${JSON.stringify({ version: answer.version, source: name })}\n`);
    return { path: target, version: answer.version };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** From which source the program that was brought came. */
function origin({ folder }: NatsServerSearch): string | undefined {
  try {
    return (JSON.parse(readFileSync(join(folder, 'nats-server', 'origin.json'), 'utf8')) as { source?: string }).source;
  } catch {
    return undefined;
  }
}
