/** A search text of users as a pattern for ILIKE: a substring, in which `*` and `?` stand for any characters and any one. */
export function likePattern(search: string): string {
  const pattern = search.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%').replaceAll('?', '_');
  return `%${pattern}%`;
}
