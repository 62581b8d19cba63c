/** `Group=Tag` words as a snapshot scope; the gateway knows the names. */
import { DreyError } from '../contracts/errors.ts';
import type { SnapshotScope } from '../contracts/snapshots.ts';

export function tagScope(words: readonly string[]): SnapshotScope {
  const tags: Record<string, string[]> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    const [group, tag] = [word.slice(0, at), word.slice(at + 1)];
    if (at < 1 || tag === '') throw new DreyError('badInput', `--tag ${word}: write it as Group=Tag`);
    (tags[group] ??= []).push(tag);
  }
  return { kind: 'tags', tags };
}
