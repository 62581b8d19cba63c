/**
 * Changes of the catalogue. Each makes one revision: it closes the versions it changes and adds new
 * ones, and deletes nothing, so what a snapshot was taken of stays readable (S2).
 */
import type { CatalogueEntry, CatalogueEntryEdit, NewCatalogueEntry } from '../../contracts/catalogue.ts';
import { DreyError } from '../../contracts/errors.ts';
import type { Session } from './database.ts';
import { readEntries, readEntry } from './entry-reads.ts';
import { forever, nextCatalogueRevision, publishRevision } from './revisions.ts';
import { checkTags, ensureTags, readTags } from './tag-table.ts';
import { isUuid, newUuid } from './uuid.ts';

/** What an entry's next version holds. */
type Draft = Omit<CatalogueEntry, 'tags' | 'createdDate' | 'lastModifiedDate'> & { readonly tags: readonly string[]; readonly createdDate: string | null };

export async function createEntries(session: Session, entries: readonly NewCatalogueEntry[]): Promise<{ entries: CatalogueEntry[]; revision: number }> {
  const revision = await nextCatalogueRevision(session);
  if (entries.length === 0) return { entries: [], revision: revision - 1 };
  await ensureTags(session, namedTags(entries));
  const tags = await readTags(session);
  checkTags(entries.flatMap((entry) => entry.tags), tags);
  const byName = new Map([...tags.values()].map((tag) => [tagKey(tag.groupName, tag.name), tag.id]));
  const drafts = entries.map((entry): Draft => {
    const named = Object.entries(entry.tagNames ?? {}).flatMap(([group, names]) => names.map((name) => byName.get(tagKey(group, name)) ?? lostTag(group, name)));
    return { ...entry, id: newUuid(), createdDate: null, tags: [...new Set([...entry.tags.map((id) => id.toLowerCase()), ...named])] };
  });
  await checkSetpointsFree(session, drafts);
  await insertVersions(session, revision, drafts);
  await publishRevision(session, 'catalogue');
  const made = new Map((await readEntries(session, drafts.map((draft) => draft.id))).map((entry) => [entry.id, entry]));
  return { entries: drafts.map((draft) => made.get(draft.id)!), revision };
}

export async function editEntry(session: Session, id: string, edit: CatalogueEntryEdit): Promise<{ before: CatalogueEntry; after: CatalogueEntry; revision: number }> {
  const revision = await nextCatalogueRevision(session);
  const before = await readEntry(session, id);
  const current: Draft = { ...before, tags: before.tags.map((tag) => tag.id) };
  const draft: Draft = {
    ...current,
    setpointAddress: edit.setpointAddress === undefined ? current.setpointAddress : edit.setpointAddress,
    readbackAddress: edit.readbackAddress === undefined ? current.readbackAddress : edit.readbackAddress,
    configAddress: edit.configAddress === undefined ? current.configAddress : edit.configAddress,
    device: edit.device ?? current.device,
    description: edit.description ?? current.description,
    absTolerance: edit.absTolerance ?? current.absTolerance,
    relTolerance: edit.relTolerance ?? current.relTolerance,
    readOnly: edit.readOnly ?? current.readOnly,
    tags: edit.tags ? [...new Set(edit.tags.map((tag) => tag.toLowerCase()))] : current.tags,
  };
  if (JSON.stringify(draft) === JSON.stringify(current)) return { before, after: before, revision: revision - 1 };
  if (draft.setpointAddress === null && draft.readbackAddress === null && draft.configAddress === null) {
    throw new DreyError('invalid', `catalogue entry ${id} would have no address left: it needs at least one of setpointAddress, readbackAddress, configAddress`);
  }
  checkTags(draft.tags, await readTags(session));
  await closeVersions(session, revision, [id]);
  await checkSetpointsFree(session, [draft]);
  await insertVersions(session, revision, [draft]);
  await publishRevision(session, 'catalogue');
  return { before, after: await readEntry(session, id), revision };
}

export async function deleteEntries(session: Session, ids: readonly string[]): Promise<{ deleted: CatalogueEntry[]; revision: number }> {
  const revision = await nextCatalogueRevision(session);
  const wanted = [...new Set(ids.map((id) => id.toLowerCase()))];
  if (wanted.length === 0) return { deleted: [], revision: revision - 1 };
  const deleted = await readEntries(session, wanted.filter(isUuid));
  const there = new Set(deleted.map((entry) => entry.id));
  const unknown = wanted.filter((id) => !there.has(id));
  if (unknown.length > 0) {
    throw new DreyError('notFound', `${unknown.length} of ${wanted.length} catalogue entries do not exist; nothing was deleted`, {
      faults: unknown.slice(0, 100).map((id) => `no catalogue entry ${JSON.stringify(id.slice(0, 60))}`),
    });
  }
  await closeVersions(session, revision, wanted);
  await publishRevision(session, 'catalogue');
  return { deleted, revision };
}

/** Takes these tags off the current entries. Their old versions keep them, by id and by name (S2). */
export function untagEntries(session: Session, tagIds: readonly string[]): Promise<void> {
  const left = (what: string): string => `array(select u.${what} from unnest(tags, tag_names) with ordinality u(id, name, at) where u.id <> all($2::uuid[]) order by u.at)`;
  return changeTagged(session, tagIds, { tags: left('id'), names: left('name'), touched: 'now()' }, []);
}

/** The current entries name a tag by its new name, their old versions by the old one (S2). */
export function renameTagOfEntries(session: Session, tagId: string, name: string): Promise<void> {
  const names = 'array(select case when u.id = any($2::uuid[]) then $3 else u.name end from unnest(tags, tag_names) with ordinality u(id, name, at) order by u.at)';
  return changeTagged(session, [tagId], { tags: 'tags', names, touched: 'modified_at' }, [name]);
}

async function changeTagged(session: Session, tagIds: readonly string[], next: { tags: string; names: string; touched: string }, values: readonly unknown[]): Promise<void> {
  const revision = await nextCatalogueRevision(session);
  const kept = 'setpoint, readback, config, setpoint_name, readback_name, config_name, device, description, abs_tolerance, rel_tolerance, read_only';
  const changed = await session.rows(
    `with closed as (
       update entry_version set to_revision = $1 where to_revision = ${forever} and tags && $2::uuid[] returning *
     )
     insert into entry_version (entry_id, from_revision, ${kept}, tags, tag_names, created_at, modified_at)
     select entry_id, $1, ${kept}, ${next.tags}, ${next.names}, created_at, ${next.touched} from closed returning id`,
    [revision, tagIds, ...values],
  );
  if (changed.length > 0) await publishRevision(session, 'catalogue');
}

async function closeVersions(session: Session, revision: number, ids: readonly string[]): Promise<void> {
  await session.rows(`update entry_version set to_revision = $1 where to_revision = ${forever} and entry_id = any($2::uuid[])`, [revision, ids]);
}

/** One statement for all: JSON in, because parallel arrays cannot hold a list of tags per entry. */
async function insertVersions(session: Session, revision: number, drafts: readonly Draft[]): Promise<void> {
  const names = drafts.flatMap((draft) => [draft.setpointAddress, draft.readbackAddress, draft.configAddress].filter((name) => name !== null));
  await session.rows(
    `insert into channel (name)
     select x.name from unnest($1::text[]) with ordinality x(name, at)
     where not exists (select from channel c where c.name = x.name collate "C")
     group by x.name order by min(x.at)
     on conflict (name) do nothing`,
    [names],
  );
  await session.rows(
    `insert into entry_version (entry_id, from_revision, setpoint, readback, config, setpoint_name, readback_name, config_name,
       device, description, abs_tolerance, rel_tolerance, read_only, tags, tag_names, created_at, modified_at)
     select x.id, $2, s.id, r.id, c.id, s.name, r.name, c.name, x.device, x.description, x."absTolerance", x."relTolerance", x."readOnly", x.tags,
       array(select t.name from unnest(x.tags) with ordinality u(id, at) join tag t on t.id = u.id order by u.at),
       coalesce(x."createdDate", now()), now()
     from json_to_recordset($1::json) x(id uuid, "setpointAddress" text, "readbackAddress" text, "configAddress" text, device text, description text,
       "absTolerance" float8, "relTolerance" float8, "readOnly" bool, tags uuid[], "createdDate" timestamptz)
     left join channel s on s.name = x."setpointAddress" collate "C"
     left join channel r on r.name = x."readbackAddress" collate "C"
     left join channel c on c.name = x."configAddress" collate "C"`,
    [JSON.stringify(drafts), revision],
  );
}

async function checkSetpointsFree(session: Session, drafts: readonly Draft[]): Promise<void> {
  const setpoints = drafts.map((draft) => draft.setpointAddress).filter((name) => name !== null);
  const once = new Set<string>();
  const twice = new Set(setpoints.filter((name) => once.size === once.add(name).size));
  const taken = await session.rows<{ name: string }>(
    `select v.setpoint_name as name from entry_version v join channel c on c.id = v.setpoint
     where v.to_revision = ${forever} and c.name = any($1::text[] collate "C") order by 1`,
    [setpoints],
  );
  const faults = [
    ...[...twice].map((name) => `${name} is the setpoint of two of the entries given`),
    ...taken.map(({ name }) => `${name} is the setpoint of another catalogue entry`),
  ];
  if (faults.length === 0) return;
  throw new DreyError('conflict', faults.length === 1 ? faults[0]! : `${faults.length} setpoints are taken, among them: ${faults.slice(0, 3).join('; ')}`, { faults: faults.slice(0, 10) });
}

function namedTags(entries: readonly NewCatalogueEntry[]): Record<string, string[]> {
  const groups = new Map<string, Set<string>>();
  for (const entry of entries) {
    for (const [group, names] of Object.entries(entry.tagNames ?? {})) {
      const known = groups.get(group) ?? new Set();
      groups.set(group, known);
      for (const name of names) known.add(name);
    }
  }
  return Object.fromEntries([...groups].map(([group, names]) => [group, [...names]]));
}

const tagKey = (group: string, name: string): string => `${group.toLowerCase()}\0${name.toLowerCase()}`;

/** Some letters have another lower case for the database than for us. */
function lostTag(group: string, name: string): never {
  throw new DreyError('invalid', `tag ${JSON.stringify(name)} of group ${JSON.stringify(group)} cannot be told apart by upper and lower case: give its id in \`tags\``);
}
