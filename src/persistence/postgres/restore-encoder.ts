/** The rows of a restore as binary COPY into restore_part, some hundred of them in each part. */
import { encodeLeanFrame } from '../../contracts/frame.ts';
import { sliceValueColumns, type ValueColumns } from '../../contracts/values.ts';
import type { StoredRestore } from '../port.ts';
import { copyHeader, copyTrailer } from './value-layout.ts';

/** In the order of {@link encodeRestoreParts}. */
export const restorePartColumns = 'restore, first_row, lowest, highest, channel, outcome, why, code, attempted, before_values, target_values, after_values';

const fields = 12;
/** Few enough that a look at one row reads little, enough that their number costs nothing. */
const rowsPerPart = 512;

const elementTypes = { int4: { oid: 23, bytes: 4 }, int2: { oid: 21, bytes: 2 }, bool: { oid: 16, bytes: 1 } } as const;

export function* encodeRestoreParts(number: number, restore: StoredRestore): Generator<Buffer> {
  yield Buffer.from(copyHeader);
  for (let from = 0; from < restore.channel.length; from += rowsPerPart) yield encodePart(number, restore, from, Math.min(from + rowsPerPart, restore.channel.length));
  yield Buffer.from(copyTrailer);
}

function encodePart(number: number, restore: StoredRestore, from: number, to: number): Buffer {
  const channel = restore.channel.subarray(from, to);
  let lowest = channel[0]!;
  let highest = lowest;
  for (const id of channel) {
    if (id < lowest) lowest = id;
    if (id > highest) highest = id;
  }
  const frame = (columns: ValueColumns): Buffer => field(encodeLeanFrame(null, sliceValueColumns(columns, from, to)));
  const head = Buffer.allocUnsafe(2 + 4 * 8);
  let at = head.writeInt16BE(fields, 0);
  for (const value of [number, from, lowest, highest]) at = head.writeInt32BE(value, head.writeInt32BE(4, at));
  return Buffer.concat([
    head,
    array('int4', channel), array('int2', restore.outcome.subarray(from, to)),
    arrayUnlessZero('int2', restore.why.subarray(from, to)), arrayUnlessZero('int4', restore.code.subarray(from, to)),
    array('bool', restore.attempted.subarray(from, to)),
    frame(restore.before), frame(restore.target), frame(restore.after),
  ]);
}

function field(bytes: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(4 + bytes.length);
  out.writeInt32BE(bytes.length);
  out.set(bytes, 4);
  return out;
}

type Numbers = Int32Array | Uint16Array | Uint8Array;

const absent = Buffer.from([0xff, 0xff, 0xff, 0xff]);

const arrayUnlessZero = (type: keyof typeof elementTypes, values: Numbers): Buffer => (values.some((value) => value !== 0) ? array(type, values) : absent);

/** A one-dimensional Postgres array as the wire has it. */
function array(type: keyof typeof elementTypes, values: Numbers): Buffer {
  const { oid, bytes } = elementTypes[type];
  const out = Buffer.allocUnsafe(4 + 20 + values.length * (4 + bytes));
  let at = out.writeInt32BE(out.length - 4);
  // Dimensions, whether any is null, type of the elements, their number, index of the first.
  for (const value of [1, 0, oid, values.length, 1]) at = out.writeInt32BE(value, at);
  for (const value of values) at = out.writeIntBE(value, out.writeInt32BE(bytes, at), bytes);
  return out;
}
