/** The stored rows of a snapshot as columns. */
import type { ValueColumns } from '../../contracts/values.ts';
import { copyRows } from './copy-out.ts';
import type { Database } from './database.ts';
import { intArray } from './packed.ts';
import { createValueDecoder } from './value-decoder.ts';
import { readColumnList } from './value-layout.ts';

/** Ascending by channel. `channels`: only these; those that the snapshot lacks are left out. */
export async function readValues(database: Database, snapshot: { number: number; pv_count: number }, channels?: Int32Array): Promise<ValueColumns> {
  const few = channels !== undefined && channels.length < snapshot.pv_count ? channels : undefined;
  const decoder = createValueDecoder(few?.length ?? snapshot.pv_count);
  // By the key's index, which is as quick as any other way, while workers of their own would mix the rows up:
  // to sort them, here or there, takes half as long as to read them.
  const inOrder = 'set local max_parallel_workers_per_gather = 0; set local enable_sort = off';
  // COPY takes no parameters; what is put in are numbers of our own.
  const only = few === undefined ? '' : ` and channel = any('${intArray(few)}'::int4[])`;
  await copyRows(database, `${inOrder}; copy (select ${readColumnList} from snapshot_value where snapshot = ${snapshot.number}${only} order by channel) to stdout (format binary)`, decoder.row);
  return decoder.columns();
}
