/**
 * Names of the catalogue's channels to ids and back, kept in memory and renewed when the catalogue
 * has a new revision: thousands of names a second are asked for by live views.
 */
import type { CatalogueChannel } from '../../contracts/catalogue.ts';
import type { CatalogueStore } from '../../persistence/port.ts';

const pageSize = 20_000;

export interface ChannelNames {
  /** As of the catalogue's newest revision. */
  current(): Promise<{ readonly byName: ReadonlyMap<string, CatalogueChannel>; readonly revision: number }>;
}

export function createChannelNames(catalogue: CatalogueStore): ChannelNames {
  let known: { byName: Map<string, CatalogueChannel>; revision: number } | undefined;
  let loading: Promise<void> | undefined;

  const load = async (): Promise<void> => {
    const byName = new Map<string, CatalogueChannel>();
    for (let after = 0, more = true, revision = -1; more; ) {
      const page = await catalogue.channels({ after, limit: pageSize });
      // The catalogue changed between two pages: from the start, on the newer one.
      if (revision >= 0 && page.revision !== revision) {
        byName.clear();
        after = 0;
        revision = -1;
        continue;
      }
      revision = page.revision;
      for (const channel of page.channels) byName.set(channel.name, channel);
      after = page.channels.at(-1)?.id ?? after;
      more = page.more;
      if (!more) known = { byName, revision };
    }
  };

  return {
    current: async () => {
      const { catalogue: revision } = await catalogue.revisions();
      // A load that was under way already may have missed the newest revision.
      while (known === undefined || known.revision < revision) await (loading ??= load().finally(() => { loading = undefined; }));
      return known;
    },
  };
}
