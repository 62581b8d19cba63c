/** Faults as people read them, and the exit code that scripts read. */
import { DreyError, type ErrorCode } from '../contracts/errors.ts';

/** 0 done. */
export const exitCodes = {
  /** Something failed; the message says what. */
  failed: 1,
  /** The command or its input was wrong; nothing was done. */
  usage: 2,
  /** Done, and not everything is as it should be: differences found, rows not restored. */
  incomplete: 3,
  /** Drey, or something it needs, cannot be reached. */
  unavailable: 4,
} as const;

const usage: readonly ErrorCode[] = ['badInput', 'invalid', 'notFound', 'conflict', 'tooLarge', 'unauthorised', 'forbidden'];
const unavailable: readonly ErrorCode[] = ['unavailable', 'timeout'];

/** Prints the fault to standard error; returns the exit code. */
export function reportFault(error: unknown): number {
  if (!(error instanceof DreyError)) {
    const named = error instanceof Error && error.name !== 'Error' && error.name !== 'TypeError';
    process.stderr.write(`drey: ${error instanceof Error ? (named ? error.message : (error.stack ?? error.message)) : String(error)}\n`);
    return exitCodes.failed;
  }
  process.stderr.write(`drey: ${error.message}\n`);
  const faults = error.faults ?? [];
  // A single one is mostly the headline already.
  if (faults.length > 1 || !error.message.includes(faults[0] ?? '')) for (const fault of faults) process.stderr.write(`  - ${fault}\n`);
  if (usage.includes(error.code)) return exitCodes.usage;
  return unavailable.includes(error.code) ? exitCodes.unavailable : exitCodes.failed;
}
