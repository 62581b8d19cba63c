/** The values of a snapshot's setpoints, without what people want to know about their entries. */
import { distinctHashes, pickValueRows } from '../../contracts/values.ts';
import type { SnapshotStore } from '../port.ts';
import type { Database } from './database.ts';
import type { MetaTable } from './metas.ts';
import { unpackInts } from './packed.ts';
import { entriesThen } from './snapshot-page.ts';
import { readSnapshot, summaryOf } from './snapshot-rows.ts';
import { readValues } from './snapshot-values.ts';

export async function readSetpointValues(database: Database, metas: MetaTable, id: string): ReturnType<SnapshotStore['setpointValues']> {
  const snapshot = await readSnapshot(database, id);
  const [[found], all] = await Promise.all([
    database.rows<{ channels: Buffer | null }>(
      `select string_agg(int4send(setpoint), ''::bytea order by setpoint) as channels from (select distinct v.setpoint from ${entriesThen} where s.number = $1 and v.setpoint is not null) x`,
      [snapshot.number],
    ),
    readValues(database, snapshot),
  ]);
  const rows = rowsOf(all.channel, unpackInts(found!.channels));
  const columns = rows.length === all.length ? all : pickValueRows(all, rows);
  return { summary: summaryOf(snapshot), columns, metas: await metas.read(distinctHashes(columns.metaHash)) };
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
