/** The description in force for a row, without a BigInt per row: hashes are looked up by halves, each once. */
import type { ChannelMeta } from '../contracts/values.ts';
import type { MetaOf } from './compare.ts';

export type MetaOfRow = (row: number) => ChannelMeta | undefined;

export function metaOfRows(hashes: BigInt64Array, metaOf: MetaOf): MetaOfRow {
  const halves = new Int32Array(hashes.buffer, hashes.byteOffset, 2 * hashes.length);
  const byLow = new Map<number, { readonly high: number; readonly meta: ChannelMeta | undefined }[]>();
  return (row) => {
    const low = halves[2 * row]!;
    const high = halves[2 * row + 1]!;
    const known = byLow.get(low);
    if (known !== undefined) for (const each of known) if (each.high === high) return each.meta;
    const meta = metaOf(hashes[row]!);
    if (known === undefined) byLow.set(low, [{ high, meta }]);
    else known.push({ high, meta });
    return meta;
  };
}
