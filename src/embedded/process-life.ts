// Whether a process that was seen before is still the same one. A pid alone does not say: pids are
// reused, and a pid answers signals while it is a zombie.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A mark that no other process of that pid will bear: boot and start time. Undefined when it does not run. */
export function birthMark(pid: number): string | undefined {
  return process.platform === 'linux' ? birthMarkFromProc(pid) : birthMarkFromPs(pid);
}

export function isSameProcess(pid: number, mark: string): boolean {
  return birthMark(pid) === mark;
}

function birthMarkFromProc(pid: number): string | undefined {
  const stat = textOf(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The program's name stands in brackets and may hold spaces and brackets: count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startedAt = fields[19];
  if (state === undefined || startedAt === undefined || state === 'Z' || state === 'X') return undefined;
  return `${textOf('/proc/sys/kernel/random/boot_id')?.trim() ?? 'this boot'} ${startedAt}`;
}

function birthMarkFromPs(pid: number): string | undefined {
  const { status, stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const line = stdout?.trim() ?? '';
  if (status !== 0 || line === '' || line.startsWith('Z')) return undefined;
  return line.replace(/^\S+\s+/, '');
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
