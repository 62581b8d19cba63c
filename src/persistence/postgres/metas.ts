/** Descriptions of channels by the hash of their content: what is stored once never changes, so it is kept in memory too. */
import { metaFromText, metaToText } from '../../contracts/meta-text.ts';
import type { ChannelMeta } from '../../contracts/values.ts';
import type { Database } from './database.ts';

const keptInMemory = 20_000;

export interface MetaTable {
  unknown(hashes: readonly bigint[]): Promise<bigint[]>;
  save(metas: ReadonlyMap<bigint, ChannelMeta>): Promise<void>;
  read(hashes: Iterable<bigint>): Promise<Map<bigint, ChannelMeta>>;
}

export function createMetaTable(database: Database): MetaTable {
  const known = new Map<bigint, ChannelMeta>();
  const keep = (hash: bigint, meta: ChannelMeta): void => {
    if (known.size >= keptInMemory) known.delete(known.keys().next().value!);
    known.set(hash, meta);
  };
  const read = async (hashes: Iterable<bigint>): Promise<Map<bigint, ChannelMeta>> => {
    const found = new Map<bigint, ChannelMeta>();
    const missing: bigint[] = [];
    for (const hash of new Set(hashes)) {
      const meta = known.get(hash);
      if (meta) found.set(hash, meta);
      else if (hash !== 0n) missing.push(hash);
    }
    if (missing.length > 0) {
      const rows = await database.rows<{ hash: bigint; meta: string }>('select hash, meta from channel_meta where hash = any($1::int8[])', [`{${missing.join(',')}}`]);
      for (const row of rows) {
        const meta = metaFromText(row.meta);
        found.set(row.hash, meta);
        keep(row.hash, meta);
      }
    }
    return found;
  };
  return {
    read,
    unknown: async (hashes) => {
      const found = await read(hashes);
      return [...new Set(hashes)].filter((hash) => !found.has(hash));
    },
    save: async (metas) => {
      const fresh = [...metas].filter(([hash]) => !known.has(hash));
      if (fresh.length === 0) return;
      await database.rows(
        'insert into channel_meta (hash, meta) select * from unnest($1::int8[], $2::text[]) x(hash, meta) order by hash on conflict (hash) do nothing',
        [`{${fresh.map(([hash]) => hash).join(',')}}`, fresh.map(([, meta]) => metaToText(meta))],
      );
      for (const [hash, meta] of fresh) keep(hash, meta);
    },
  };
}
