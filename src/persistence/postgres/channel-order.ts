/** Rows by ascending channel id: the order in which the key's index likes them, and in which readers get them. */

/** A row number takes this much of a double's 53 exact bits; a channel id takes the other 31. */
const rows = 2 ** 22;

/** The rows in the order of their channels; undefined when they are in order already. */
export function channelOrder(channel: Int32Array): Uint32Array | undefined {
  let sorted = true;
  for (let i = 1; i < channel.length && sorted; i++) sorted = channel[i - 1]! <= channel[i]!;
  if (sorted) return undefined;
  if (channel.length > rows) throw new RangeError(`${channel.length} rows in one part, at most ${rows} can be sorted`);
  // Channel and row in one number, which sorts without a callback.
  const keys = new Float64Array(channel.length);
  for (let i = 0; i < channel.length; i++) keys[i] = channel[i]! * rows + i;
  keys.sort();
  const order = new Uint32Array(channel.length);
  for (let i = 0; i < keys.length; i++) order[i] = keys[i]! % rows;
  return order;
}
