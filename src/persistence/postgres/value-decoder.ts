/** Rows of binary COPY to columns, one message at a time. The other half of value-encoder.ts. */
import { copyValueRow, emptyValueColumns, sliceValueColumns, type ValueColumns } from '../../contracts/values.ts';
import { channelOrder } from './channel-order.ts';
import { copyHeader, valueColumnNames } from './value-layout.ts';

export interface ValueDecoder {
  /** One CopyData message: Postgres sends one per row, the header before the first, the end mark by itself. */
  message(chunk: Buffer): void;
  columns(): ValueColumns;
}

/** `expected` rows: exact is quickest, any other number is right too. */
export function createValueDecoder(expected: number): ValueDecoder {
  let columns = emptyValueColumns(expected);
  let times = halvesOf(columns.timeNs);
  let metas = halvesOf(columns.metaHash);
  let numbers = halvesOf(columns.num);
  let row = 0;
  let started = false;

  const grow = (): void => {
    const larger = { ...emptyValueColumns(Math.max(64, columns.length * 2)), text: columns.text, bytes: columns.bytes, rawText: columns.rawText };
    for (const name of ['channel', 'outcome', 'kind', 'severity', 'status', 'num', 'code'] as const) larger[name].set(columns[name]);
    for (const name of ['timeNs', 'metaHash'] as const) larger[name].set(columns[name]);
    columns = larger;
    times = halvesOf(columns.timeNs);
    metas = halvesOf(columns.metaHash);
    numbers = halvesOf(columns.num);
  };

  return {
    message: (chunk) => {
      let at = 0;
      if (!started) {
        started = true;
        at = copyHeader.length;
        if (at === chunk.length) return;
      }
      const fields = chunk.readInt16BE(at);
      if (fields === -1) return;
      if (fields !== valueColumnNames.length) throw new Error(`a stored row has ${fields} columns, not ${valueColumnNames.length}`);
      at += 2;
      if (row === columns.length) grow();
      const long = (halves: Int32Array): void => {
        const length = chunk.readInt32BE(at);
        at += 4;
        if (length < 0) return;
        halves[2 * row + 1] = chunk.readInt32BE(at);
        halves[2 * row] = chunk.readInt32BE(at + 4);
        at += 8;
      };
      const short = (): number => {
        at += 6;
        return chunk[at - 1]!;
      };
      long(times);
      long(metas);
      long(numbers);
      at += 8; // the snapshot, which is the same in all
      columns.channel[row] = chunk.readInt32BE(at + 4);
      at += 8;
      if (chunk.readInt32BE(at) >= 0) {
        columns.code[row] = chunk.readInt32BE(at + 4);
        at += 4;
      }
      at += 4;
      columns.outcome[row] = short();
      columns.kind[row] = short();
      columns.severity[row] = short();
      columns.status[row] = short();
      if (chunk.readInt32BE(at) >= 0) {
        columns.rawText.add(row);
        at += 1;
      }
      at += 4;
      const textLength = chunk.readInt32BE(at);
      at += 4;
      if (textLength >= 0) {
        columns.text.set(row, chunk.toString('utf8', at, at + textLength));
        at += textLength;
      }
      const arrayLength = chunk.readInt32BE(at);
      at += 4;
      // A copy with a buffer of its own: the message's is used again, and typed arrays want alignment.
      if (arrayLength >= 0) columns.bytes.set(row, new Uint8Array(chunk.subarray(at, at + arrayLength)));
      row += 1;
    },
    columns: () => ascending(row === columns.length ? columns : sliceValueColumns(columns, 0, row)),
  };
}

/** Parts that were gathered out of order lie so in the table. Sorting here is quicker than in SQL, which would sort the texts and arrays along. */
function ascending(columns: ValueColumns): ValueColumns {
  const order = channelOrder(columns.channel);
  if (order === undefined) return columns;
  const sorted = emptyValueColumns(columns.length);
  order.forEach((from, to) => copyValueRow(columns, from, sorted, to));
  return sorted;
}

const halvesOf = (column: BigInt64Array | Float64Array): Int32Array => new Int32Array(column.buffer, column.byteOffset, column.length * 2);
