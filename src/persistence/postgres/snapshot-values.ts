/** The stored rows of a snapshot as columns. */
import type { ValueColumns } from '../../contracts/values.ts';
import { copyOut } from './copy.ts';
import type { Database } from './database.ts';
import { databaseFault } from './faults.ts';
import { intArray } from './packed.ts';
import { createValueDecoder } from './value-decoder.ts';
import { valueColumnList } from './value-layout.ts';

/** Ascending by channel. `channels`: only these; those that the snapshot lacks are left out. */
export async function readValues(database: Database, snapshot: { number: number; pv_count: number }, channels?: Int32Array): Promise<ValueColumns> {
  const few = channels !== undefined && channels.length < snapshot.pv_count ? channels : undefined;
  const decoder = createValueDecoder(few?.length ?? snapshot.pv_count);
  const { client, release } = await database.connect();
  let broken: unknown;
  try {
    // COPY takes no parameters; what is put in are numbers of our own.
    const only = few === undefined ? '' : ` and channel = any('${intArray(few)}'::int4[])`;
    await copyOut(client, `copy (select ${valueColumnList} from snapshot_value where snapshot = ${snapshot.number}${only}) to stdout (format binary)`, decoder.message);
  } catch (error) {
    broken = error;
    throw databaseFault(error);
  } finally {
    release(broken);
  }
  return decoder.columns();
}
