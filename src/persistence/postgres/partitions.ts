/** Partitions of snapshot_value, made ahead of the snapshots that go there. */
import type { Database } from './database.ts';

/** Snapshots per partition: small enough to drop an old one at once, few enough for the planner. */
const span = 64;

export interface Partitions {
  /** The table that holds this snapshot's rows; made if it is missing. */
  ready(snapshot: number): Promise<string>;
}

export function createPartitions(database: Database): Partitions {
  const known = new Map<number, Promise<void>>();

  const make = async (part: number): Promise<void> => {
    const name = tableOf(part);
    const [found] = await database.rows<{ there: boolean }>('select to_regclass($1) is not null as there', [name]);
    if (found?.there) return;
    await database.transaction(async (session) => {
      // Attaching, unlike creating in place, does not wait for the writers of other partitions, nor make them wait.
      await session.rows('select pg_advisory_xact_lock(hashtext($1))', ['snapshot_value']);
      const [made] = await session.rows<{ there: boolean }>('select to_regclass($1) is not null as there', [name]);
      if (made?.there) return;
      await session.rows(`create table ${name} (like snapshot_value including all)`);
      // Kept as they are: waveforms hardly shrink, and trying costs more than storing.
      await session.rows(`alter table ${name} alter txt set storage external, alter arr set storage external`);
      await session.rows(`alter table snapshot_value attach partition ${name} for values from (${part * span}) to (${(part + 1) * span})`);
    });
  };
  const once = (part: number): Promise<void> => {
    const going = known.get(part) ?? make(part);
    known.set(part, going);
    going.catch(() => known.delete(part));
    return going;
  };

  return {
    ready: async (snapshot) => {
      const part = Math.floor(snapshot / span);
      await once(part);
      // If this fails, the snapshot that needs it will try again and say so.
      once(part + 1).catch(() => {});
      return tableOf(part);
    },
  };
}

const tableOf = (part: number): string => `snapshot_value_${part}`;
