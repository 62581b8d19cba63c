/** Why a row of a restore is not written, or ended as it did: one wording, with the values and limits at stake, for plan, outcome, audit log and job. */
import { restoreReasonNames, restoreReasonSentences, type RestoreReason } from '../contracts/restores.ts';
import { ReadOutcome, ValueKind, valueKindNames, type ValueColumns } from '../contracts/values.ts';
import { numericElements } from './arrays.ts';
import type { MetaOf } from './compare.ts';
import { jsonNumber } from './json-values.ts';

export const reasonName = (why: number): RestoreReason => restoreReasonNames[why] ?? 'none';

/** Without values. */
export function reasonSentence(why: RestoreReason, code = 0): string {
  return `${restoreReasonSentences[why]}${code === 0 ? '' : ` (protocol error ${code})`}`;
}

/** `target`: what was to be written, as saved where it does not fit; `live`: what was there. */
export function restoreSentence(why: RestoreReason, code: number, { target, live, row, metaOf }: { target: ValueColumns; live: ValueColumns; row: number; metaOf: MetaOf }): string {
  // A job that went on after a crash knows no more of rows that it does not write.
  if (live.outcome[row] !== ReadOutcome.ok) return reasonSentence(why, code);
  const meta = metaOf(live.metaHash[row]!);
  switch (why) {
    case 'outOfLimits':
      if (!meta?.control) return reasonSentence(why, code);
      return `${jsonNumber(target.num[row]!)} is outside the drive limits ${meta.control.low} to ${meta.control.high}${meta.units ? ` ${meta.units}` : ''}`;
    case 'wrongType': {
      const scalar = target.bytes.has(row) || target.kind[row] === ValueKind.text ? '' : ` (${jsonNumber(target.num[row]!)})`;
      return `saved as ${typeOf(target, row)}${scalar}, the channel is ${typeOf(live, row)}${meta?.maxElements ? ` of at most ${meta.maxElements}` : ''}`;
    }
    case 'labelGone':
      return `the saved label "${metaOf(target.metaHash[row]!)?.labels?.[target.num[row]!] ?? target.num[row]}" is not among ${meta?.labels?.map((label) => `"${label}"`).join(', ') ?? 'the labels'}`;
    default:
      return reasonSentence(why, code);
  }
}

function typeOf(columns: ValueColumns, row: number): string {
  const bytes = columns.bytes.get(row);
  const numbers = bytes === undefined || columns.rawText.has(row) ? undefined : numericElements(columns.kind[row]!, bytes);
  return `${numbers ? `${numbers.length} x ` : bytes && !columns.rawText.has(row) ? 'array of ' : ''}${valueKindNames[columns.kind[row]!]}`;
}
