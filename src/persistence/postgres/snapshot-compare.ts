/**
 * Two snapshots, told apart where they lie. SQL leaves out the pairs of rows that are certainly the
 * same by the rule of snapshots/compare.ts; the rule itself then decides what is left, arrays and
 * enums of other labels among it. A property test holds SQL to leaving out none that differs.
 */
import { compareRows } from '../../snapshots/compare.ts';
import { ReadOutcome, ValueKind } from '../../contracts/values.ts';
import type { ComparedRow, CompareOptions, SnapshotStore } from '../port.ts';
import type { Database } from './database.ts';
import { entryFilterCondition } from './entry-filter.ts';
import type { MetaTable } from './metas.ts';
import { indexIn, unpackInts } from './packed.ts';
import { readSnapshot, type SnapshotRow } from './snapshot-rows.ts';
import { nameRoles, rolesThen } from './snapshot-roles.ts';
import { readValues } from './snapshot-values.ts';

const { ok } = ReadOutcome;

/** Outside of these Postgres would raise overflow or underflow where IEEE arithmetic goes on; such pairs are left to the rule. */
const tame = (value: string): string => `${value} between 1e-140 and 1e140`;
const larger = 'greatest(abs(a.num), abs(b.num))';
const { text, enum: choice } = ValueKind;

/** Of a pair of rows `a` and `b`: -2 = no value on both sides, -1 = the same whatever the tolerance, |a-b| where numbers decide, infinity = ask the rule. */
const distance = `case
  when a.outcome = ${ok} and b.outcome = ${ok} and a.kind not in (${text}, ${choice}) and b.kind not in (${text}, ${choice})
      and a.arr is null and b.arr is null and a.txt is null and b.txt is null then
    case when a.num = b.num then -1::float8 when ${tame(larger)} then abs(a.num - b.num) else 'infinity'::float8 end
  when a.outcome is distinct from ${ok} and b.outcome is distinct from ${ok} then -2::float8
  when a.outcome = ${ok} and b.outcome = ${ok} and a.kind = b.kind and a.arr is not distinct from b.arr and a.txt is not distinct from b.txt
      and a.num is not distinct from b.num and (a.kind <> ${choice} or a.meta_hash is not distinct from b.meta_hash) then -1::float8
  else 'infinity'::float8
end`;

/** Certainly the same: numbers by the very arithmetic of sameNumber(). */
const certainlySame = `(p.distance < 0
  or (e.abs_tolerance > 0 and p.distance <= e.abs_tolerance + '${2 * Number.EPSILON}'::float8 * p.larger)
  or (case when ${tame('e.rel_tolerance')} then p.distance <= e.rel_tolerance * p.larger else false end))`;

const valuesOf = (snapshot: number): string => `(select * from snapshot_value where snapshot = ${snapshot})`;

export async function compareSnapshots(database: Database, metas: MetaTable, idA: string, idB: string, options: CompareOptions = {}): ReturnType<SnapshotStore['compare']> {
  const [snapshotA, snapshotB] = await Promise.all([readSnapshot(database, idA), readSnapshot(database, idB)]);
  const found = await readCandidates(database, snapshotA, snapshotB, options);
  const channels = Int32Array.from(new Set(found.channels)).sort();
  const [named, columnsA, columnsB] = await Promise.all([nameRoles(database, found.versions, found.roles), readValues(database, snapshotA, channels), readValues(database, snapshotB, channels)]);
  const { abs: absWanted, rel: relWanted } = options.tolerance ?? {};
  const candidates = named.map((role, i) => ({ ...role, channel: found.channels[i]!, abs: absWanted ?? role.abs, rel: relWanted ?? role.rel }));
  candidates.sort((x, y) => (x.name < y.name ? -1 : x.name > y.name ? 1 : 0));
  const known = await metas.read([...columnsA.metaHash, ...columnsB.metaHash]);
  const metaOf = known.get.bind(known);
  const differences: ComparedRow[] = [];
  for (const { entryId, role, name, channel, abs, rel } of candidates) {
    const rowA = indexIn(columnsA.channel, channel);
    const rowB = indexIn(columnsB.channel, channel);
    const verdict = compareRows(columnsA, rowA, columnsB, rowB, { abs, rel }, metaOf);
    // SQL has counted those without any value, and leaves none of them to the rule.
    if (verdict !== 'same' && verdict !== 'missing') differences.push({ entryId, role, name, rowA, rowB, verdict, abs, rel });
  }
  return { differences, columnsA, columnsB, matchCount: found.total - found.missing - differences.length, differenceCount: differences.length, missingCount: found.missing, metas: known };
}

interface Candidates {
  readonly total: number;
  readonly missing: number;
  /** Ids of entry_version, indices of roleNames, channels: one of each per pair. */
  readonly versions: Int32Array;
  readonly roles: Int32Array;
  readonly channels: Int32Array;
}

/** Pairs compared in all, and those that may differ. Entries and tolerances are those of the first snapshot, then those that only the second knew. */
function readCandidates(database: Database, a: SnapshotRow, b: SnapshotRow, { filter = {}, tolerance }: CompareOptions): Promise<Candidates> {
  const values: unknown[] = [];
  const conditions = entryFilterCondition(filter, values, 'v.');
  const [rolesA, rolesB] = [rolesThen(a, conditions, tolerance), rolesThen(b, conditions, tolerance)];
  // What the first took whole, of the same catalogue, the second cannot add to.
  const onlyInB = a.catalogue_revision === b.catalogue_revision && a.whole
    ? ''
    : `union all select * from (${rolesB}) o where not exists (
         select from (${rolesA}) f where f.entry_id = o.entry_id and f.role = o.role and f.channel = o.channel)`;
  return database.transaction(async (session) => {
    // Without statistics of a fresh partition the planner expects few rows, and would look each one up.
    await session.rows(`select set_config('enable_nestloop', 'off', true), set_config('work_mem', '64MB', true)`);
    const [found] = await session.rows<{ total: bigint; missing: bigint; versions: Buffer | null; roles: Buffer | null; channels: Buffer | null }>(
      // Materialised, so that texts and arrays are not carried into the second join.
      `with p as materialized (
         select coalesce(a.channel, b.channel) as channel, ${distance} as distance, case when ${tame(larger)} then ${larger} else 0 end as larger
         from ${valuesOf(a.number)} a full join ${valuesOf(b.number)} b on b.channel = a.channel
       ),
       compared as (
         select e.id, e.role, e.channel, p.distance = -2 as missing, ${certainlySame} as same
         from (${rolesA} ${onlyInB}) e join p on p.channel = e.channel
       )
       select count(*) as total, count(*) filter (where missing) as missing,
         string_agg(int4send(id), ''::bytea) filter (where same is not true) as versions,
         string_agg(int4send(role), ''::bytea) filter (where same is not true) as roles,
         string_agg(int4send(channel), ''::bytea) filter (where same is not true) as channels
       from compared`,
      values,
    );
    return { total: Number(found!.total), missing: Number(found!.missing), versions: unpackInts(found!.versions), roles: unpackInts(found!.roles), channels: unpackInts(found!.channels) };
  }, 'steady');
}
