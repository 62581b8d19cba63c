/** `Group=Tag` words as a snapshot scope. */
import { DreyError } from '../contracts/errors.ts';
import type { SnapshotScope } from '../contracts/snapshots.ts';
import type { Client } from './client.ts';

interface Group {
  id: string;
  name: string;
}

export async function tagScope(client: Client, words: readonly string[]): Promise<SnapshotScope> {
  const groups = await client.get<Group[]>('/v1/tags');
  const tags: Record<string, string[]> = {};
  for (const word of words) {
    const [groupName, tagName] = [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)];
    if (!word.includes('=') || groupName === '' || tagName === '') throw new DreyError('badInput', `--tag ${word}: write it as Group=Tag`);
    const group = groups.find(({ name }) => name.toLowerCase() === groupName.toLowerCase());
    if (group === undefined) throw new DreyError('notFound', `there is no tag group "${groupName}"; there are ${groups.map(({ name }) => name).join(', ') || 'none'}`);
    const [full] = await client.get<{ tags: { id: string; name: string }[] }[]>(`/v1/tags/${group.id}`);
    const tag = full?.tags.find(({ name }) => name.toLowerCase() === tagName.toLowerCase());
    if (tag === undefined) throw new DreyError('notFound', `group "${group.name}" has no tag "${tagName}"; it has ${full?.tags.map(({ name }) => name).join(', ') || 'none'}`);
    (tags[group.id] ??= []).push(tag.id);
  }
  return { kind: 'tags', tags };
}
