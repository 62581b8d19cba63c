import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface CommandResult {
  /** Exit code, or null when a signal or a missing program ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
  /** Why there is no exit code, in words. */
  fault?: string;
}

export interface CommandOptions {
  timeoutMs: number;
  environment?: Record<string, string | undefined>;
  cwd?: string;
  uid?: number;
  gid?: number;
}

/** Runs a program to its end. A failing program is an answer, not an exception. */
export function run(program: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.environment,
      uid: options.uid,
      gid: options.gid,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let stdout = '';
    let stderr = '';
    let fault: string | undefined;
    const timer = setTimeout(() => {
      fault = `no end within ${options.timeoutMs / 1000} s`;
      // The whole group: package tools start helpers that would otherwise keep the pipes open.
      if (child.pid !== undefined) try { process.kill(-child.pid, 'SIGKILL'); } catch { child.kill('SIGKILL'); }
    }, options.timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString(); });
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ code: null, stdout, stderr, fault: error.message });
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr, ...(code === null ? { fault: fault ?? `ended by ${signal}` } : {}) });
    });
  });
}

/** Says in a line why a command did not do its work. */
export function failure(program: string, result: CommandResult): string {
  const words = (result.stderr.trim() || result.stdout.trim()).split('\n').filter((line) => line.trim() !== '').slice(-3).join(' / ');
  const end = result.fault ?? `exit code ${result.code}`;
  return words === '' ? `${program}: ${end}` : `${program}: ${end}: ${words}`;
}

/** The first executable file of that name in PATH and the usual places for servers. */
export function onPath(program: string, environment: Record<string, string | undefined>, also: readonly string[] = []): string | undefined {
  const folders = [...(environment.PATH ?? '').split(delimiter), ...also].filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
