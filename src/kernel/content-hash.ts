/** Identity of a thing by what it says: the same content has the same number everywhere and for ever. */
import { createHash } from 'node:crypto';

/** First 8 bytes of the SHA-256 of the canonical JSON, as a signed number. 0 is kept for "unknown". */
export function contentHash(content: unknown): bigint {
  const hash = createHash('sha256').update(canonical(content)).digest().readBigInt64BE(0);
  return hash === 0n ? 1n : hash;
}

/** Keys sorted, absent ones left out; numbers that JSON lacks by name. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, part]) => part !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, part]) => `${JSON.stringify(key)}:${canonical(part)}`).join(',')}}`;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return `"${value}"`;
  return JSON.stringify(value);
}
