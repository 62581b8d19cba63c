/**
 * Rows of a file held against the entries there are, in sets. An entry is known by its setpoint, one without by its
 * readback and config together. Only what the file says is compared and changed (`FileSays`).
 */
import type { CatalogueEntry, EntryField } from '../../contracts/catalogue.ts';
import type { FileSays, RefusedRow } from '../port.ts';
import type { Session } from './database.ts';
import { readEntries } from './entry-reads.ts';
import { forever } from './revisions.ts';

/** Of a large change the audit log keeps this many entries whole. */
export const firstEntries = 100;
const mostListed = 1_000;

/** `import_match`: rows with an entry; after settleMatches those that edit theirs. `import_had`: lists of tags as entries have them, in groups that the file names, and others. */
export const matchTables = `
  create temp table import_match (at int4 not null, version int4 not null, entry_id uuid not null, entries int4 not null, same bool not null) on commit drop;
  create temp table import_refused (at int4 not null, earlier int4, version int4, entries int4 not null) on commit drop;
  create temp table import_had (tags uuid[] not null, told uuid[] not null, other uuid[] not null) on commit drop;`;

/** Columns of entry_version and of import_row. The setpoint is what an entry is known by: it never differs. */
const columns: Readonly<Record<Exclude<EntryField, 'setpointAddress'>, readonly [version: string, row: string]>> = {
  readbackAddress: ['readback_name', 'readback'],
  configAddress: ['config_name', 'config'],
  device: ['device', 'device'],
  description: ['description', 'description'],
  absTolerance: ['abs_tolerance', 'abs_tolerance'],
  relTolerance: ['rel_tolerance', 'rel_tolerance'],
  readOnly: ['read_only', 'read_only'],
};

/** The addresses that a row is known by, as one text; no address holds a blank. */
const key = `coalesce(r.setpoint, ' ' || coalesce(r.readback, '') || ' ' || coalesce(r.config, ''))`;

export async function matchEntries(session: Session, { edit, says }: { edit: boolean; says: FileSays }): Promise<{ refused: number; refusals: RefusedRow[] }> {
  const current = `v.to_revision = ${forever}`;
  await session.rows(
    `create temp table import_pair on commit drop as
     select r.at, v.id as version from import_row r join channel c on c.name = r.setpoint join entry_version v on v.setpoint = c.id and ${current}
     union all
     select r.at, v.id from import_row r join channel c on c.name = r.readback join entry_version v on v.readback = c.id and ${current}
     where r.setpoint is null and v.setpoint is null and v.config_name is not distinct from r.config
     union all
     select r.at, v.id from import_row r join channel c on c.name = r.config join entry_version v on v.config = c.id and ${current}
     where r.setpoint is null and r.readback is null and v.setpoint is null and v.readback is null`,
  );
  await session.rows('analyze import_pair');
  const told = 't.group_id in (select g.id from tag_group g where lower(g.name) in (select lower(x) from unnest($1::text[]) x))';
  await session.rows(
    `insert into import_had
     select d.tags, array(select t.id from tag t where t.id = any(d.tags) and ${told} order by 1),
       array(select t.id from unnest(d.tags) with ordinality u(id, at) join tag t on t.id = u.id where not (${told}) order by u.at)
     from (select distinct v.tags from import_pair p join entry_version v on v.id = p.version) d`,
    [says.groups],
  );
  // Of several entries with the addresses of a row, the one that the row repeats.
  await session.rows(
    `insert into import_match
     with named as (
       select i.tags, array_agg(distinct t.id order by t.id) as ids
       from import_tag i left join tag_group g on lower(g.name) = lower(i.group_name) left join tag t on t.group_id = g.id and lower(t.name) = lower(i.name)
       group by i.tags
     )
     select distinct on (p.at) p.at, v.id, v.entry_id, count(*) over (partition by p.at),
       coalesce(n.ids, '{}') = h.told and not (${[...differing(says), 'false'].join(' or ')}) as same
     from import_pair p join import_row r on r.at = p.at join entry_version v on v.id = p.version join import_had h on h.tags = v.tags left join named n on n.tags = r.tags
     order by p.at, same desc, v.id`,
  );
  await session.rows('analyze import_match');
  await session.rows(
    `insert into import_refused
     with known as (select r.at, r.line, ${key} as key, m.version, m.entries, m.same from import_row r left join import_match m on m.at = r.at),
     twice as (select key, min(at) as first from known group by key having count(*) > 1),
     later as (
       select k.at, f.line as earlier from twice t join known k on k.key = t.key and k.at > t.first join known f on f.at = t.first
       -- What the catalogue has already is no fault, unless the earlier line is about to change it.
       where not coalesce(k.same, false) or ($1 and k.entries = 1 and not f.same)
     )
     select at, earlier, null, 0 from later
     union all
     select at, null, version, entries from known where not same and (not $1 or entries > 1) and not exists (select from later l where l.at = known.at)`,
    [edit],
  );
  const refusals = await session.rows<RefusedRow & { all: bigint }>(
    `select r.line, r.setpoint, r.readback, r.config, x.earlier, x.entries, count(*) over () as all,
       case when x.version is not null then json_build_object('was', ${toldOf('v', tagsHad)}, 'is', ${toldOf('r', tagsNamed)}) end as differs
     from import_refused x join import_row r on r.at = x.at left join entry_version v on v.id = x.version left join import_had h on h.tags = v.tags
     order by x.at limit ${mostListed}`,
  );
  if (refusals.length > 0) {
    await session.rows('delete from import_row r using import_refused x where x.at = r.at');
    await session.rows('delete from import_match m using import_refused x where x.at = m.at');
  }
  return { refused: Number(refusals[0]?.all ?? 0n), refusals: refusals.map(({ all: _, ...row }) => row) };
}

function differing({ fields }: FileSays): string[] {
  return fields.filter((field) => field !== 'setpointAddress').map((field) => `v.${columns[field][0]} is distinct from r.${columns[field][1]}`);
}

const tagsHad = `array(select json_build_object('group', g.name, 'name', t.name) from tag t join tag_group g on g.id = t.group_id where t.id = any(h.told) order by g.name, t.name)`;
const tagsNamed = `array(select json_build_object('group', x.group_name, 'name', x.name) from (
  select distinct coalesce(g.name, i.group_name) as group_name, coalesce(t.name, i.name) as name from import_tag i left join tag_group g on lower(g.name) = lower(i.group_name) left join tag t on t.group_id = g.id and lower(t.name) = lower(i.name) where i.tags = r.tags) x order by x.group_name, x.name)`;

/** An EntryTold of a version or of a row. */
function toldOf(table: 'v' | 'r', tags: string): string {
  const fields = Object.entries(columns).map(([field, [version, row]]) => `'${field}', ${table}.${table === 'v' ? version : row}`);
  return `json_build_object('setpointAddress', ${table}.${table === 'v' ? 'setpoint_name' : 'setpoint'}, ${fields.join(', ')}, 'tags', ${tags})`;
}

/** Leaves the rows that are to be made or to edit an entry. */
export async function settleMatches(session: Session): Promise<{ unchanged: number; edited: number }> {
  const [counts] = await session.rows<{ unchanged: bigint; edited: bigint }>('select count(*) filter (where same) as unchanged, count(*) filter (where not same) as edited from import_match');
  if (counts!.unchanged > 0n) {
    await session.rows('delete from import_row r using import_match m where m.at = r.at and m.same');
    await session.rows('delete from import_match where same');
  }
  return { unchanged: Number(counts!.unchanged), edited: Number(counts!.edited) };
}

export async function editedIds(session: Session): Promise<string[]> {
  return (await session.rows<{ id: string }>(`select entry_id as id from import_match order by at limit ${firstEntries}`)).map(({ id }) => id);
}

export const editedBefore = async (session: Session): Promise<CatalogueEntry[]> => readEntries(session, await editedIds(session));

/** Closes the versions that are edited and adds the next ones, as any edit does (S2). */
export async function editEntries(session: Session, revision: number, { fields }: FileSays): Promise<number> {
  await session.rows('update entry_version v set to_revision = $1 from import_match m where v.id = m.version', [revision]);
  const next = (field: keyof typeof columns): string => (fields.includes(field) ? `r.${columns[field][1]}` : `v.${columns[field][0]}`);
  const channel = (field: 'readbackAddress' | 'configAddress', of: string, column: string): string => (fields.includes(field) ? `${of}.id` : `v.${column}`);
  const edited = await session.rows<{ edited: bigint }>(
    `with edited as (
       insert into entry_version (entry_id, from_revision, setpoint, readback, config, setpoint_name, readback_name, config_name,
         device, description, abs_tolerance, rel_tolerance, read_only, tags, tag_names, created_at, modified_at)
       select v.entry_id, $1, v.setpoint, ${channel('readbackAddress', 'b', 'readback')}, ${channel('configAddress', 'c', 'config')}, v.setpoint_name, ${next('readbackAddress')}, ${next('configAddress')},
         ${next('device')}, ${next('description')}, ${next('absTolerance')}, ${next('relTolerance')}, ${next('readOnly')},
         h.other || coalesce(t.ids, '{}'), array(select o.name from unnest(h.other) with ordinality u(id, at) join tag o on o.id = u.id order by u.at) || coalesce(t.names, '{}'), v.created_at, now()
       from import_match m join import_row r on r.at = m.at join entry_version v on v.id = m.version join import_had h on h.tags = v.tags
       left join import_tagged t on t.tags = r.tags left join channel b on b.name = r.readback left join channel c on c.name = r.config
       returning 1
     ) select count(*) as edited from edited`,
    [revision],
  );
  return Number(edited[0]!.edited);
}

