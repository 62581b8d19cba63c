import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { birthMark } from '../../src/embedded/index.ts';
import { eventually } from './eventually.ts';
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

/** Hangs a process as kill -STOP does, and waits until each of its threads stands still: the signal takes effect a moment later. */
export async function hang({ pid }: { readonly pid: number }): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  const standsStill = (task: string): boolean => {
    const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  };
  await eventually(() => readdirSync(`/proc/${pid}/task`).every(standsStill), { saying: `process ${pid} to stand still` });
}

/** Lets a fault last that is one by its duration: meanwhile nothing happens that could be waited for. */
export function faultLasting(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whether a process runs: a zombie does not. */
export function isRunning(pid: number): boolean {
  return birthMark(pid) !== undefined;
}
