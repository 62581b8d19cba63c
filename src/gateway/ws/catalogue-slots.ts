/** The catalogue over the table of latest values: which rows a client means by names, tags or everything. */
import type { CatalogueStore, TagStore } from '../../persistence/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import { tagFilterIds, tagIds } from '../operations/references.ts';
import type { ChannelNames } from '../operations/channel-names.ts';
import type { Selection } from './batch.ts';
import type { LatestValues } from './latest-values.ts';

export interface Wishes {
  all: boolean;
  readonly names: Set<string>;
  /** {group: [tag]} or [tag] as JSON, so that the same wish is held once. */
  readonly tags: Set<string>;
}

export const noWishes = (): Wishes => ({ all: false, names: new Set(), tags: new Set() });

/** Slots that have joined, and that have left. */
export interface CatalogueChange {
  readonly added: readonly number[];
  readonly removed: readonly { readonly slot: number; readonly name: string }[];
}

export interface CatalogueSlots {
  /** Brings the table's names in step with the catalogue. */
  sync(): Promise<void>;
  /** Hears of each change, whoever's {@link sync} came upon it. */
  listen(listener: (change: CatalogueChange) => void): void;
  /** After {@link sync}. Names that no catalogue entry has select nothing. */
  select(wishes: Wishes): Promise<{ selection: Selection; count: number }>;
  has(name: string): boolean;
}

export function createCatalogueSlots({ table, names, catalogue, tags }: { table: LatestValues; names: ChannelNames; catalogue: Pick<CatalogueStore, 'resolve'>; tags: Pick<TagStore, 'groups'> }): CatalogueSlots {
  const slotOfName = new Map<string, number>();
  const slotOfId = new Map<number, number>();
  let revision = -1;

  /** The choices that a wish stands for: each of a list by itself, for any of them is enough. */
  const choicesOf = async (wish: string): Promise<Record<string, string[]>[]> => {
    const groups = await tags.groups();
    const wanted = JSON.parse(wish) as Record<string, string[]> | string[];
    if (!Array.isArray(wanted)) return [tagFilterIds(groups, wanted)];
    return (await tagIds(groups, wanted)).map((id) => ({ [groups.find((group) => group.tags.some((tag) => tag.id === id))!.id]: [id] }));
  };

  const sync = async (): Promise<void> => {
    const known = await names.current().catch((error: unknown) => {
      // Watching needs no database once the names are known; a change of the catalogue needs it too.
      if (revision >= 0 && error instanceof DreyError && error.code === 'unavailable') return undefined;
      throw error;
    });
    if (!known || known.revision === revision) return;
    revision = known.revision;
    const added: number[] = [];
    const removed: { slot: number; name: string }[] = [];
    for (const [name, slot] of slotOfName) {
      if (known.byName.has(name)) continue;
      slotOfName.delete(name);
      slotOfId.delete(table.columns.channel[slot]!);
      table.forgetName(slot);
      removed.push({ slot, name });
    }
    for (const [name, { id }] of known.byName) {
      if (slotOfName.has(name)) continue;
      const slot = table.slotFor(id, name);
      slotOfName.set(name, slot);
      slotOfId.set(id, slot);
      added.push(slot);
    }
    listener({ added, removed });
  };
  let syncing: Promise<void> | undefined;
  let listener: (change: CatalogueChange) => void = () => {};

  return {
    has: (name) => slotOfName.has(name),
    listen: (given) => void (listener = given),
    // Hundreds who come at once ask the database once.
    sync: () => (syncing ??= sync().finally(() => (syncing = undefined))),
    select: async ({ all, names: wanted, tags: tagged }) => {
      if (all) return { selection: null, count: slotOfName.size };
      const selection = new Uint8Array(table.size);
      for (const name of wanted) {
        const slot = slotOfName.get(name);
        if (slot !== undefined) selection[slot] = 1;
      }
      for (const wish of tagged) {
        for (const choice of await choicesOf(wish)) {
          for (const id of (await catalogue.resolve({ kind: 'tags', tags: choice })).channels) {
            const slot = slotOfId.get(id);
            if (slot !== undefined) selection[slot] = 1;
          }
        }
      }
      return { selection, count: selection.reduce((sum, one) => sum + one, 0) };
    },
  };
}

/** Two selections of the same channels have the same print, so that a client that comes back is known to want the same. */
export function printOf(selection: Selection): string {
  if (selection === null) return 'all';
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  let count = 0;
  for (let slot = 0; slot < selection.length; slot++) {
    if (selection[slot] !== 1) continue;
    a = Math.imul(a ^ slot, 0x01000193);
    b = Math.imul(b + slot, 0x85ebca6b) ^ (b >>> 13);
    count++;
  }
  return `${count}-${(a >>> 0).toString(36)}${(b >>> 0).toString(36)}`;
}
