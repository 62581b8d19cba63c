// Which Node runs Drey: TypeScript without a build step needs 22.18.
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { announced, SetUpFailed } from './progress.mjs';
import { isExecutable, lastWords, npmCommand, npmEnvironment, run } from './command.mjs';

export const OLDEST_NODE = '22.18.0';
const MAJOR_TO_BRING = 24;

export async function ensureNode({ project, environment, say, lock, running = { version: process.versions.node, path: process.execPath } }) {
  const tried = [];
  const named = environment.DREY_NODE;
  if (named) {
    const version = await versionOf(named);
    if (version !== undefined && !isOlder(version, OLDEST_NODE)) return named;
    tried.push(['DREY_NODE', version === undefined ? `${named} is not a Node that runs` : `${named} is ${version}, older than ${OLDEST_NODE}`]);
    throw failed(tried);
  }
  if (!isOlder(running.version, OLDEST_NODE)) return running.path;
  tried.push(['the running Node', `${running.version} is older than ${OLDEST_NODE}`]);

  const brought = broughtNode(project);
  if (brought !== undefined) return brought;
  tried.push([join(project, '.drey', 'node'), 'nothing brought before']);

  return lock(async () => {
    const meanwhile = broughtNode(project);
    if (meanwhile !== undefined) return meanwhile;
    const outcome = await bringNode({ project, environment, say, running });
    if (outcome.node !== undefined) return outcome.node;
    throw failed([...tried, [outcome.source, outcome.why]]);
  });
}

async function bringNode({ project, environment, say, running }) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const source = `npm package ${name}@${MAJOR_TO_BRING}`;
  const npm = npmCommand(environment);
  if (npm === undefined) return { source, why: 'there is no npm on PATH to fetch it with' };
  const folder = join(project, '.drey');
  try {
    mkdirSync(folder, { recursive: true });
  } catch (fault) {
    return { source, why: `the project's folder cannot be written: ${fault.message}` };
  }
  const scratch = mkdtempSync(join(folder, 'bringing-node-'));
  try {
    writeFileSync(join(scratch, 'package.json'), '{"private":true}');
    const fetched = await announced(say, `Node ${running.version} is too old for Drey; fetching Node ${MAJOR_TO_BRING} from npm (about 50 MB)`, () => run(
      [...npm, 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error', `${name}@${MAJOR_TO_BRING}`],
      { cwd: scratch, environment: npmEnvironment(project, environment), timeoutMs: 600_000 },
    ));
    if (!fetched.ok) return { source, why: lastWords(fetched.output) };
    const unpacked = join(scratch, 'node_modules', name);
    const version = await versionOf(join(unpacked, 'bin', 'node'));
    if (version === undefined) return { source, why: 'it was fetched but does not run on this machine' };
    writeFileSync(join(unpacked, 'drey-version'), version);
    rmSync(join(folder, 'node'), { recursive: true, force: true });
    renameSync(unpacked, join(folder, 'node'));
    return { node: join(folder, 'node', 'bin', 'node') };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Known by a note rather than by asking it, which would cost every start 40 ms. */
function broughtNode(project) {
  const path = join(project, '.drey', 'node', 'bin', 'node');
  try {
    const version = readFileSync(join(project, '.drey', 'node', 'drey-version'), 'utf8');
    return isExecutable(path) && !isOlder(version, OLDEST_NODE) ? path : undefined;
  } catch {
    return undefined;
  }
}

async function versionOf(node) {
  const { ok, output } = await run([node, '--version'], { environment: process.env, timeoutMs: 10_000 });
  const match = ok ? /v(\d+\.\d+\.\d+)/.exec(output) : null;
  return match ? match[1] : undefined;
}

export function isOlder(version, floor) {
  const a = version.split('.').map(Number);
  const b = floor.split('.').map(Number);
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] < b[i];
  return false;
}

function failed(tried) {
  return new SetUpFailed(`no Node ${OLDEST_NODE} or newer`, tried, `Install Node ${MAJOR_TO_BRING}, or name one with DREY_NODE=/path/to/node.`);
}
