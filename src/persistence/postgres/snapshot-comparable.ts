/** Several snapshots side by side as columns, where SQL cannot narrow them down: against live values, more than two, or every row. */
import type { CompareOptions, Comparable } from '../port.ts';
import type { Database, Session } from './database.ts';
import { entryFilterCondition } from './entry-filter.ts';
import type { MetaTable } from './metas.ts';
import { unpackInts } from './packed.ts';
import { readSnapshot, type SnapshotRow } from './snapshot-rows.ts';
import { nameRoles, rolesThen } from './snapshot-roles.ts';
import { readValues } from './snapshot-values.ts';

export async function readComparable(database: Database, metas: MetaTable, ids: readonly string[], options: CompareOptions = {}): Promise<Comparable> {
  const snapshots: SnapshotRow[] = [];
  for (const id of ids) snapshots.push(await readSnapshot(database, id));
  const [packed, ...columns] = await Promise.all([readRoles(database, snapshots, options), ...snapshots.map((snapshot) => readValues(database, snapshot))]);
  const hashes = new Set<bigint>();
  for (const one of columns) for (const hash of one.metaHash) hashes.add(hash);
  const { versions, roles, ...rest } = packed;
  return {
    ...rest,
    columns,
    metas: await metas.read(hashes),
    name: (rows) => nameRoles(database, Int32Array.from(rows, (row) => versions[row]!), Int32Array.from(rows, (row) => roles[row]!)),
  };
}

function readRoles(database: Database, snapshots: readonly SnapshotRow[], { filter = {}, tolerance, ordered }: CompareOptions) {
  const values: unknown[] = [];
  const conditions = entryFilterCondition(filter, values, 'v.');
  const [first, ...others] = snapshots;
  const adding = others.filter((other) => !(first!.whole && other.catalogue_revision === first!.catalogue_revision));
  // An entry's channel counts once, with what the earliest of the snapshots given says of it.
  const all = [first!, ...adding].map((snapshot, rank) => `select r.*, ${rank} as rank from (${rolesThen(snapshot, conditions, tolerance)}) r`).join(' union all ');
  const once = adding.length === 0 ? all : `select distinct on (entry_id, role, channel) * from (${all}) every order by entry_id, role, channel, rank`;
  const order = ordered ? 'order by c.name, x.role, x.id' : '';
  return database.transaction(async (session: Session) => {
    const [found] = await session.rows<Record<'versions' | 'roles' | 'channels' | 'abs' | 'rel', Buffer | null>>(
      `select string_agg(int4send(x.id), ''::bytea ${order}) as versions, string_agg(int4send(x.role), ''::bytea ${order}) as roles,
         string_agg(int4send(x.channel), ''::bytea ${order}) as channels,
         string_agg(float8send(x.abs_tolerance), ''::bytea ${order}) as abs, string_agg(float8send(x.rel_tolerance), ''::bytea ${order}) as rel
       from (${once}) x ${ordered ? 'join channel c on c.id = x.channel' : ''}`,
      values,
    );
    return { versions: unpackInts(found!.versions), roles: unpackInts(found!.roles), channel: unpackInts(found!.channels), abs: unpackDoubles(found!.abs), rel: unpackDoubles(found!.rel) };
  }, 'steady');
}

function unpackDoubles(packed: Buffer | null): Float64Array {
  const numbers = new Float64Array((packed?.length ?? 0) / 8);
  for (let i = 0; i < numbers.length; i++) numbers[i] = packed!.readDoubleBE(i * 8);
  return numbers;
}
