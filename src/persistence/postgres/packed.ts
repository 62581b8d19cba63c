/** Many ids as one value on the wire: tens of thousands of rows or array elements parsed one by one take longer than the query. */

/** The text form of an int4[] parameter. */
export const intArray = (ids: Int32Array | readonly number[]): string => `{${ids.join(',')}}`;

/** What `string_agg(int4send(x), ''::bytea)` gives; null when there was no row. */
export function unpackInts(packed: Buffer | null): Int32Array {
  if (packed === null) return new Int32Array(0);
  const ids = new Int32Array(packed.length / 4);
  for (let i = 0; i < ids.length; i++) ids[i] = packed.readInt32BE(i * 4);
  return ids;
}

/** What `string_agg(float8send(x), ''::bytea)` gives. */
export function unpackDoubles(packed: Buffer | null): Float64Array {
  const numbers = new Float64Array((packed?.length ?? 0) / 8);
  for (let i = 0; i < numbers.length; i++) numbers[i] = packed!.readDoubleBE(i * 8);
  return numbers;
}

export { indexIn } from '../../snapshots/compare-columns.ts';
