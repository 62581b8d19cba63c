/** Identity of a description: the same description has the same number everywhere and for ever. */
import { contentHash } from '../../../kernel/content-hash.ts';
import type { ChannelMeta } from '../../../contracts/values.ts';

export { canonical } from '../../../kernel/content-hash.ts';

export const metaHash = (meta: ChannelMeta): bigint => contentHash(meta);
