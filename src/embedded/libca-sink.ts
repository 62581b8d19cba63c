// The libca client's native sink, compiled once per version of its source with the machine's own
// compiler. Only who chooses that client needs one.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failure, onPath, run } from './command.ts';
import type { SearchOptions } from './found.ts';
import { makeFolder } from './make-folder.ts';

export type Sink = { readonly path: string } | { readonly why: string; /** The first start will. */ readonly canBuild?: boolean };

/** What the libca client cannot do without its sink, for those who run it. */
export function lostWithoutSink(sweepMs: number): readonly string[] {
  return [
    `monitored values are read every ${sweepMs} ms instead of when they change: what comes and goes in between is not seen`,
    `changes of units, limits and labels are seen within ${Math.round((sweepMs * 60) / 1000)} s, of access rights within 1 s`,
    'a put or read that the IOC refuses is not told apart from one that it never answers: such a put ends as a timeout, and its PV is busy for half a minute',
  ];
}

const source = fileURLToPath(new URL('../channel-access/libca/sink', import.meta.url));

/** The compiled sink, if it was built before, and what would build it. */
export function inspectSink({ folder, environment }: SearchOptions): Sink & { readonly compiler: string | null } {
  const path = target(folder);
  const compiler = onPath('cc', environment) ?? null;
  if (existsSync(path)) return { path, compiler };
  return compiler === null ? { why: 'no cc on PATH', compiler } : { why: `not built yet: ${compiler} will at the first start`, canBuild: true, compiler };
}

export async function bringSink({ folder, environment, say }: SearchOptions): Promise<Sink> {
  const path = target(folder);
  if (existsSync(path)) return { path };
  const compiler = onPath('cc', environment);
  if (compiler === undefined) return { why: 'no cc on PATH' };
  say?.(`compiling ${source} with ${compiler}`);
  makeFolder(join(folder, 'libca-sink'));
  const draft = `${path}.${process.pid}`;
  const built = await run(compiler, ['-shared', '-fPIC', '-O2', '-o', draft, ...files().filter((path) => path.endsWith('.c'))], { timeoutMs: 60_000, environment });
  if (built.code !== 0) return { why: failure('cc', built) };
  renameSync(draft, path);
  return { path };
}

function files(): string[] {
  return readdirSync(source).sort().map((name) => join(source, name));
}

function target(folder: string): string {
  const hash = files().reduce((sum, path) => sum.update(readFileSync(path)), createHash('sha256')).digest('hex').slice(0, 16);
  return join(folder, 'libca-sink', `sink-${hash}-${process.arch}.so`);
}
