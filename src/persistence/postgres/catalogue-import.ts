/**
 * Catalogue entries from a file of any length. Rows go into a table of the transaction's own as they come, and
 * the database holds them against each other and against the catalogue: nothing here grows with the file. Whatever
 * ends before the commit leaves nothing (D1).
 */
import type { CatalogueImport, FileSays, ImportRow, TagGroupUse } from '../port.ts';
import { editEntries, editedBefore, editedIds, firstEntries, matchEntries, matchTables, settleMatches } from './catalogue-matches.ts';
import { copyIn } from './copy-in.ts';
import { sessionOn, type Database, type Session } from './database.ts';
import { readEntries } from './entry-reads.ts';
import { databaseFault } from './faults.ts';
import { nextCatalogueRevision, publishRevision } from './revisions.ts';
import type { Turns } from './turns.ts';
import { newUuid } from './uuid.ts';

/** A file comes as slowly as its sender, and a million entries take longer than other statements. */
const statementWithinMs = 15 * 60_000;
const mostNewTagsNamed = 20;

const tables = `
  create temp table import_row (at int4 not null, line int4 not null, id uuid not null, setpoint text collate "C", readback text collate "C", config text collate "C",
    device text not null, description text not null, abs_tolerance float8 not null, rel_tolerance float8 not null, read_only bool not null, tags text) on commit drop;
  create temp table import_tag (tags text, group_name text, name text, place int8) on commit drop;
  ${matchTables}`;

export async function beginImport({ database, turns }: { database: Database; turns: Turns }): Promise<CatalogueImport> {
  const leave = await turns.take();
  const lease = await database.connect().catch((error: unknown) => {
    leave();
    throw error;
  });
  const { client } = lease;
  const session = sessionOn(client);
  let open = true;
  let at = 0;
  let says: FileSays = { fields: [], groups: [] };
  const end = (broken?: unknown): void => {
    if (!open) return;
    open = false;
    lease.release(broken);
    leave();
  };
  /** Ending the connection undoes all of it, in whatever state it is. */
  const guarded = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      end(error);
      throw databaseFault(error);
    }
  };

  const copy = await guarded(async () => {
    await client.query(`begin; set local statement_timeout = ${statementWithinMs}; ${tables}`);
    return copyIn(client, 'copy import_row from stdin');
  });
  copy.failure.catch(end);
  let copying = true;

  return {
    add: (rows) => guarded(() => copy.write([Buffer.from(rows.map((row) => copyLine(at++, row)).join(''))])),

    check: ({ forGood, edit, says: told }) => guarded(async () => {
      await copy.finish();
      copying = false;
      says = told;
      // Whoever else changes the catalogue waits from here on, so what is found free stays so until the commit.
      if (forGood) await nextCatalogueRevision(session);
      await session.rows('analyze import_row');
      await readTagCells(session);
      const { refused, refusals } = await matchEntries(session, { edit, says });
      if (refused > 0) await session.rows('delete from import_tag i where not exists (select from import_row r where r.tags = i.tags)');
      const tagGroups = await groupsUsed(session);
      const [row] = await session.rows<{ rows: bigint }>('select count(*) as rows from import_row');
      return { rows: Number(row!.rows), ...(await settleMatches(session)), refused, refusals, tagGroups };
    }),

    commit: () => guarded(async () => {
      const revision = await nextCatalogueRevision(session);
      const before = await editedBefore(session);
      await makeTags(session);
      await makeChannels(session);
      const edited = await editEntries(session, revision, says);
      const made = await makeEntries(session, revision);
      const changed = made + edited > 0;
      if (changed) await publishRevision(session, 'catalogue');
      const ids = await session.rows<{ id: string }>(`select id from import_row where at not in (select at from import_match) order by at limit ${firstEntries}`);
      const first = await readEntries(session, ids.map(({ id }) => id));
      const after = await readEntries(session, await editedIds(session));
      await client.query('commit');
      end();
      return { registered: made, revision: changed ? revision : revision - 1, first, before, after };
    }),

    abort: async () => {
      if (!open) return;
      if (copying) await copy.abort();
      const broken = await client.query('rollback').then(() => undefined, (error: unknown) => error);
      end(broken);
    },
  };
}

function copyLine(at: number, { line, entry }: ImportRow): string {
  const tagNames = entry.tagNames ?? {};
  return `${at}\t${line}\t${newUuid()}\t${cell(entry.setpointAddress)}\t${cell(entry.readbackAddress)}\t${cell(entry.configAddress)}\t${cell(entry.device)}\t${cell(entry.description)}\t${
    entry.absTolerance}\t${entry.relTolerance}\t${entry.readOnly ? 't' : 'f'}\t${Object.keys(tagNames).length === 0 ? '\\N' : cell(JSON.stringify(tagNames))}\n`;
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
const cell = (text: string | null): string => (text === null ? '\\N' : text.replaceAll(/[\\\t\n\r]/g, (char) => escapes[char]!));

async function readTagCells(session: Session): Promise<void> {
  await session.rows(
    `insert into import_tag
     select s.tags, g.name, t.name, g.at * 1000000 + t.at from (select distinct tags from import_row where tags is not null) s,
       json_each(s.tags::json) with ordinality g(name, list, at), json_array_elements_text(g.list) with ordinality t(name, at)`,
  );
}

/** The groups and tags that rows name, and which of them there are. */
async function groupsUsed(session: Session): Promise<TagGroupUse[]> {
  return session.rows<TagGroupUse>(
    `select coalesce(min(g.name), min(i.group_name)) as name, bool_and(g.id is null) as "isNew", count(distinct lower(i.name))::int4 as tags,
       (count(distinct lower(i.name)) filter (where t.id is null))::int4 as "newTags",
       coalesce((array_agg(distinct i.name) filter (where t.id is null))[1:${mostNewTagsNamed}], '{}') as "firstNewTags"
     from import_tag i left join tag_group g on lower(g.name) = lower(i.group_name) left join tag t on t.group_id = g.id and lower(t.name) = lower(i.name)
     group by lower(i.group_name) order by 1`,
  );
}

async function makeTags(session: Session): Promise<void> {
  await session.rows('insert into tag_group (id, name) select gen_random_uuid(), min(group_name) from import_tag group by lower(group_name) on conflict (lower(name)) do nothing');
  await session.rows(
    `insert into tag (id, group_id, name)
     select gen_random_uuid(), g.id, min(i.name) from import_tag i join tag_group g on lower(g.name) = lower(i.group_name) group by g.id, lower(i.name)
     on conflict (group_id, lower(name)) do nothing`,
  );
  await session.rows(
    `create temp table import_tagged on commit drop as
     select tags, array_agg(id order by place) as ids, array_agg(name order by place) as names from (
       select i.tags, t.id, t.name, min(i.place) as place
       from import_tag i join tag_group g on lower(g.name) = lower(i.group_name) join tag t on t.group_id = g.id and lower(t.name) = lower(i.name)
       group by i.tags, t.id, t.name
     ) one group by tags`,
  );
}

async function makeChannels(session: Session): Promise<void> {
  await session.rows(
    `insert into channel (name)
     select x.name from (
       select setpoint as name, at from import_row union all select readback, at from import_row union all select config, at from import_row
     ) x
     where x.name is not null and not exists (select from channel c where c.name = x.name)
     group by x.name order by min(x.at)
     on conflict (name) do nothing`,
  );
}

async function makeEntries(session: Session, revision: number): Promise<number> {
  const [made] = await session.rows<{ made: bigint }>(
    `with made as (
       insert into entry_version (entry_id, from_revision, setpoint, readback, config, setpoint_name, readback_name, config_name,
         device, description, abs_tolerance, rel_tolerance, read_only, tags, tag_names, created_at, modified_at)
       select r.id, $1, s.id, b.id, c.id, r.setpoint, r.readback, r.config, r.device, r.description, r.abs_tolerance, r.rel_tolerance, r.read_only,
         coalesce(t.ids, '{}'), coalesce(t.names, '{}'), now(), now()
       from import_row r
       left join channel s on s.name = r.setpoint left join channel b on b.name = r.readback left join channel c on c.name = r.config
       left join import_tagged t on t.tags = r.tags
       where not exists (select from import_match m where m.at = r.at)
       returning 1
     ) select count(*) as made from made`,
    [revision],
  );
  return Number(made!.made);
}
