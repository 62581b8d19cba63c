/** The groups with their tags; the list of the API has only their numbers. */
import type { Client } from './client.ts';

export interface TagGroup {
  readonly id: string;
  readonly name: string;
  readonly tags: readonly { readonly id: string; readonly name: string }[];
}

export async function tagGroups(client: Client): Promise<TagGroup[]> {
  const groups = await client.get<{ id: string }[]>('/v1/tags');
  return (await Promise.all(groups.map(({ id }) => client.get<TagGroup[]>(`/v1/tags/${id}`)))).flat();
}
