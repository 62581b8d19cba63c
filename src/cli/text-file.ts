/** Files that commands read and write. */
import { closeSync, createReadStream, createWriteStream, openSync, readFileSync, readSync, renameSync, rmSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
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

/** Under its name only when it is whole. */
export async function writePieces(file: string, pieces: AsyncIterable<Uint8Array> | Iterable<string>): Promise<void> {
  const part = `${file}.part`;
  try {
    await pipeline(pieces, createWriteStream(part));
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    if (!ofFiles.includes((error as NodeJS.ErrnoException).syscall ?? '')) throw error;
    throw new DreyError('badInput', `${file} cannot be written: ${(error as Error).message.replaceAll(part, file)}`, { cause: error });
  }
}
const ofFiles = ['open', 'write', 'close', 'rename'];

function reading<Result>(file: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw new DreyError('badInput', `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
