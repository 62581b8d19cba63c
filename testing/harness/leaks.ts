// Runs around every test file: a file that leaves a process behind fails, with the command line of what it left.
import { readFileSync, readdirSync } from 'node:fs';
import { afterAll } from 'vitest';
import { eventually } from './eventually.ts';

/** Processes that the test runner's own parts start. */
const NOT_OURS = /esbuild/;

const before = new Set(childrenOf(process.pid).map(({ pid }) => pid));

afterAll(async () => {
  let left: Child[] = [];
  await eventually(() => {
    left = childrenOf(process.pid).filter(({ pid, command }) => !before.has(pid) && !NOT_OURS.test(command));
    return left.length === 0;
  }, { saying: 'children to end', withinMs: 2000 }).catch(() => {
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
    throw new Error(`this test file left processes behind: ${left.map(({ pid, command }) => `${pid} (${command})`).join(', ')}`);
  });
});

interface Child { pid: number; command: string }

function childrenOf(parent: number): Child[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, parentPid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(parentPid) !== parent || state === 'Z') return [];
      return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() }];
    } catch {
      return []; // ended while we looked
    }
  });
}
