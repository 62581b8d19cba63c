import { spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** Runs a program to its end; a failure is an answer. */
export function run(command, { cwd, environment, timeoutMs }) {
  return new Promise((resolve) => {
    const child = spawn(command[0], command.slice(1), { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const timer = setTimeout(() => { output += `\nno end within ${timeoutMs / 1000} s`; child.kill('SIGKILL'); }, timeoutMs);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { output += chunk; });
    child.on('error', (fault) => { clearTimeout(timer); resolve({ ok: false, output: fault.message }); });
    child.on('close', (code) => { clearTimeout(timer); resolve({ ok: code === 0, output: output.trim() }); });
  });
}

/** The lines that say why, without npm's notices. */
export function lastWords(output) {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !/^npm (warn|notice)|A complete log of this run/i.test(line));
  return lines.slice(-6).join(' / ') || 'no words';
}

export function onPath(program, environment) {
  return (environment.PATH || '').split(delimiter).filter(Boolean).map((folder) => join(folder, program)).find(isExecutable);
}

export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** npm as it was started, or the one on PATH. Undefined when there is none. */
export function npmCommand(environment) {
  const started = environment.npm_execpath;
  if (started && /npm-cli\.[cm]?js$/.test(started)) return [process.execPath, started];
  const npm = onPath('npm', environment);
  return npm === undefined ? undefined : [npm];
}

/** What npm may inherit. Its cache is usually in HOME; where that cannot be written, it goes to the project's folder. */
export function npmEnvironment(project, environment) {
  const kept = Object.fromEntries(Object.entries(environment).filter(([name]) => !/^npm_(package|lifecycle)_/.test(name)));
  // An outer npm hands its cache's place on without having tried it.
  const cache = environment.npm_config_cache || (environment.HOME && join(environment.HOME, '.npm'));
  if (cache && canBeWritten(cache)) return kept;
  const own = join(project, '.drey', 'npm-cache');
  mkdirSync(own, { recursive: true });
  return { ...kept, HOME: own, npm_config_cache: own };
}

function canBeWritten(path) {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch (fault) {
    return fault.code === 'ENOENT' && dirname(path) !== path && canBeWritten(dirname(path));
  }
}
