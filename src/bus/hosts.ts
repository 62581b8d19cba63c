/** The ioc-hosts that live now, from the beats they leave in the KV bucket. */
import type { HostBeat } from '../contracts/work.ts';
import { buckets } from '../contracts/subjects.ts';
import { json, type Bus } from './port.ts';

export interface Hosts {
  readonly beats: ReadonlyMap<string, HostBeat>;
  /** Names, sorted. */
  names(): string[];
  onChange(listener: () => void): () => void;
  stop(): Promise<void>;
}

export async function watchHosts(bus: Bus): Promise<Hosts> {
  const beats = new Map<string, HostBeat>();
  const listeners = new Set<() => void>();
  /** Key of the bucket to the name in the beat: a key cannot hold everything that a name can. */
  const nameOf = new Map<string, string>();
  let ready = (): void => {};
  const standing = new Promise<void>((done) => (ready = done));
  const subscription = await (await bus.keyValue(buckets.hosts)).watch({
    entry: (key, value) => {
      const before = beats.size;
      let added = false;
      if (value === undefined) {
        beats.delete(nameOf.get(key) ?? key);
        nameOf.delete(key);
      } else {
        const beat = json.decode<HostBeat>(value);
        added = !beats.has(beat.host);
        nameOf.set(key, beat.host);
        beats.set(beat.host, beat);
      }
      if (added || beats.size !== before) for (const listener of [...listeners]) listener();
    },
    ready: () => ready(),
  });
  await standing;
  return {
    beats,
    names: () => [...beats.keys()].sort(),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => subscription.stop(),
  };
}
