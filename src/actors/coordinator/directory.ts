/**
 * Which channels a scope holds, on which IOC each was last found, and which host is to read it. The whole
 * directory is kept in memory and costs one tiny query as long as nothing has changed.
 */
import type { ReadTarget } from '../../bus/gathering.ts';
import type { Hosts } from '../../bus/hosts.ts';
import type { SnapshotScope } from '../../contracts/snapshots.ts';
import { createPlacement, placementKey } from '../../kernel/placement.ts';
import type { CatalogueStore } from '../../persistence/port.ts';

type Known = Awaited<ReturnType<CatalogueStore['directory']>>;

export interface Directory {
  resolve(scope: SnapshotScope): Promise<{ channels: Int32Array; entryIds: readonly string[] | null; catalogueRevision: number }>;
  /** Every channel in exactly one target; ascending within it. */
  place(channels: Int32Array): Promise<ReadTarget[]>;
}

export function createDirectory(catalogue: CatalogueStore, hosts: Pick<Hosts, 'names'>): Directory {
  let known: Known | undefined;
  let placed: { channels: Int32Array; known: Known; hosts: string; targets: ReadTarget[] } | undefined;
  /** The dictionary never changes, so a name is asked for once. */
  const names = new Map<number, string>();

  const fresh = async (): Promise<Known> => {
    const now = await catalogue.revisions();
    if (known?.revisions.catalogue !== now.catalogue || known.revisions.directory !== now.directory) known = await catalogue.directory();
    return known;
  };
  const nameAll = async (channels: readonly number[]): Promise<void> => {
    const unknown = channels.filter((channel) => !names.has(channel));
    if (unknown.length === 0) return;
    const found = await catalogue.names(Int32Array.from(unknown));
    unknown.forEach((channel, i) => names.set(channel, found[i]!));
  };

  return {
    resolve: async (scope) => {
      if (scope.kind !== 'all') {
        const { channels, entryIds, revisions } = await catalogue.resolve(scope);
        return { channels, entryIds, catalogueRevision: revisions.catalogue };
      }
      const { channels, revisions } = await fresh();
      return { channels, entryIds: null, catalogueRevision: revisions.catalogue };
    },
    place: async (channels) => {
      const live = hosts.names();
      const now = await fresh();
      // The same everything, on the same hosts: the usual snapshot.
      if (placed?.channels === channels && placed.known === now && placed.hosts === live.join()) return placed.targets;
      const placement = createPlacement(live);
      const { byIoc, unresolved } = groupByIoc(channels, now);
      const targets: ReadTarget[] = [];
      for (const [ioc, members] of byIoc) targets.push({ ioc, host: placement.owner(placementKey(ioc, '')), channels: members });
      if (unresolved.length > 0) {
        // With one host there is nothing to choose, and no name to know.
        if (placement.hosts.length > 1) await nameAll(unresolved);
        const byHost = new Map<string | undefined, number[]>();
        for (const channel of unresolved) {
          const host = placement.owner(placement.hosts.length > 1 ? placementKey(null, names.get(channel)!) : '');
          const members = byHost.get(host) ?? [];
          members.push(channel);
          byHost.set(host, members);
        }
        for (const [host, members] of byHost) targets.push({ ioc: null, host, channels: Int32Array.from(members) });
      }
      if (channels === now.channels) placed = { channels, known: now, hosts: live.join(), targets };
      return targets;
    },
  };
}

/** Pure. Both lists ascend, so one walk over both does. Channels that the directory does not name are unresolved. */
export function groupByIoc(channels: Int32Array, directory: Pick<Known, 'channels' | 'iocIndex' | 'iocs'>): { byIoc: Map<string, Int32Array>; unresolved: number[] } {
  const unresolved: number[] = [];
  const iocOf = new Int32Array(channels.length);
  const counts = new Int32Array(directory.iocs.length);
  let at = 0;
  for (let i = 0; i < channels.length; i++) {
    const channel = channels[i]!;
    while (at < directory.channels.length && directory.channels[at]! < channel) at++;
    const ioc = directory.channels[at] === channel ? directory.iocIndex[at]! : -1;
    iocOf[i] = ioc;
    if (ioc < 0) unresolved.push(channel);
    else counts[ioc]! += 1;
  }
  const members = Array.from(counts, (count) => new Int32Array(count));
  const filled = new Int32Array(counts.length);
  for (let i = 0; i < channels.length; i++) {
    const ioc = iocOf[i]!;
    if (ioc >= 0) members[ioc]![filled[ioc]!++] = channels[i]!;
  }
  const byIoc = new Map<string, Int32Array>();
  members.forEach((list, ioc) => list.length > 0 && byIoc.set(directory.iocs[ioc]!, list));
  return { byIoc, unresolved };
}
