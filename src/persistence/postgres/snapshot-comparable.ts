/** Several snapshots side by side as columns, where SQL cannot narrow them down: against live values, more than two, or every row. */
import type { Comparable, CompareOptions, EntryFilter } from '../port.ts';
import type { Database, Session } from './database.ts';
import { entryFilterCondition } from './entry-filter.ts';
import type { MetaTable } from './metas.ts';
import { unpackDoubles, unpackInts } from './packed.ts';
import { readSnapshot, type SnapshotRow } from './snapshot-rows.ts';
import { nameRoles, rolesThen } from './snapshot-roles.ts';
import { readValues } from './snapshot-values.ts';

interface Roles {
  readonly versions: Int32Array;
  readonly roles: Int32Array;
  readonly channel: Int32Array;
  readonly abs: Float64Array;
  readonly rel: Float64Array;
}

export type ReadComparable = (ids: readonly string[], options?: CompareOptions) => Promise<Comparable>;

export function createComparable(database: Database, metas: MetaTable): ReadComparable {
  // A revision never changes, and most snapshots are of everything: a live view compares with the same one again and again.
  let kept: { revision: number; roles: Roles } | undefined;

  const rolesOf = async (snapshots: readonly SnapshotRow[], filter: EntryFilter): Promise<Roles> => {
    const [{ catalogue_revision: revision, whole }] = snapshots as [SnapshotRow];
    const plain = whole && Object.keys(filter).length === 0 && snapshots.every((one) => one.catalogue_revision === revision);
    if (plain && kept?.revision === revision) return kept.roles;
    const roles = await readRoles(database, snapshots, filter);
    if (plain) kept = { revision, roles };
    return roles;
  };

  return async (ids, { filter = {}, tolerance = {} } = {}) => {
    const snapshots: SnapshotRow[] = [];
    for (const id of ids) snapshots.push(await readSnapshot(database, id));
    const [{ versions, roles, ...then }, ...columns] = await Promise.all([rolesOf(snapshots, filter), ...snapshots.map((snapshot) => readValues(database, snapshot))]);
    const hashes = new Set<bigint>();
    for (const one of columns) for (const hash of one.metaHash) hashes.add(hash);
    return {
      channel: then.channel,
      abs: tolerance.abs === undefined ? then.abs : then.abs.map(() => tolerance.abs!),
      rel: tolerance.rel === undefined ? then.rel : then.rel.map(() => tolerance.rel!),
      columns,
      metas: await metas.read(hashes),
      name: (rows) => nameRoles(database, Int32Array.from(rows, (row) => versions[row]!), Int32Array.from(rows, (row) => roles[row]!)),
    };
  };
}

function readRoles(database: Database, snapshots: readonly SnapshotRow[], filter: EntryFilter): Promise<Roles> {
  const values: unknown[] = [];
  const conditions = entryFilterCondition(filter, values, 'v.');
  const [first, ...others] = snapshots;
  const adding = others.filter((other) => !(first!.whole && other.catalogue_revision === first!.catalogue_revision));
  // An entry's channel counts once, with what the earliest of the snapshots given says of it.
  const all = [first!, ...adding].map((snapshot, rank) => `select r.*, ${rank} as rank from (${rolesThen(snapshot, conditions)}) r`).join(' union all ');
  const once = adding.length === 0 ? all : `select distinct on (entry_id, role, channel) * from (${all}) every order by entry_id, role, channel, rank`;
  return database.transaction(async (session: Session) => {
    const [found] = await session.rows<Record<'versions' | 'roles' | 'channels' | 'abs' | 'rel', Buffer | null>>(
      `select string_agg(int4send(id), ''::bytea) as versions, string_agg(int4send(role), ''::bytea) as roles, string_agg(int4send(channel), ''::bytea) as channels,
         string_agg(float8send(abs_tolerance), ''::bytea) as abs, string_agg(float8send(rel_tolerance), ''::bytea) as rel
       from (${once}) x`,
      values,
    );
    return { versions: unpackInts(found!.versions), roles: unpackInts(found!.roles), channel: unpackInts(found!.channels), abs: unpackDoubles(found!.abs), rel: unpackDoubles(found!.rel) };
  }, 'steady');
}
