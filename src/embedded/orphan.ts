import { birthMark } from './process-life.ts';
import { until } from './until.ts';

const ORDERLY_WITHIN_MS = 5000;

/** Stops a server whose owner died without it: the data folder must have one writer. */
export async function stopOrphan(pid: number, name: string): Promise<void> {
  const mark = birthMark(pid);
  if (mark === undefined) return;
  for (const [signal, withinMs] of [['SIGINT', ORDERLY_WITHIN_MS], ['SIGKILL', 2000]] as const) {
    try { process.kill(pid, signal); } catch { return; }
    if (await until(() => birthMark(pid) === mark ? undefined : true, withinMs, 20)) return;
  }
  throw new Error(`${name} of an earlier run, process ${pid}, does not stop`);
}
