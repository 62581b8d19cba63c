/**
 * Two snapshots, told apart where they lie. SQL leaves out the pairs of rows that are certainly the
 * same by the rule of snapshots/compare.ts; the rule itself then decides the few that are left,
 * arrays and enums of other labels among them. A property test holds SQL to leaving out none that differs.
 */
import { compareRows } from '../../snapshots/compare.ts';
import { ValueKind } from '../../contracts/values.ts';
import type { ComparedRow, SnapshotStore } from '../port.ts';
import type { Database } from './database.ts';
import type { MetaTable } from './metas.ts';
import { indexIn, intArray, unpackInts } from './packed.ts';
import { entriesThen } from './snapshot-page.ts';
import { readSnapshot } from './snapshot-rows.ts';
import { readValues } from './snapshot-values.ts';

const roles = ['setpoint', 'readback', 'config'] as const;

/** Outside of these Postgres would raise overflow or underflow where IEEE arithmetic goes on; such pairs are left to the rule. */
const tame = (value: string): string => `${value} between 1e-140 and 1e140`;
const twoUlp = 2 * Number.EPSILON;

/** S3: certainly the same. `a` and `b` are rows of snapshot_value, `e` has the tolerances. */
export const certainlySame = `case
  when a.outcome is distinct from 1 or b.outcome is distinct from 1 then a.outcome is distinct from 1 and b.outcome is distinct from 1
  when a.kind = ${ValueKind.text} or b.kind = ${ValueKind.text} then a.kind = b.kind and a.arr is not distinct from b.arr and (a.arr is not null or coalesce(a.txt, '') = coalesce(b.txt, ''))
  when a.arr is not null or b.arr is not null then a.kind = b.kind and a.arr = b.arr
  when a.kind = ${ValueKind.enum} and b.kind = ${ValueKind.enum} then a.num = b.num and a.meta_hash is not distinct from b.meta_hash
  when a.txt is not null and b.txt is not null and a.kind in (${ValueKind.int64}, ${ValueKind.uint64}) and b.kind in (${ValueKind.int64}, ${ValueKind.uint64}) then a.txt = b.txt
  when a.num = b.num then true
  when ${tame('greatest(abs(a.num), abs(b.num))')} then
    (case when ${tame('e.abs_tolerance')} then abs(a.num - b.num) <= e.abs_tolerance + ${twoUlp} * greatest(abs(a.num), abs(b.num)) else false end)
    or (case when ${tame('e.rel_tolerance')} then abs(a.num - b.num) <= e.rel_tolerance * greatest(abs(a.num), abs(b.num)) else false end)
  else false
end`;

const rolesOf = (source: string): string => `select v.id, v.entry_id, r.role, r.channel, v.abs_tolerance, v.rel_tolerance
  from ${source} cross join lateral (values (0, v.setpoint), (1, v.readback), (2, v.config)) r(role, channel) where r.channel is not null`;

export async function compareSnapshots(database: Database, metas: MetaTable, idA: string, idB: string): ReturnType<SnapshotStore['compare']> {
  const [snapshotA, snapshotB] = [await readSnapshot(database, idA), await readSnapshot(database, idB)];
  const { total, candidates } = await readCandidates(database, snapshotA.number, snapshotB.number);
  const channels = Int32Array.from(new Set(candidates.map((one) => one.channel))).sort();
  const [columnsA, columnsB] = await Promise.all([readValues(database, snapshotA, channels), readValues(database, snapshotB, channels)]);
  const known = await metas.read([...columnsA.metaHash, ...columnsB.metaHash]);
  const metaOf = known.get.bind(known);
  const differences: ComparedRow[] = [];
  for (const { entryId, role, name, channel, abs, rel } of candidates) {
    const rowA = indexIn(columnsA.channel, channel);
    const rowB = indexIn(columnsB.channel, channel);
    if (compareRows(columnsA, rowA, columnsB, rowB, { abs, rel }, metaOf) !== 'same') differences.push({ entryId, role, name, rowA, rowB });
  }
  return { differences, columnsA, columnsB, matchCount: total - differences.length, differenceCount: differences.length, metas: known };
}

interface Candidate {
  readonly entryId: string;
  readonly role: (typeof roles)[number];
  readonly name: string;
  readonly channel: number;
  readonly abs: number;
  readonly rel: number;
}

/** Pairs compared in all, and those that may differ, by name. Entries and tolerances are those of the first snapshot, then those that only the second knew. */
async function readCandidates(database: Database, a: number, b: number): Promise<{ total: number; candidates: Candidate[] }> {
  return database.transaction(async (session) => {
    // Without statistics of a fresh partition the planner expects few rows, and would look each one up.
    await session.rows('set local enable_nestloop = off');
    const [found] = await session.rows<{ total: bigint; versions: Buffer | null; roles: Buffer | null; channels: Buffer | null }>(
      `with first as materialized (${rolesOf(entriesThen)} and s.number = $1),
       other as materialized (${rolesOf(entriesThen)} and s.number = $2
         and not exists (select from snapshot x, snapshot y where x.number = $1 and y.number = $2 and x.catalogue_revision = y.catalogue_revision and x.entry_ids is null)),
       e as (
         select * from first
         union all
         select o.* from other o where not exists (select from first f where f.entry_id = o.entry_id and f.role = o.role and f.channel = o.channel)
       ),
       pair as (
         select e.id, e.role, e.channel, ${certainlySame} as same
         from e left join snapshot_value a on a.snapshot = $1 and a.channel = e.channel left join snapshot_value b on b.snapshot = $2 and b.channel = e.channel
         where a.channel is not null or b.channel is not null
       )
       select count(*) as total,
         string_agg(int4send(id), ''::bytea) filter (where same is not true) as versions,
         string_agg(int4send(role), ''::bytea) filter (where same is not true) as roles,
         string_agg(int4send(channel), ''::bytea) filter (where same is not true) as channels
       from pair`,
      [a, b],
    );
    const versions = unpackInts(found!.versions);
    const entries = await session.rows<{ id: number; entry_id: string; abs_tolerance: number; rel_tolerance: number; setpoint_name: string; readback_name: string; config_name: string }>(
      'select id, entry_id, abs_tolerance, rel_tolerance, setpoint_name, readback_name, config_name from entry_version where id = any($1::int4[])',
      [intArray([...new Set(versions)])],
    );
    const byId = new Map(entries.map((entry) => [entry.id, entry]));
    const roleOf = unpackInts(found!.roles);
    const candidates = Array.from(unpackInts(found!.channels), (channel, i): Candidate => {
      const entry = byId.get(versions[i]!)!;
      const role = roles[roleOf[i]!]!;
      return { entryId: entry.entry_id, role, name: entry[`${role}_name`], channel, abs: entry.abs_tolerance, rel: entry.rel_tolerance };
    });
    candidates.sort((x, y) => (x.name < y.name ? -1 : x.name > y.name ? 1 : 0));
    return { total: Number(found!.total), candidates };
  }, 'steady');
}
