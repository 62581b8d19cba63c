import { DreyError } from '../../contracts/errors.ts';
import type { TagGroup, TagStore } from '../port.ts';
import type { Database, Session } from './database.ts';
import { untagEntries } from './entry-changes.ts';
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
    deleteGroup: (id) =>
      database.transaction(async (session) => {
        const group = await oneGroup(session, id);
        await untagEntries(session, group.tags.map((tag) => tag.id));
        await session.rows('delete from tag_group where id = $1', [group.id]);
      }),
    deleteTag: (groupId, tagId) =>
      database.transaction(async (session) => {
        const group = await oneGroup(session, groupId);
        const tag = group.tags.find((one) => one.id === tagId.toLowerCase());
        if (!tag) throw new DreyError('notFound', `tag group ${JSON.stringify(group.name)} has no tag ${JSON.stringify(tagId.slice(0, 60))}`);
        await untagEntries(session, [tag.id]);
        await session.rows('delete from tag where id = $1', [tag.id]);
      }),
    ensure: (groups) => database.transaction((session) => ensureTags(session, groups)),
  };
}

async function readGroups(session: Session): Promise<TagGroup[]> {
  const groups = await session.rows<Omit<TagGroup, 'tags'>>('select id, name, description from tag_group order by lower(name)');
  const tags = [...(await readTags(session)).values()];
  return groups.map((group) => ({ ...group, tags: tags.filter((tag) => tag.groupId === group.id) }));
}

async function oneGroup(session: Session, id: string): Promise<TagGroup> {
  const wanted = knownForm('tag group', id).toLowerCase();
  const group = (await readGroups(session)).find((one) => one.id === wanted);
  if (!group) throw new DreyError('notFound', `there is no tag group ${id}`);
  return group;
}
