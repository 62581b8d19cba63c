// Runs the real program as if it were this one: same words, signals and exit code.
//
// The child gets a session of its own, so that a terminal's Ctrl-C comes to this process alone and is
// passed on once (npm passes it on as well, hence the pause). Should this process be killed with -9,
// the kernel tells the child; where there is no setpriv, the child looks for itself.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onPath } from './command.mjs';
import { SetUpFailed } from './progress.mjs';

const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'];
const SAME_KEYPRESS_MS = 1000;

export async function runInPlace({ project, node, command, environment = process.env }) {
  const own = {
    ...environment,
    PATH: [dirname(node), join(project, 'node_modules', '.bin'), environment.PATH].filter(Boolean).join(delimiter),
  };
  // Stripping the types of a few hundred files costs every thread of every start 0.1 s of CPU.
  own.NODE_COMPILE_CACHE ??= join(project, '.drey', 'compile-cache');
  delete own.DREY_NODE; // the set-up's own setting, which the program would not know
  const setpriv = process.platform === 'linux' ? onPath('setpriv', environment) : undefined;
  if (setpriv === undefined) own.NODE_OPTIONS = `${environment.NODE_OPTIONS || ''} --import=${pathToFileURL(join(project, 'setup', 'orphan-watch.mjs'))}`.trim();
  const guarded = setpriv === undefined ? command : [setpriv, '--pdeathsig', 'TERM', '--', ...command];
  const child = spawn(guarded[0], guarded.slice(1), { stdio: 'inherit', env: own, detached: true });

  const lastSeen = {};
  for (const signal of PASSED_ON) {
    process.on(signal, () => {
      const now = Date.now();
      if (now - (lastSeen[signal] || 0) > SAME_KEYPRESS_MS) child.kill(signal);
      lastSeen[signal] = now;
    });
  }
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('exit', (...end) => resolve(end));
    child.once('error', (fault) => reject(new SetUpFailed(`${command[0]} cannot be run`, [[command.join(' '), fault.message]], '')));
  });
  process.exitCode = code !== null ? code : 128 + (constants.signals[signal] || 0);
  process.exit();
}
