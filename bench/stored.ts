import type { System } from './system.ts';

export interface Stored {
  id: string;
  /** Its rows in binary COPY, for the bare COPY of the same rows. */
  bytes: Buffer;
}

const kept = new WeakMap<System, Promise<Stored>>();

/** A whole snapshot of the facility, taken once per system. */
export function storedSnapshot(system: System): Promise<Stored> {
  let stored = kept.get(system);
  if (stored === undefined) {
    stored = (async () => {
      const { summary } = await system.whole('live');
      const { bytes } = await (await system.database()).copyOut(summary.id);
      return { id: summary.id, bytes };
    })();
    kept.set(system, stored);
  }
  return stored;
}

/** Bare COPY of one snapshot's rows, ms. */
export async function bareCopy(system: System): Promise<number> {
  const { bytes } = await storedSnapshot(system);
  return (await system.database()).copyIn(bytes);
}
