import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { birthMark } from '../../src/embedded/index.ts';
import type { Owned } from './owner.ts';
import { PROJECT } from './run-folder.ts';

export interface Owner extends AsyncDisposable {
  readonly pid: number;
  /** What it owns. */
  readonly server: { pid: number; url?: string; refused?: string };
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** A process of its own that owns a server, to be killed. */
export async function startOwner(owned: Owned, environment: NodeJS.ProcessEnv = process.env): Promise<Owner> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(PROJECT, 'testing', 'harness', 'owner.ts'), JSON.stringify(owned)], { env: environment, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>,
    ended.then(([code]) => { throw new Error(`the owner of ${owned.kind} ended with ${code} before it had started it`); }),
  ]);
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return { pid: child.pid as number, server: JSON.parse(line) as Owner['server'], kill, [Symbol.asyncDispose]: () => kill('SIGKILL') };
}

/** Whether a process runs: a zombie does not. */
export function isRunning(pid: number): boolean {
  return birthMark(pid) !== undefined;
}
