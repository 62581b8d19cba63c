/** Ids that grow with time (UUID version 7), so that order of id is order of making. */
import { randomBytes } from 'node:crypto';
import { DreyError } from '../../contracts/errors.ts';

let lastMs = 0;
let count = 0;

/** Strictly growing within this process: 12 bits count within a millisecond, and overflow into the next one. */
export function newUuid(): string {
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    count = 0;
  } else if (++count > 0xfff) {
    lastMs += 1;
    count = 0;
  }
  const bytes = randomBytes(16);
  bytes.writeUIntBE(lastMs, 0, 6);
  bytes.writeUInt16BE(0x7000 | count, 6);
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const isUuid = (text: string): boolean => form.test(text);

/** D1: what is no id cannot be there, and the database is not asked. */
export function knownForm(what: string, id: string): string {
  if (!isUuid(id)) throw new DreyError('notFound', `there is no ${what} ${JSON.stringify(id.slice(0, 60))}: that is no id`);
  return id;
}
