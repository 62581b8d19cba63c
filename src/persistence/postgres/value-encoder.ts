/**
 * Columns to rows of binary COPY, straight into buffers: no object and no string per row (S3: every
 * bit of a number is carried over as it is). 64-bit columns are moved as halves, because a BigInt
 * per row costs more than all the rest.
 */
import { ReadOutcome, ValueKind, type ValueColumns } from '../../contracts/values.ts';
import { channelOrder } from './channel-order.ts';
import { copyHeader, copyTrailer, valueColumnNames } from './value-layout.ts';

const chunkBytes = 256 * 1024;
/** Field count, a length for each field, and the widest fixed fields. */
const fixedBytes = 2 + valueColumnNames.length * 4 + 3 * 8 + 3 * 4 + 4 * 2 + 1;
/** Arrays from here on go out as buffers of their own. */
const ownBufferBytes = 16 * 1024;

export interface ValueEncoder {
  /** Buffers as the rows fill them, so that the first is on its way while the next is made. They are the caller's. */
  encode(part: ValueColumns): Iterable<Buffer>;
  /** What is left, and the end mark. */
  finish(): Iterable<Buffer>;
  readonly rows: number;
}

export function createValueEncoder(snapshot: number): ValueEncoder {
  let out = Buffer.allocUnsafeSlow(chunkBytes);
  let view = new DataView(out.buffer);
  let from = 0;
  let at = 0;
  let rows = 0;
  let full: Buffer[] = [];

  const cut = (): void => {
    if (at > from) full.push(out.subarray(from, at));
    from = at;
  };
  const room = (bytes: number): void => {
    if (at + bytes <= out.length) return;
    cut();
    out = Buffer.allocUnsafeSlow(chunkBytes);
    view = new DataView(out.buffer);
    from = at = 0;
  };
  const long = (halves: Int32Array, i: number): void => {
    const low = halves[2 * i]!;
    const high = halves[2 * i + 1]!;
    if (low === 0 && high === 0) {
      absent();
      return;
    }
    view.setInt32(at, 8);
    view.setInt32(at + 4, high);
    view.setInt32(at + 8, low);
    at += 12;
  };
  const int = (value: number): void => {
    view.setInt32(at, 4);
    view.setInt32(at + 4, value);
    at += 8;
  };
  const short = (value: number): void => {
    view.setInt32(at, 2);
    view.setInt16(at + 4, value);
    at += 6;
  };
  const absent = (): void => {
    view.setInt32(at, -1);
    at += 4;
  };
  const bytes = (value: Uint8Array): void => {
    room(4 + Math.min(value.length, ownBufferBytes));
    view.setInt32(at, value.length);
    at += 4;
    if (value.length <= ownBufferBytes) {
      out.set(value, at);
      at += value.length;
    } else {
      cut();
      full.push(Buffer.from(value));
    }
  };
  const text = (value: string): void => {
    // A UTF-16 unit is at most three bytes of UTF-8.
    if (value.length * 3 > chunkBytes - 4) {
      bytes(Buffer.from(value));
      return;
    }
    room(4 + value.length * 3);
    const length = out.write(value, at + 4, 'utf8');
    view.setInt32(at, length);
    at += 4 + length;
  };

  out.set(copyHeader);
  at = copyHeader.length;

  return {
    get rows() {
      return rows;
    },
    encode: function* (part) {
      const times = halvesOf(part.timeNs);
      const metas = halvesOf(part.metaHash);
      const numbers = halvesOf(part.num);
      const order = channelOrder(part.channel);
      const held = heldOf(part);
      for (let i = 0; i < part.length; i++) {
        const row = order === undefined ? i : order[i]!;
        const kind = part.kind[row]!;
        const array = held[row]! & holds.array ? part.bytes.get(row) : undefined;
        room(fixedBytes);
        view.setInt16(at, valueColumnNames.length);
        at += 2;
        long(times, row);
        long(metas, row);
        if (numbers[2 * row] === 0 && numbers[2 * row + 1] === 0 && hasNumber(part.outcome[row]!, kind, array)) {
          view.setInt32(at, 8);
          view.setInt32(at + 4, 0);
          view.setInt32(at + 8, 0);
          at += 12;
        } else long(numbers, row);
        int(snapshot);
        int(part.channel[row]!);
        if (part.code[row] === 0) absent();
        else int(part.code[row]!);
        short(part.outcome[row]!);
        short(kind);
        short(part.severity[row]!);
        short(part.status[row]!);
        if (held[row]! & holds.raw) {
          view.setInt32(at, 1);
          view.setInt8(at + 4, 1);
          at += 5;
        } else absent();
        const words = held[row]! & holds.text ? part.text.get(row) : undefined;
        if (words === undefined) absent();
        else text(words);
        room(4);
        if (array === undefined) absent();
        else bytes(array);
        rows += 1;
        if (full.length > 0) yield* taken();
      }
    },
    finish: () => {
      room(copyTrailer.length);
      out.set(copyTrailer, at);
      at += copyTrailer.length;
      cut();
      return taken();
    },
  };

  function taken(): Buffer[] {
    const done = full;
    full = [];
    return done;
  }
}

const holds = { text: 1, array: 2, raw: 4 } as const;

/** Bits of what a row has beside its number: three looks into maps for each row take longer than all that is looked for. */
function heldOf({ length, text, bytes, rawText }: ValueColumns): Uint8Array {
  const held = new Uint8Array(length);
  for (const row of text.keys()) held[row]! |= holds.text;
  for (const row of bytes.keys()) held[row]! |= holds.array;
  for (const row of rawText) held[row]! |= holds.raw;
  return held;
}

/** Rows whose number means something keep their zero; for the others zero is "none". */
const hasNumber = (outcome: number, kind: number, array: Uint8Array | undefined): boolean =>
  outcome === ReadOutcome.ok && kind !== ValueKind.text && kind !== ValueKind.none && array === undefined;

const halvesOf = (column: BigInt64Array | Float64Array): Int32Array => new Int32Array(column.buffer, column.byteOffset, column.length * 2);
