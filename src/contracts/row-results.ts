/** What became of the rows of a restore, as columns; and as runs, which is how the restore log carries them: most rows end alike. */
import type { RowResult } from './work.ts';

export interface RowResults {
  readonly length: number;
  /** RestoreOutcome. */
  readonly outcome: Uint8Array;
  /** Index in restoreReasonNames. */
  readonly why: Uint8Array;
  /** Protocol error code or 0. */
  readonly code: Uint16Array;
}

/** `given`: what all rows are to begin with; nothing yet unless said. */
export function rowResults(length: number, [outcome, why, code]: RowResult = [0, 0, 0]): RowResults {
  return { length, outcome: new Uint8Array(length).fill(outcome), why: new Uint8Array(length).fill(why), code: new Uint16Array(length).fill(code) };
}

export function setRowResult(results: RowResults, row: number, [outcome, why, code]: RowResult): void {
  results.outcome[row] = outcome;
  results.why[row] = why;
  results.code[row] = code;
}

/** Rows `from` to `to`. */
export function runsOf({ outcome, why, code }: RowResults, from: number, to: number): RowResult[] {
  const runs: RowResult[] = [];
  for (let row = from, next = from; row < to; row = next) {
    do next += 1;
    while (next < to && outcome[next] === outcome[row] && why[next] === why[row] && code[next] === code[row]);
    runs.push([outcome[row] as RowResult[0], why[row]!, code[row]!, next - row]);
  }
  return runs;
}

/** Row by row. */
export function unrolled(runs: readonly RowResult[]): RowResult[] {
  return runs.flatMap(([outcome, why, code, rows = 1]) => new Array<RowResult>(rows).fill([outcome, why, code]));
}
