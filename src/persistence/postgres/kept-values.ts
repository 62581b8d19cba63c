/** The values of the snapshots read last. They never change (S2), and people look at the same few: one page after the other, and against the machine again and again. */
import type { ValueColumns } from '../../contracts/values.ts';
import type { Database } from './database.ts';
import { readValues } from './snapshot-values.ts';

interface Stored {
  readonly number: number;
  readonly pv_count: number;
}

/** All rows of a snapshot, which must not be changed. */
export type KeptValues = (snapshot: Stored) => Promise<ValueColumns>;

const mostBytes = 32 * 2 ** 20;

export function createKeptValues(database: Database, atMost = mostBytes): KeptValues {
  // Least recently used first. A number is never given twice, so what is deleted is only never asked for again.
  const kept = new Map<number, { readonly columns: ValueColumns; readonly bytes: number }>();
  const coming = new Map<number, Promise<ValueColumns>>();
  let bytes = 0;

  const forget = (number: number): void => {
    bytes -= kept.get(number)?.bytes ?? 0;
    kept.delete(number);
  };
  const keep = (number: number, columns: ValueColumns): void => {
    const size = bytesOf(columns);
    if (size > atMost / 2) return;
    forget(number);
    kept.set(number, { columns, bytes: size });
    bytes += size;
    for (const oldest of kept.keys()) {
      if (bytes <= atMost) break;
      forget(oldest);
    }
  };
  const read = async (snapshot: Stored): Promise<ValueColumns> => {
    try {
      const columns = await readValues(database, snapshot);
      keep(snapshot.number, columns);
      return columns;
    } finally {
      coming.delete(snapshot.number);
    }
  };

  return (snapshot) => {
    const known = kept.get(snapshot.number);
    if (known !== undefined) {
      kept.delete(snapshot.number);
      kept.set(snapshot.number, known);
      return Promise.resolve(known.columns);
    }
    let reading = coming.get(snapshot.number);
    if (reading === undefined) coming.set(snapshot.number, (reading = read(snapshot)));
    return reading;
  };
}

/** Columns, and what texts and arrays take beside their bytes. */
function bytesOf({ length, text, bytes }: ValueColumns): number {
  let size = length * 40;
  for (const value of text.values()) size += 64 + value.length * 2;
  for (const value of bytes.values()) size += 200 + value.byteLength;
  return size;
}
