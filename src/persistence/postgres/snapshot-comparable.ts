/** Several snapshots side by side as columns, for the rule of snapshots/compare.ts. */
import { distinctHashes } from '../../contracts/values.ts';
import type { Comparable, CompareOptions, EntryFilter, NamedRole } from '../port.ts';
import type { EntryThen } from './catalogue-then.ts';
import type { Database, Session } from './database.ts';
import { entryFilterCondition } from './entry-filter.ts';
import { unpackDoubles, unpackInts } from './packed.ts';
import type { SnapshotReaders } from './snapshot-page.ts';
import { readSnapshot, type SnapshotRow } from './snapshot-rows.ts';
import { nameRoles, roleNames, rolesThen } from './snapshot-roles.ts';

/** A row per channel of each entry; `name` says what stands behind some of them. */
interface Roles {
  readonly channel: Int32Array;
  readonly abs: Float64Array;
  readonly rel: Float64Array;
  name(rows: readonly number[]): Promise<NamedRole[]>;
}

export type ReadComparable = (ids: readonly string[], options?: CompareOptions) => Promise<Comparable>;

export function createComparable({ database, catalogueThen, keptValues, metas }: SnapshotReaders): ReadComparable {
  // A live view compares with the same snapshot again and again.
  const kept = new WeakMap<readonly EntryThen[], Roles>();

  const rolesOf = async (snapshots: readonly SnapshotRow[], filter: EntryFilter): Promise<Roles> => {
    const [{ catalogue_revision: revision, whole }] = snapshots as [SnapshotRow];
    const plain = whole && Object.keys(filter).length === 0 && snapshots.every((one) => one.catalogue_revision === revision);
    if (!plain) return readRoles(database, snapshots, filter);
    const entries = await catalogueThen(revision);
    let roles = kept.get(entries);
    if (roles === undefined) kept.set(entries, (roles = rolesOfAll(entries)));
    return roles;
  };

  return async (ids, { filter = {}, tolerance = {} } = {}) => {
    const snapshots = await Promise.all(ids.map((id) => readSnapshot(database, id)));
    const [roles, ...columns] = await Promise.all([rolesOf(snapshots, filter), ...snapshots.map(keptValues)]);
    return {
      channel: roles.channel,
      abs: tolerance.abs === undefined ? roles.abs : roles.abs.map(() => tolerance.abs!),
      rel: tolerance.rel === undefined ? roles.rel : roles.rel.map(() => tolerance.rel!),
      columns,
      metas: await metas.read(columns.flatMap((one) => distinctHashes(one.metaHash))),
      name: roles.name,
    };
  };
}

function rolesOfAll(entries: readonly EntryThen[]): Roles {
  const count = entries.reduce((sum, { setpoint, readback, config }) => sum + Number(setpoint !== null) + Number(readback !== null) + Number(config !== null), 0);
  const [at, role, channel] = [new Int32Array(count), new Uint8Array(count), new Int32Array(count)];
  const [abs, rel] = [new Float64Array(count), new Float64Array(count)];
  let row = 0;
  entries.forEach((entry, index) => {
    for (let one = 0; one < roleNames.length; one++) {
      const id = entry[roleNames[one]!];
      if (id === null) continue;
      at[row] = index;
      role[row] = one;
      channel[row] = id;
      abs[row] = entry.abs_tolerance;
      rel[row] = entry.rel_tolerance;
      row += 1;
    }
  });
  const nameOf = (one: number): NamedRole => {
    const entry = entries[at[one]!]!;
    const name = roleNames[role[one]!]!;
    return { entryId: entry.entry_id, role: name, name: entry[`${name}_name`]! };
  };
  return { channel, abs, rel, name: (rows) => Promise.resolve(rows.map(nameOf)) };
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
    const [versions, roles] = [unpackInts(found!.versions), unpackInts(found!.roles)];
    return {
      channel: unpackInts(found!.channels),
      abs: unpackDoubles(found!.abs),
      rel: unpackDoubles(found!.rel),
      name: (rows) => nameRoles(database, Int32Array.from(rows, (row) => versions[row]!), Int32Array.from(rows, (row) => roles[row]!)),
    };
  }, 'steady');
}
