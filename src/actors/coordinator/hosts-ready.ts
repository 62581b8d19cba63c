/**
 * Waits for ioc-hosts. After a restart of everything a coordinator may be there before the hosts are, and
 * a job that is taken up again should find their channels connected rather than store that nothing was read.
 */
import type { Hosts } from '../../bus/hosts.ts';
import type { HostBeat } from '../../contracts/work.ts';
import type { Clock } from '../../kernel/clock.ts';

const longestMs = 10_000;
const lookMs = 250;

/** `resumed`: the job was begun by an earlier process. Never waits longer than 10 s: then the job says what is missing. */
export async function hostsReady(hosts: Pick<Hosts, 'beats'>, clock: Clock, resumed: boolean, signal: AbortSignal, waiting: (why: string) => void): Promise<void> {
  const until = clock.now() + longestMs;
  let told = '';
  while (!signal.aborted && clock.now() < until && !ready([...hosts.beats.values()], resumed, clock.now())) {
    const why = waitsFor([...hosts.beats.values()]);
    if (why !== told) waiting(told = why);
    await new Promise<void>((resume) => clock.setTimeout(resume, lookMs));
  }
}

/** For people who look at the job meanwhile. */
function waitsFor(beats: readonly HostBeat[]): string {
  if (beats.length === 0) return 'waiting for an ioc-host to start';
  const sum = (of: 'channels' | 'connected'): number => beats.reduce((all, beat) => all + beat[of], 0);
  return `waiting for the search after a restart: ${sum('connected')} of ${sum('channels')} channels are connected`;
}

function ready(beats: readonly HostBeat[], resumed: boolean, now: number): boolean {
  if (beats.length === 0) return false;
  // A host that has been up for a while has found what there is to find.
  return !resumed || beats.every((beat) => (beat.channels > 0 && beat.connected + (beat.unresponsive ?? 0) >= beat.channels) || now - Date.parse(beat.startedAt) > longestMs);
}
