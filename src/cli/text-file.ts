/** Files that commands are given. */
import { closeSync, createReadStream, openSync, readFileSync, readSync } from 'node:fs';
import { DreyError } from '../contracts/errors.ts';
import { textOfFile } from '../formats/file-text.ts';

/** `-` is standard input. */
export function readText(file: string): string {
  const read = textOfFile(reading(file, () => readFileSync(file === '-' ? 0 : file)));
  if ('fault' in read) throw new DreyError('badInput', `${file} cannot be read: ${read.fault}`);
  return read.text;
}

/** Enough of a file to see what it is. */
export function readStart(file: string): string {
  return reading(file, () => {
    const handle = openSync(file, 'r');
    try {
      const bytes = Buffer.alloc(65_536);
      return bytes.subarray(0, readSync(handle, bytes, 0, bytes.length, null)).toString();
    } finally {
      closeSync(handle);
    }
  });
}

/** The file in pieces, for one that need not fit into memory. */
export const readPieces = (file: string): AsyncIterable<Uint8Array> => createReadStream(file, { highWaterMark: 262_144 });

function reading<Result>(file: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw new DreyError('badInput', `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
