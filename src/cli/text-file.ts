/** Files that commands are given. */
import { readFileSync } from 'node:fs';
import { DreyError } from '../contracts/errors.ts';

/** `-` is standard input. */
export function readText(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file === '-' ? 0 : file));
  } catch (error) {
    if (error instanceof TypeError) throw new DreyError('badInput', `${file} is not UTF-8 text`);
    throw new DreyError('badInput', `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
