/** What a snapshot file says of the catalogue, held against the catalogue there is. */
import { newCatalogueEntry, type NewCatalogueEntry } from '../../contracts/catalogue.ts';
import { entryInput } from '../../formats/registry.ts';
import { namesLost, plainEntry, type FileEntry, type SnapshotContent } from '../../formats/snapshot-file.ts';
import type { Steps } from '../../kernel/in-turns.ts';
import type { TagGroup } from '../../persistence/port.ts';
import { parseInput } from '../input.ts';

type Names = Pick<ReadonlySet<string>, 'has'>;

/** `X` and `X.VAL` are one field: the file's name gives way to the catalogue's. */
export function* withCatalogueNames(content: SnapshotContent, known: Names): Steps<SnapshotContent> {
  const there = new Set(content.names);
  const renamed = (name: string): string => {
    if (known.has(name)) return name;
    const other = name.endsWith('.VAL') ? name.slice(0, -4) : `${name}.VAL`;
    return known.has(other) && !there.has(other) ? other : name;
  };
  const maybe = (name: string | null): string | null => (name === null ? null : renamed(name));
  const names: string[] = [];
  for (const name of content.names) {
    yield;
    names.push(renamed(name));
  }
  const entries: FileEntry[] = [];
  for (const entry of content.entries) {
    yield;
    entries.push({ ...entry, setpoint: maybe(entry.setpoint), readback: maybe(entry.readback), config: maybe(entry.config) });
  }
  return { ...content, names, entries };
}

/** The file's own entries where nothing of them is known; for other names that are missing, one each. */
export function* missingEntries(content: SnapshotContent, known: Names, groups: readonly TagGroup[]): Steps<{ fresh: NewCatalogueEntry[]; losses: string[] }> {
  const missing = new Set(content.names.filter((name) => !known.has(name)));
  const files: FileEntry[] = [];
  const take = (entry: FileEntry): void => {
    files.push(entry);
    for (const name of [entry.setpoint, entry.readback, entry.config]) if (name !== null) missing.delete(name);
  };
  const readbacks = new Set<string | null>();
  for (const entry of content.entries) {
    yield;
    const { setpoint, readback, config } = entry;
    if ([setpoint, readback, config].some((name) => name !== null && missing.has(name)) && (setpoint === null || missing.has(setpoint))) take(entry);
    readbacks.add(readback).add(config);
  }
  for (const name of [...missing]) take(readbacks.has(name) ? { ...plainEntry(name), setpoint: null, readback: name } : plainEntry(name));

  const groupsOf = groupsByTag(groups);
  const homeless = new Set<string>();
  const fresh: NewCatalogueEntry[] = [];
  for (const entry of files) {
    yield;
    const tagNames = groupedTags(entry, groupsOf, homeless);
    fresh.push(parseInput(newCatalogueEntry, { ...entryInput(entry), tagNames }, `entry ${entry.setpoint ?? entry.readback ?? entry.config ?? ''} of the file`));
  }
  return { fresh, losses: namesLost('tags whose group the file does not name, and which none or several of the groups here have', [...homeless]) };
}

function groupsByTag(groups: readonly TagGroup[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const group of groups) for (const tag of group.tags) found.set(tag.name.toLowerCase(), [...(found.get(tag.name.toLowerCase()) ?? []), group.name]);
  return found;
}

/** Old files say the names of tags alone: the group is then the one that has a tag of that name. */
function groupedTags({ tags, groups }: FileEntry, groupsOf: ReadonlyMap<string, readonly string[]>, homeless: Set<string>): Record<string, string[]> {
  const named = new Map<string, string[]>();
  tags.forEach((tag, i) => {
    const [here, ...others] = groupsOf.get(tag.toLowerCase()) ?? [];
    const group = groups?.[i] ?? (others.length === 0 ? here : undefined);
    if (group === undefined) homeless.add(tag);
    else named.set(group, [...(named.get(group) ?? []), tag]);
  });
  return Object.fromEntries(named);
}
