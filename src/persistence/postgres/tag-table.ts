/** Tags and their groups as rows; shared by the catalogue and the tag store. */
import type { Tag } from '../../contracts/catalogue.ts';
import { DreyError } from '../../contracts/errors.ts';
import type { Session } from './database.ts';
import { isUuid, newUuid } from './uuid.ts';

export async function readTags(session: Session): Promise<Map<string, Tag>> {
  const rows = await session.rows<Tag>(
    'select t.id, t.name, t.description, g.id as "groupId", g.name as "groupName" from tag t join tag_group g on g.id = t.group_id order by lower(g.name), lower(t.name)',
  );
  return new Map(rows.map((tag) => [tag.id, tag]));
}

export interface Ensured {
  readonly groupsCreated: number;
  readonly tagsCreated: number;
  readonly tagsSkipped: number;
}

/** Makes the groups and tags that are missing. Names are told apart without regard to case. */
export async function ensureTags(session: Session, groups: Readonly<Record<string, readonly string[]>>): Promise<Ensured> {
  const groupNames = distinct(Object.keys(groups));
  if (groupNames.length === 0) return { groupsCreated: 0, tagsCreated: 0, tagsSkipped: 0 };
  const made = await session.rows(
    'insert into tag_group (id, name) select * from unnest($1::uuid[], $2::text[]) on conflict (lower(name)) do nothing returning id',
    [groupNames.map(newUuid), groupNames],
  );
  const wanted = distinctPairs(Object.entries(groups).flatMap(([group, tags]) => tags.map((tag) => [group, tag] as const)));
  const created = await session.rows(
    `insert into tag (id, group_id, name)
     select x.id, g.id, x.name from unnest($1::uuid[], $2::text[], $3::text[]) x(id, group_name, name)
     join tag_group g on lower(g.name) = lower(x.group_name)
     on conflict (group_id, lower(name)) do nothing returning id`,
    [wanted.map(newUuid), wanted.map(([group]) => group), wanted.map(([, tag]) => tag)],
  );
  return { groupsCreated: made.length, tagsCreated: created.length, tagsSkipped: wanted.length - created.length };
}

/** D1: all of `ids` must be tags; the error names those that are not. */
export function checkTags(ids: Iterable<string>, tags: ReadonlyMap<string, Tag>): void {
  const unknown = [...new Set(ids)].filter((id) => !isUuid(id) || !tags.has(id.toLowerCase()));
  if (unknown.length === 0) return;
  throw new DreyError('notFound', `there is no tag ${JSON.stringify(unknown[0]!.slice(0, 60))}${unknown.length > 1 ? `, nor ${unknown.length - 1} others` : ''}`, {
    faults: unknown.slice(0, 100).map((id) => `no tag ${JSON.stringify(id.slice(0, 60))}`),
  });
}

const fold = (name: string): string => name.toLowerCase();
const distinct = (names: readonly string[]): string[] => [...new Map(names.map((name) => [fold(name), name])).values()];
const distinctPairs = (pairs: readonly (readonly [string, string])[]): (readonly [string, string])[] => [
  ...new Map(pairs.map((pair) => [`${fold(pair[0])}\0${fold(pair[1])}`, pair])).values(),
];
