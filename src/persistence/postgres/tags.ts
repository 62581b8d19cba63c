import { DreyError } from '../../contracts/errors.ts';
import type { TagEdit, TagGroup, TagStore } from '../port.ts';
import type { Database, Session } from './database.ts';
import { renameTagOfEntries, untagEntries } from './entry-changes.ts';
import { forever } from './revisions.ts';
import { ensureTags, readTags } from './tag-table.ts';
import { knownForm, newUuid } from './uuid.ts';

export function createTags(database: Database): TagStore {
  return {
    groups: () => readGroups(database),
    createGroup: (name, description) =>
      database.transaction(async (session) => {
        const id = newUuid();
        const made = await session.rows('insert into tag_group (id, name, description) values ($1, $2, $3) on conflict (lower(name)) do nothing returning id', [id, name, description]);
        if (made.length === 0) throw new DreyError('conflict', `there is a tag group ${JSON.stringify(name)} already`);
        return oneGroup(session, id);
      }),
    createTag: (groupId, name, description) =>
      database.transaction(async (session) => {
        const group = await oneGroup(session, groupId);
        const made = await session.rows(
          'insert into tag (id, group_id, name, description) values ($1, $2, $3, $4) on conflict (group_id, lower(name)) do nothing returning id',
          [newUuid(), group.id, name, description],
        );
        if (made.length === 0) throw new DreyError('conflict', `tag group ${JSON.stringify(group.name)} has a tag ${JSON.stringify(name)} already`);
        return oneGroup(session, groupId);
      }),
    editGroup: (id, edit) =>
      database.transaction(async (session) => {
        const group = await oneGroup(session, id);
        await refuseTaken(session, 'tag group', 'select 1 from tag_group where lower(name) = lower($1) and id <> $2', edit.name, [group.id]);
        await session.rows('update tag_group set name = coalesce($2, name), description = coalesce($3, description), modified_at = now() where id = $1', [group.id, edit.name ?? null, edit.description ?? null]);
        return oneGroup(session, id);
      }),
    editTag: (groupId, tagId, edit) => database.transaction((session) => editTag(session, groupId, tagId, edit)),
    taggedEntries: async (tagIds) => {
      const [row] = await database.rows<{ count: bigint }>(`select count(*) from entry_version where to_revision = ${forever} and tags && $1::uuid[]`, [tagIds]);
      return Number(row!.count);
    },
    deleteGroup: (id) =>
      database.transaction(async (session) => {
        const group = await oneGroup(session, id);
        await untagEntries(session, group.tags.map((tag) => tag.id));
        await session.rows('delete from tag_group where id = $1', [group.id]);
      }),
    deleteTag: (groupId, tagId) =>
      database.transaction(async (session) => {
        const group = await oneGroup(session, groupId);
        const tag = tagOf(group, tagId);
        await untagEntries(session, [tag.id]);
        await session.rows('delete from tag where id = $1', [tag.id]);
      }),
    ensure: (groups) => database.transaction((session) => ensureTags(session, groups)),
  };
}

async function editTag(session: Session, groupId: string, tagId: string, edit: TagEdit): Promise<TagGroup> {
  const group = await oneGroup(session, groupId);
  const tag = tagOf(group, tagId);
  await refuseTaken(session, `tag of group ${JSON.stringify(group.name)}`, 'select 1 from tag where lower(name) = lower($1) and id <> $2 and group_id = $3', edit.name, [tag.id, group.id]);
  await session.rows('update tag set name = coalesce($2, name), description = coalesce($3, description) where id = $1', [tag.id, edit.name ?? null, edit.description ?? null]);
  if (edit.name !== undefined && edit.name !== tag.name) await renameTagOfEntries(session, tag.id, edit.name);
  return oneGroup(session, groupId);
}

async function refuseTaken(session: Session, what: string, query: string, name: string | undefined, values: readonly string[]): Promise<void> {
  if (name === undefined) return;
  if ((await session.rows(query, [name, ...values])).length > 0) throw new DreyError('conflict', `there is another ${what} called ${JSON.stringify(name)} already`);
}

function tagOf(group: TagGroup, tagId: string): TagGroup['tags'][number] {
  const tag = group.tags.find((one) => one.id === tagId.toLowerCase());
  if (!tag) throw new DreyError('notFound', `tag group ${JSON.stringify(group.name)} has no tag ${JSON.stringify(tagId.slice(0, 60))}`);
  return tag;
}

async function readGroups(session: Session): Promise<TagGroup[]> {
  const groups = await session.rows<{ id: string; name: string; description: string | null; created_at: Date; modified_at: Date }>(
    'select id, name, description, created_at, modified_at from tag_group order by lower(name)',
  );
  const tags = [...(await readTags(session)).values()];
  return groups.map(({ created_at: created, modified_at: modified, ...group }) => ({
    ...group, tags: tags.filter((tag) => tag.groupId === group.id), createdDate: created.toISOString(), lastModifiedDate: modified.toISOString(),
  }));
}

async function oneGroup(session: Session, id: string): Promise<TagGroup> {
  const wanted = knownForm('tag group', id).toLowerCase();
  const group = (await readGroups(session)).find((one) => one.id === wanted);
  if (!group) throw new DreyError('notFound', `there is no tag group ${id}`);
  return group;
}
