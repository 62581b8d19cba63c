// node bench/profile.ts FOLDER-OR-FILE [N]: where the time of a --profile run went, by function and by file.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

const project = resolve(import.meta.dirname, '..');

function place(url: string): string {
  return url.startsWith('file:') ? relative(project, fileURLToPath(url)) : url === '' ? 'native' : url;
}

/** Microseconds by key, largest first. */
function ranked(amounts: Map<string, number>, most: number): string {
  const total = [...amounts.values()].reduce((sum, amount) => sum + amount, 0);
  return [...amounts]
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([key, amount]) => `  ${(amount / 1000).toFixed(0).padStart(7)} ms ${((100 * amount) / total).toFixed(1).padStart(5)} %  ${key}`)
    .join('\n');
}

function summary(path: string, most: number): string {
  const profile = JSON.parse(readFileSync(path, 'utf8')) as Profile;
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const byFunction = new Map<string, number>();
  const byFile = new Map<string, number>();
  profile.samples.forEach((id, index) => {
    const frame = frames.get(id);
    if (frame === undefined || frame.functionName === '(idle)') return;
    const file = place(frame.url);
    const spent = profile.timeDeltas[index] ?? 0;
    const key = `${frame.functionName || '(anonymous)'} ${file}:${frame.lineNumber + 1}`;
    byFunction.set(key, (byFunction.get(key) ?? 0) + spent);
    byFile.set(file, (byFile.get(file) ?? 0) + spent);
  });
  return `${path}\n by function, its own time\n${ranked(byFunction, most)}\n by file\n${ranked(byFile, most)}\n`;
}

const [path, count = '20'] = process.argv.slice(2);
if (path === undefined) {
  process.stderr.write('usage: node bench/profile.ts FOLDER-OR-FILE [N]\n');
  process.exit(2);
}
const files = statSync(path).isDirectory() ? readdirSync(path).filter((name) => name.endsWith('.cpuprofile')).map((name) => join(path, name)) : [path];
for (const file of files) process.stdout.write(summary(file, Number(count)));
