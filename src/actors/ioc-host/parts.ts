/** Cuts columns into messages that the bus takes. Pure. */
import { ReadOutcome, type ValueColumns } from '../../contracts/values.ts';

export interface Part {
  readonly from: number;
  readonly to: number;
}

/** What a row takes in a frame beside its text and array. */
const rowBytes = 40;
/** Room for the head of a frame. */
export const headBytes = 1_024;

/**
 * Ranges of rows whose frames stay below `target` bytes; a row larger than that travels alone. A row
 * larger than `limit` cannot travel at all and becomes `tooLarge` (S1), in place.
 */
export function partsOf(columns: ValueColumns, target: number, limit: number): Part[] {
  if (atMost(columns) <= Math.min(target, limit)) return [{ from: 0, to: columns.length }];
  const parts: Part[] = [];
  let from = 0;
  let size = headBytes;
  for (let row = 0; row < columns.length; row++) {
    let bytes = sizeOf(columns, row);
    if (bytes + headBytes > limit) {
      dropValue(columns, row);
      bytes = rowBytes;
    }
    if (row > from && size + bytes > target) {
      parts.push({ from, to: row });
      from = row;
      size = headBytes;
    }
    size += bytes;
  }
  parts.push({ from, to: columns.length });
  return parts;
}

/** Of all rows in one message, without a look at each: most have neither text nor array. */
function atMost({ length, text, bytes }: ValueColumns): number {
  let size = headBytes + length * rowBytes + (text.size + bytes.size) * 12;
  // A UTF-16 unit is at most three bytes of UTF-8.
  for (const words of text.values()) size += 3 * words.length;
  for (const array of bytes.values()) size += array.length;
  return size;
}

function sizeOf(columns: ValueColumns, row: number): number {
  const text = columns.text.get(row);
  const array = columns.bytes.get(row);
  return rowBytes + (text === undefined ? 0 : 12 + Buffer.byteLength(text)) + (array === undefined ? 0 : 12 + array.length);
}

function dropValue(columns: ValueColumns, row: number): void {
  columns.outcome[row] = ReadOutcome.tooLarge;
  columns.num[row] = 0;
  columns.text.delete(row);
  columns.bytes.delete(row);
  columns.rawText.delete(row);
}
