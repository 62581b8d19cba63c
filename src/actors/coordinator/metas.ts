/** Keeps the descriptions of channels (units, limits, labels) in the database before the values that refer to them. */
import type { Hosts } from '../../bus/hosts.ts';
import { describe } from '../../bus/live.ts';
import type { Bus } from '../../bus/port.ts';
import type { Log } from '../../kernel/log.ts';
import type { SnapshotStore } from '../../persistence/port.ts';

/** After that many are known, which are stored is asked of the database again; a facility has some thousands. */
const mostKnown = 1_000_000;

export function createMetaKeeper({ bus, snapshots, hosts, log }: { bus: Bus; snapshots: SnapshotStore; hosts: Pick<Hosts, 'names'>; log: Log }) {
  const known = new Set<bigint>([0n]);
  let working: Promise<void> = Promise.resolve();

  const store = async (hashes: readonly bigint[]): Promise<void> => {
    const asked = hashes.filter((hash) => !known.has(hash));
    if (asked.length === 0) return;
    const missing = await snapshots.unknownMetas(asked);
    if (missing.length > 0) {
      const metas = await describe(bus, missing, { hosts: hosts.names() });
      if (metas.size > 0) await snapshots.saveMetas(metas);
      const lost = missing.filter((hash) => !metas.has(hash));
      // The values stay good; their units and labels are not known until a host tells them.
      if (lost.length > 0) log.warn({ hashes: lost.slice(0, 10).map(String), count: lost.length }, 'no ioc-host could describe some channels');
      for (const hash of lost) asked.splice(asked.indexOf(hash), 1);
    }
    if (known.size > mostKnown) known.clear();
    for (const hash of asked) known.add(hash);
  };

  return async (hashes: ReadonlySet<bigint>): Promise<void> => {
    const unknown = [...hashes].filter((hash) => !known.has(hash));
    if (unknown.length === 0) return;
    // One after the other: what the part before has stored need not be asked for again.
    const mine = working.then(() => store(unknown));
    working = mine.catch(() => {});
    await mine;
  };
}
