/** Rows of binary COPY to columns, one message at a time. The other half of value-encoder.ts; of its columns those of readColumns. */
import { emptyValueColumns, ReadOutcome, sliceValueColumns, type ValueColumns } from '../../contracts/values.ts';
import type { TakeRow } from './copy-out.ts';
import { copyHeader, readColumns } from './value-layout.ts';

export interface ValueDecoder {
  /** One CopyData message: Postgres sends one per row, the header before the first, the end mark by itself. */
  readonly row: TakeRow;
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
  let chunk: Buffer | undefined;
  let view: DataView = new DataView(new ArrayBuffer(0));
  let at = 0;

  const grow = (): void => {
    const larger = { ...emptyValueColumns(Math.max(64, columns.length * 2)), text: columns.text, bytes: columns.bytes, rawText: columns.rawText };
    for (const name of ['channel', 'outcome', 'kind', 'severity', 'status', 'num', 'code'] as const) larger[name].set(columns[name]);
    for (const name of ['timeNs', 'metaHash'] as const) larger[name].set(columns[name]);
    columns = larger;
    times = halvesOf(columns.timeNs);
    metas = halvesOf(columns.metaHash);
    numbers = halvesOf(columns.num);
  };

  const long = (halves: Int32Array): void => {
    const length = view.getInt32(at);
    at += 4;
    if (length < 0) return;
    halves[2 * row + 1] = view.getInt32(at);
    halves[2 * row] = view.getInt32(at + 4);
    at += 8;
  };

  /** A number below 256 in two bytes. */
  const small = (absent: number): number => {
    const there = view.getInt32(at) >= 0;
    at += there ? 6 : 4;
    return there ? view.getUint8(at - 1) : absent;
  };

  return {
    row: (bytes, from, to) => {
      if (bytes !== chunk) {
        chunk = bytes;
        view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      }
      at = from;
      if (!started) {
        started = true;
        at += copyHeader.length;
        if (at === to) return;
      }
      const fields = view.getInt16(at);
      if (fields === -1) return;
      if (fields !== readColumns.length) throw new Error(`a stored row has ${fields} columns, not ${readColumns.length}`);
      at += 2;
      if (row === columns.length) grow();
      long(times);
      long(metas);
      long(numbers);
      columns.channel[row] = view.getInt32(at + 4);
      at += 8;
      if (view.getInt32(at) >= 0) {
        columns.code[row] = view.getInt32(at + 4);
        at += 4;
      }
      at += 4;
      columns.outcome[row] = small(ReadOutcome.ok);
      columns.kind[row] = small(0);
      columns.severity[row] = small(0);
      columns.status[row] = small(0);
      if (view.getInt32(at) >= 0) {
        columns.rawText.add(row);
        at += 1;
      }
      at += 4;
      const textLength = view.getInt32(at);
      at += 4;
      if (textLength >= 0) {
        columns.text.set(row, bytes.toString('utf8', at, at + textLength));
        at += textLength;
      }
      const arrayLength = view.getInt32(at);
      at += 4;
      // A copy with a buffer of its own: the socket's is used again, and typed arrays want alignment.
      if (arrayLength >= 0) columns.bytes.set(row, new Uint8Array(bytes.subarray(at, at + arrayLength)));
      row += 1;
    },
    columns: () => (row === columns.length ? columns : sliceValueColumns(columns, 0, row)),
  };
}

const halvesOf = (column: BigInt64Array | Float64Array): Int32Array => new Int32Array(column.buffer, column.byteOffset, column.length * 2);
