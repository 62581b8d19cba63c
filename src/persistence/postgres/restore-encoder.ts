/** The rows of a restore as binary COPY into restore_part, some hundred of them in each part. */
import { encodeLeanFrame } from '../../contracts/frame.ts';
import { slicesOf, type ValueColumns } from '../../contracts/values.ts';
import type { StoredRestore } from '../port.ts';
import { copyHeader, copyTrailer } from './value-layout.ts';

/** In the order of {@link encodeRestoreParts}. */
export const restorePartColumns = 'restore, first_row, lowest, highest, channel, outcome, why, code, attempted, before_values, target_values, after_values';

const fields = 12;
/** Few enough that a look at one row reads little, enough that their number costs nothing. */
const rowsPerPart = 512;

/** What goes out at once: a message each part would be some hundred of them. */
const chunkBytes = 256 * 1024;

const elementTypes = { int4: { oid: 23, bytes: 4 }, int2: { oid: 21, bytes: 2 }, bool: { oid: 16, bytes: 1 } } as const;

export function* encodeRestoreParts(number: number, restore: StoredRestore): Generator<Buffer> {
  const values = [slicesOf(restore.before, rowsPerPart), slicesOf(restore.target, rowsPerPart), slicesOf(restore.after, rowsPerPart)];
  let chunk: Uint8Array[] = [Buffer.from(copyHeader)];
  let bytes = 0;
  for (let from = 0, part = 0; from < restore.channel.length; from += rowsPerPart, part++) {
    for (const piece of encodePart(number, restore, from, Math.min(from + rowsPerPart, restore.channel.length), values.map((slices) => slices[part]!))) {
      chunk.push(piece);
      bytes += piece.length;
    }
    if (bytes < chunkBytes) continue;
    yield Buffer.concat(chunk);
    chunk = [];
    bytes = 0;
  }
  chunk.push(Buffer.from(copyTrailer));
  yield Buffer.concat(chunk);
}

function encodePart(number: number, restore: StoredRestore, from: number, to: number, values: readonly ValueColumns[]): Uint8Array[] {
  const channel = restore.channel.subarray(from, to);
  let lowest = channel[0]!;
  let highest = lowest;
  for (const id of channel) {
    if (id < lowest) lowest = id;
    if (id > highest) highest = id;
  }
  const head = Buffer.allocUnsafe(2 + 4 * 8);
  let at = head.writeInt16BE(fields, 0);
  for (const value of [number, from, lowest, highest]) at = head.writeInt32BE(value, head.writeInt32BE(4, at));
  return [
    head,
    array('int4', channel), array('int2', restore.outcome.subarray(from, to)),
    arrayUnlessZero('int2', restore.why.subarray(from, to)), arrayUnlessZero('int4', restore.code.subarray(from, to)),
    array('bool', restore.attempted.subarray(from, to)),
    ...values.flatMap((columns) => field(encodeLeanFrame(null, columns))),
  ];
}

function field(bytes: Uint8Array): Uint8Array[] {
  const length = Buffer.allocUnsafe(4);
  length.writeInt32BE(bytes.length);
  return [length, bytes];
}

type Numbers = Int32Array | Uint16Array | Uint8Array;

const absent = Buffer.from([0xff, 0xff, 0xff, 0xff]);

const arrayUnlessZero = (type: keyof typeof elementTypes, values: Numbers): Uint8Array => (values.some((value) => value !== 0) ? array(type, values) : absent);

/** A one-dimensional Postgres array as the wire has it. */
function array(type: keyof typeof elementTypes, values: Numbers): Uint8Array {
  const { oid, bytes } = elementTypes[type];
  const out = new Uint8Array(4 + 20 + values.length * (4 + bytes));
  const view = new DataView(out.buffer);
  // Dimensions, whether any is null, type of the elements, their number, index of the first.
  [out.length - 4, 1, 0, oid, values.length, 1].forEach((value, word) => view.setInt32(4 * word, value));
  for (let i = 0, at = 24; i < values.length; i++, at += 4 + bytes) {
    view.setInt32(at, bytes);
    if (bytes === 4) view.setInt32(at + 4, values[i]!);
    else if (bytes === 2) view.setInt16(at + 4, values[i]!);
    else view.setInt8(at + 4, values[i]!);
  }
  return out;
}
