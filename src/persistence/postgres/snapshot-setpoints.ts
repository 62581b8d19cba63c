/** The values of a snapshot's setpoints, without what people want to know about their entries. */
import { distinctHashes, pickValueRows } from '../../contracts/values.ts';
import type { SnapshotStore } from '../port.ts';
import type { Database } from './database.ts';
import type { MetaTable } from './metas.ts';
import { unpackInts } from './packed.ts';
import { entriesThen } from './snapshot-page.ts';
import type { SetpointsNow } from './setpoints-now.ts';
import { readSnapshot, summaryOf, type SnapshotRow } from './snapshot-rows.ts';
import { readValues } from './snapshot-values.ts';

export async function readSetpointValues(database: Database, metas: MetaTable, setpoints: SetpointsNow, id: string): ReturnType<SnapshotStore['setpointValues']> {
  const snapshot = await readSnapshot(database, id);
  const wanted = setpointsThen(database, setpoints, snapshot);
  const values = Promise.all([wanted, readValues(database, snapshot)]).then(async ([channels, all]) => {
    const rows = rowsOf(all.channel, channels);
    const columns = rows.length === all.length ? all : pickValueRows(all, rows);
    return { columns, metas: await metas.read(distinctHashes(columns.metaHash)) };
  });
  // Met by whoever awaits it; until then its rejection is nobody's.
  values.catch(() => {});
  return { summary: summaryOf(snapshot), channels: await wanted, values };
}

/** Ascending. Of everything, with a catalogue that is still the same, as most restores are, they need no query. */
async function setpointsThen(database: Database, setpoints: SetpointsNow, { number, whole, catalogue_revision }: SnapshotRow): Promise<Int32Array> {
  const now = whole ? await setpoints.at(catalogue_revision) : undefined;
  if (now) return now;
  // Sorted here: no entry's setpoint is another's, and sorting 50,000 takes Postgres as long as finding them.
  const [found] = await database.rows<{ channels: Buffer | null }>(
    `select string_agg(int4send(v.setpoint), ''::bytea) as channels from ${entriesThen} where s.number = $1 and v.setpoint is not null`,
    [number],
  );
  return unpackInts(found!.channels).sort();
}

/** Both ascend, each channel once, so one walk over both does. */
function rowsOf(channels: Int32Array, wanted: Int32Array): number[] {
  const rows: number[] = [];
  for (let row = 0, at = 0; row < channels.length && at < wanted.length; row++) {
    while (wanted[at]! < channels[row]!) at++;
    if (wanted[at] === channels[row]) rows.push(row);
  }
  return rows;
}
