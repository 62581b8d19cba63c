/**
 * Descriptions as JSON that loses nothing (S3). JSON has no infinities, and a limit that is open on one
 * side is infinite: such numbers are objects {"number": "-Infinity"}, which no number is otherwise.
 */
import type { ChannelMeta } from './values.ts';

const lacking = (value: unknown): value is number => typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0));

export const metaToText = (meta: ChannelMeta): string =>
  JSON.stringify(meta, (_, value: unknown) => (lacking(value) ? { number: Object.is(value, -0) ? '-0' : String(value) } : value));

/** For JSON.parse, of one description or of anything that holds some. */
export const reviveMeta = (_: string, value: unknown): unknown => (typeof value === 'object' && value !== null && 'number' in value ? Number(value.number) : value);

export const metaFromText = (text: string): ChannelMeta => JSON.parse(text, reviveMeta) as ChannelMeta;
