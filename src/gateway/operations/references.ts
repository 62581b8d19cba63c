/**
 * Tags and devices as people name them in a filter. What is not there is refused by its name: a filter
 * that chose nothing unnoticed would say of a comparison that all is well.
 */
import { DreyError } from '../../contracts/errors.ts';
import type { SnapshotScope } from '../../contracts/snapshots.ts';
import type { SnapshotStore, TagGroup, TagStore } from '../../persistence/port.ts';

const mostFaults = 100;
const fold = (text: string): string => text.toLowerCase();
const quoted = (text: string): string => JSON.stringify(text.slice(0, 255));
const listed = (names: readonly string[]): string => (names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`);

/** A value of a list may be several, with commas between; a name that has a comma itself goes before. */
const partsOf = (word: string): string[] => word.split(',').map((part) => part.trim()).filter((part) => part !== '');

function refuseUnknown(unknown: readonly string[], say: (name: string) => string): void {
  if (unknown.length === 0) return;
  const [first] = unknown as [string];
  throw new DreyError('notFound', `${say(first)}${unknown.length > 1 ? ` (and ${unknown.length - 1} more)` : ''}`, unknown.length > 1 ? { faults: unknown.slice(0, mostFaults).map(say) } : {});
}

/** By id, by name, or as group/name. */
function findTag(groups: readonly TagGroup[], word: string): string | undefined {
  const wanted = fold(word);
  const all = groups.flatMap((group) => group.tags.map((tag) => ({ id: tag.id, name: fold(tag.name), full: `${group.name}/${tag.name}`, group: group.name })));
  const exact = all.find(({ id, full }) => id === wanted || fold(full) === wanted);
  if (exact) return exact.id;
  const named = all.filter(({ name }) => name === wanted);
  if (named.length > 1) throw new DreyError('invalid', `the tag ${quoted(word)} is in the groups ${listed(named.map(({ group }) => quoted(group)))}: write ${named.map(({ full }) => full).join(' or ')}`);
  return named[0]?.id;
}

/** `old`: which of these ids are tags that are gone and that snapshots still know (S2). */
export async function tagIds(groups: readonly TagGroup[], words: readonly string[], old: (ids: readonly string[]) => Promise<readonly string[]> = async () => []): Promise<string[]> {
  const ids: string[] = [];
  const left: string[] = [];
  for (const word of words) {
    const whole = findTag(groups, word);
    for (const part of whole === undefined ? partsOf(word) : [word]) {
      const id = whole ?? findTag(groups, part);
      if (id === undefined) left.push(part);
      else ids.push(id);
    }
  }
  const gone = new Set(left.length === 0 ? [] : await old(left.map(fold)));
  refuseUnknown(left.filter((word) => !gone.has(fold(word))), (word) => `there is no tag ${quoted(word)}, by id, name or group/name; GET /v1/tags lists the groups`);
  return [...new Set([...ids, ...gone])];
}

/** {group: [tag]}, each by id or name, as ids. */
export function tagFilterIds(groups: readonly TagGroup[], wanted: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  const resolved: Record<string, string[]> = {};
  for (const [name, tags] of Object.entries(wanted)) {
    const group = groups.find((candidate) => candidate.id === fold(name) || fold(candidate.name) === fold(name));
    if (!group) throw new DreyError('notFound', `there is no tag group ${quoted(name)}${groups.length > 0 ? `; there are ${listed(groups.slice(0, 20).map((one) => quoted(one.name)))}` : ''}`);
    const known = new Map(group.tags.flatMap(({ id, name: tag }) => [[fold(tag), id], [id, id]] as const));
    refuseUnknown(tags.filter((tag) => !known.has(fold(tag))), (tag) => `the tag group ${quoted(group.name)} has no tag ${quoted(tag)}`);
    resolved[group.id] = [...new Set([...(resolved[group.id] ?? []), ...tags.map((tag) => known.get(fold(tag))!)])];
  }
  return resolved;
}

/** A scope whose tags may be named. */
export async function scopeIds(tags: Pick<TagStore, 'groups'>, scope: SnapshotScope): Promise<SnapshotScope> {
  return scope.kind === 'tags' ? { kind: 'tags', tags: tagFilterIds(await tags.groups(), scope.tags) } : scope;
}

/** `known`: which of these devices there are. `where`: for the refusal. */
export async function deviceNames(words: readonly string[], known: (devices: readonly string[]) => Promise<readonly string[]>, where: string): Promise<string[]> {
  const there = new Set(await known([...new Set(words.flatMap((word) => [word, ...partsOf(word)]))]));
  const devices = words.flatMap((word) => (there.has(word) ? [word] : partsOf(word)));
  refuseUnknown(devices.filter((device) => !there.has(device)), (device) => `${where} the device ${quoted(device)}`);
  return [...new Set(devices)];
}

/** Of what snapshots knew when they were taken. */
export async function devicesThen(snapshots: Pick<SnapshotStore, 'devicesThen'>, ids: readonly string[], words: readonly string[]): Promise<string[]> {
  return deviceNames(words, (devices) => snapshots.devicesThen(ids, devices), `no entry of ${ids.length === 1 ? 'this snapshot' : 'these snapshots'} had`);
}
