/** The rows of a restore as binary COPY: fixed widths, one buffer. */
import type { StoredRestore } from '../port.ts';
import { copyHeader, copyTrailer } from './value-layout.ts';

/** In the order of {@link encodeRestoreRows}. */
export const restoreRowColumns = 'restore, row, channel, code, outcome, why, attempted';

const rowBytes = 2 + 7 * 4 + 4 * 4 + 2 * 2 + 1;

export function encodeRestoreRows(number: number, restore: StoredRestore): Buffer {
  const rows = restore.channel.length;
  const out = Buffer.allocUnsafeSlow(copyHeader.length + rows * rowBytes + copyTrailer.length);
  out.set(copyHeader);
  let at = copyHeader.length;
  const int = (value: number): void => {
    at = out.writeInt32BE(4, at);
    at = out.writeInt32BE(value, at);
  };
  const short = (value: number): void => {
    at = out.writeInt32BE(2, at);
    at = out.writeInt16BE(value, at);
  };
  for (let row = 0; row < rows; row++) {
    at = out.writeInt16BE(7, at);
    int(number);
    int(row);
    int(restore.channel[row]!);
    int(restore.code[row]!);
    short(restore.outcome[row]!);
    short(restore.why[row]!);
    at = out.writeInt32BE(1, at);
    at = out.writeInt8(restore.attempted[row]!, at);
  }
  out.set(copyTrailer, at);
  return out;
}
