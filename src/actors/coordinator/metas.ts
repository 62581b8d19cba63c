/** Keeps the descriptions of channels (units, limits, labels) in the database before the values that refer to them. */
import type { Hosts } from '../../bus/hosts.ts';
import { describe } from '../../bus/live.ts';
import type { Bus } from '../../bus/port.ts';
import type { Log } from '../../kernel/log.ts';
import type { SnapshotStore } from '../../persistence/port.ts';

/** After that many are known, which are stored is asked of the database again; a facility has some thousands. */
const mostKnown = 1_000_000;

export function createMetaKeeper({ bus, snapshots, hosts, log }: { bus: Bus; snapshots: SnapshotStore; hosts: Pick<Hosts, 'names'>; log: Log }) {
  const known = createHashSet();
  let working: Promise<void> = Promise.resolve();

  const store = async (hashes: ReadonlySet<bigint>): Promise<void> => {
    const asked = [...hashes].filter((hash) => !known.has(hash));
    if (asked.length === 0) return;
    const missing = await snapshots.unknownMetas(asked);
    let lost: bigint[] = [];
    if (missing.length > 0) {
      const metas = await describe(bus, missing, { hosts: hosts.names() });
      if (metas.size > 0) await snapshots.saveMetas(metas);
      lost = missing.filter((hash) => !metas.has(hash));
      // The values stay good; their units and labels are not known until a host tells them.
      if (lost.length > 0) log.warn({ hashes: lost.slice(0, 10).map(String), count: lost.length }, 'no ioc-host could describe some channels');
    }
    if (known.size > mostKnown) known.clear();
    const untold = new Set(lost);
    for (const hash of asked) if (!untold.has(hash)) known.add(hash);
  };

  return async (hashes: BigInt64Array): Promise<void> => {
    const unknown = known.missing(hashes);
    if (unknown.size === 0) return;
    // One after the other: what the part before has stored need not be asked for again.
    const mine = working.then(() => store(unknown));
    working = mine.catch(() => {});
    await mine;
  };
}

/** 64-bit hashes by halves: looking up 50,000 of them makes no bigint. 0 is always known. */
export function createHashSet() {
  const byLow = new Map<number, number[]>();
  let size = 0;
  const halves = new Int32Array(2);
  const whole = new BigInt64Array(halves.buffer);
  const holds = (low: number, high: number): boolean => byLow.get(low)?.includes(high) ?? false;
  return {
    get size() {
      return size;
    },
    add: (hash: bigint): void => {
      whole[0] = hash;
      if (holds(halves[0]!, halves[1]!)) return;
      size += 1;
      const highs = byLow.get(halves[0]!);
      if (highs) highs.push(halves[1]!);
      else byLow.set(halves[0]!, [halves[1]!]);
    },
    has: (hash: bigint): boolean => {
      whole[0] = hash;
      return holds(halves[0]!, halves[1]!);
    },
    missing: (hashes: BigInt64Array): Set<bigint> => {
      const unknown = new Set<bigint>();
      const parts = new Int32Array(hashes.buffer, hashes.byteOffset, hashes.length * 2);
      for (let row = 0; row < hashes.length; row++) {
        const low = parts[2 * row]!;
        const high = parts[2 * row + 1]!;
        if ((low !== 0 || high !== 0) && !holds(low, high)) unknown.add(hashes[row]!);
      }
      return unknown;
    },
    clear: (): void => {
      byLow.clear();
      size = 0;
    },
  };
}
