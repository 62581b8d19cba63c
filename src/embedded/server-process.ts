// A server that lives and dies with this process. The kernel sends the parent-death signal, so not
// even kill -9 leaves it behind; its own session keeps a terminal's Ctrl-C away from it, because the
// program that uses it must stop before it does.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';
import { onPath } from './command.ts';

export interface Exit { code: number | null; signal: NodeJS.Signals | null }

export interface ServerProcessOptions {
  /** What it is called in errors. */
  name: string;
  command: readonly string[];
  environment: Record<string, string | undefined>;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Asks it to stop in order. */
  stopSignal: NodeJS.Signals;
  /** Sent by the kernel when this process dies; the stop signal by default. One that hangs hears SIGKILL alone. */
  deathSignal?: NodeJS.Signals;
  /** After this long a stop becomes SIGKILL. */
  stopWithinMs: number;
  /** Where its words go. Without it they are kept in memory, the last lines only. */
  logFile?: string;
  /** More options of setpriv(1), which must be present. */
  privileges?: readonly string[];
  onLine?: (line: string) => void;
  onUnexpectedExit?: (exit: Exit) => void;
}

export interface ServerProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly running: boolean;
  signal(signal: NodeJS.Signals): void;
  lastLines(): string[];
  stop(): Promise<Exit>;
}

const LINES_KEPT = 40;
const TERMINAL_COLOURS = /\u001b\[[0-9;]*m/g;
const LAST_WORDS_WITHIN_MS = 200;
const LOG_STARTS_AFRESH_ABOVE_BYTES = 20_000_000;

export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const setpriv = onPath('setpriv', options.environment);
  const guarded = setpriv !== undefined && process.platform === 'linux'
    ? [setpriv, '--pdeathsig', (options.deathSignal ?? options.stopSignal).replace(/^SIG/, ''), ...(options.privileges ?? []), '--', ...options.command]
    : [...options.command];
  const log = options.logFile === undefined ? undefined : openLog(options.logFile);
  const child = spawn(guarded[0] as string, guarded.slice(1), {
    cwd: options.cwd,
    env: options.environment,
    uid: options.uid,
    gid: options.gid,
    detached: true,
    stdio: log === undefined ? ['pipe', 'pipe', 'pipe'] : ['ignore', log, log],
  });
  if (log !== undefined) closeSync(log);
  const lines: string[] = [];
  const keep = (line: string): void => {
    lines.push(line);
    if (lines.length > LINES_KEPT) lines.shift();
    options.onLine?.(line);
  };
  readLines(child, keep);

  let stopping = false;
  let ended: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      const exit = ended = { code, signal };
      void lastWordsRead(child).then(() => {
        resolve(exit);
        if (!stopping) options.onUnexpectedExit?.(exit);
      });
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (fault) => reject(new Error(`${options.name} could not be started: ${fault.message}`)));
  });
  const pid = child.pid as number;
  return {
    pid,
    exited,
    get running() { return ended === undefined; },
    signal(signal) { if (ended === undefined) child.kill(signal); },
    lastLines: () => [...lines],
    async stop() {
      if (ended !== undefined) return ended;
      stopping = true;
      child.kill('SIGCONT'); // a stopped process would not see the next signal
      child.kill(options.stopSignal);
      const timer = setTimeout(() => child.kill('SIGKILL'), options.stopWithinMs);
      try {
        return await exited;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** What a process wrote just before its end is still in the pipe then. Not for long: something it started may hold the pipe open. */
async function lastWordsRead(child: ChildProcess): Promise<void> {
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([closed, new Promise<void>((resolve) => { timer = setTimeout(resolve, LAST_WORDS_WITHIN_MS); })]);
  clearTimeout(timer);
}

function readLines(child: ChildProcess, keep: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    let rest = '';
    stream.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).replace(TERMINAL_COLOURS, '').split('\n');
      rest = parts.pop() ?? '';
      parts.forEach(keep);
    });
    stream.on('end', () => { if (rest !== '') keep(rest); });
  }
}

function openLog(path: string): number {
  let size = 0;
  try { size = statSync(path).size; } catch { /* the first start */ }
  return openSync(path, size > LOG_STARTS_AFRESH_ABOVE_BYTES ? 'w' : 'a', 0o600);
}
