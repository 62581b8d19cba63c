/** Tag groups and their tags. */
import { z } from 'zod';
import { DreyError } from '../../contracts/errors.ts';
import type { TagEdit, TagGroup, TagStore } from '../../persistence/port.ts';
import type { Caller } from '../access.ts';
import type { Audit } from '../audit.ts';

const name = z.string().trim().min(1).max(255);

export const newTag = z.strictObject({
  name: name.describe('unique in its place, whatever the case of its letters'),
  description: z.string().trim().max(1000).nullish(),
});
export const newTagSet = z.strictObject({ groups: z.record(name, z.array(name)).describe('{group: [tag]}: what does not exist is made, what does is left') });

export const tagGroupView = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  tags: z.array(z.object({ id: z.string(), name: z.string(), description: z.string().nullable() })),
  createdDate: z.string().describe('ISO 8601'),
  lastModifiedDate: z.string(),
});
export const tagEdit = newTag.partial();
export const tagGroupSummary = tagGroupView.omit({ tags: true, createdDate: true, lastModifiedDate: true }).extend({ tagCount: z.number().int() });
export const tagSetResult = z.object({ groupsCreated: z.number().int(), tagsCreated: z.number().int(), tagsSkipped: z.number().int(), warnings: z.array(z.string()) });

const view = ({ id, name: groupName, description, tags, createdDate, lastModifiedDate }: TagGroup): z.output<typeof tagGroupView> => ({
  id, name: groupName, description, createdDate, lastModifiedDate, tags: tags.map((tag) => ({ id: tag.id, name: tag.name, description: tag.description })),
});

/** What an edit says; null leaves as it is. */
const given = ({ name: newName, description }: z.output<typeof tagEdit>): TagEdit => ({ ...(newName === undefined ? {} : { name: newName }), ...(description === undefined || description === null ? {} : { description }) });

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export function createTagOperations({ tags, audit }: { tags: TagStore; audit: Audit }) {
  const group = async (id: string): Promise<TagGroup> => {
    const found = (await tags.groups()).find((candidate) => candidate.id === id.toLowerCase());
    if (!found) throw new DreyError('notFound', `there is no tag group "${id}"`);
    return found;
  };

  return {
    list: async () => (await tags.groups()).map(({ id, name: groupName, description, tags: members }) => ({ id, name: groupName, description, tagCount: members.length })),
    get: async (id: string) => view(await group(id)),

    createGroup: (caller: Caller, wanted: z.output<typeof newTag>) =>
      audit.change(caller, { what: 'tags.createGroup', subject: wanted.name }, async () => {
        const after = view(await tags.createGroup(wanted.name, wanted.description ?? null));
        return { value: after, after };
      }),

    createTag: async (caller: Caller, groupId: string, wanted: z.output<typeof newTag>, skipDuplicate: boolean) => {
      const before = await group(groupId);
      if (skipDuplicate && before.tags.some((tag) => same(tag.name, wanted.name))) return { group: view(before), wasCreated: false };
      return audit.change(caller, { what: 'tags.createTag', subject: `${before.name}/${wanted.name}` }, async () => {
        const after = view(await tags.createTag(groupId, wanted.name, wanted.description ?? null));
        return { value: { group: after, wasCreated: true }, after: wanted };
      });
    },

    editGroup: async (caller: Caller, id: string, edit: z.output<typeof tagEdit>) => {
      const before = view(await group(id));
      return audit.change(caller, { what: 'tags.editGroup', subject: before.name, before, after: edit }, async () => {
        const after = view(await tags.editGroup(id, given(edit)));
        return { value: after, after };
      });
    },

    editTag: async (caller: Caller, groupId: string, tagId: string, edit: z.output<typeof tagEdit>) => {
      const before = await group(groupId);
      return audit.change(caller, { what: 'tags.editTag', subject: `${before.name}/${tagId}`, before: before.tags.find((tag) => tag.id === tagId.toLowerCase()), after: edit }, async () => ({
        value: view(await tags.editTag(groupId, tagId, given(edit))),
      }));
    },

    /** Entries lose the tags of the group: whoever uses them is not to find out later. */
    deleteGroup: async (caller: Caller, id: string, force: boolean): Promise<true> => {
      const before = view(await group(id));
      const tagged = force ? 0 : await tags.taggedEntries(before.tags.map((tag) => tag.id));
      if (tagged > 0) throw new DreyError('conflict', `tags of group "${before.name}" are on ${tagged} catalogue ${tagged === 1 ? 'entry' : 'entries'}: say force=true to take them off and delete it`);
      return audit.change(caller, { what: 'tags.deleteGroup', subject: before.name, before }, async () => {
        await tags.deleteGroup(id);
        return { value: true };
      });
    },

    deleteTag: async (caller: Caller, groupId: string, tagId: string) => {
      const before = await group(groupId);
      const tag = before.tags.find((candidate) => candidate.id === tagId.toLowerCase());
      if (!tag) throw new DreyError('notFound', `the tag group "${before.name}" has no tag "${tagId}"`);
      return audit.change(caller, { what: 'tags.deleteTag', subject: `${before.name}/${tag.name}`, before: tag }, async () => {
        await tags.deleteTag(groupId, tagId);
        return { value: view(await group(groupId)) };
      });
    },

    ensure: (caller: Caller, wanted: z.output<typeof newTagSet>): Promise<z.output<typeof tagSetResult>> =>
      audit.change(caller, { what: 'tags.ensure', subject: `${Object.keys(wanted.groups).length} groups`, after: wanted.groups }, async () => {
        const made = await tags.ensure(wanted.groups);
        return { value: { ...made, warnings: [] } };
      }),
  };
}
export type TagOperations = ReturnType<typeof createTagOperations>;
