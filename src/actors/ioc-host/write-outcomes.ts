/**
 * What became of each row of a restore slice, from what the write said and what was read back. Pure.
 * R4: every row gets exactly one outcome. R2: what may or may not have been written is `unknown`.
 */
import { WriteOutcome } from '../../channel-access/port.ts';
import { RestoreOutcome, restoreReasonNames, type RestoreReason } from '../../contracts/restores.ts';
import { ReadOutcome, ValueKind, type ValueColumns } from '../../contracts/values.ts';
import type { RowResult } from '../../contracts/work.ts';
import { compareRows, type Tolerance } from '../../snapshots/compare.ts';

export function result(outcome: RestoreOutcome, reason: RestoreReason = 'none', code = 0): RowResult {
  return [outcome, restoreReasonNames.indexOf(reason), code];
}

export type ReadBack = 'same' | 'differs' | 'missing';

/** Whether the value may have reached the IOC, so that reading it back says something. */
export function wasSent(outcome: number): boolean {
  return outcome === WriteOutcome.done || outcome === WriteOutcome.timeout || outcome === WriteOutcome.lost;
}

/** What nearly every row ends with. */
const verified = result(RestoreOutcome.verified);

export function resultOf(write: number, code: number, readBack: ReadBack): RowResult {
  switch (write) {
    case WriteOutcome.done:
      if (readBack === 'same') return verified;
      return readBack === 'differs' ? result(RestoreOutcome.failed, 'differs') : result(RestoreOutcome.written, 'notReadBack');
    // The value is there, though its completion never came: a motor on its way, or a lost answer.
    case WriteOutcome.timeout:
      return readBack === 'same' ? result(RestoreOutcome.verified, 'timeout') : result(RestoreOutcome.unknown, 'timeout');
    case WriteOutcome.lost:
      return readBack === 'same' ? result(RestoreOutcome.verified, 'circuitLost') : result(RestoreOutcome.unknown, 'circuitLost');
    case WriteOutcome.disconnected:
      return result(RestoreOutcome.failed, 'disconnected');
    case WriteOutcome.noWriteAccess:
      return result(RestoreOutcome.failed, 'noWriteAccess');
    case WriteOutcome.refused:
      return result(RestoreOutcome.failed, 'refused', code);
    case WriteOutcome.doesNotFit:
      return result(RestoreOutcome.failed, 'wrongType');
    case WriteOutcome.busy:
      return result(RestoreOutcome.failed, 'busy');
    case WriteOutcome.notSent:
      return result(RestoreOutcome.failed, 'hostLost');
    default:
      // `pending`: the write ended without a word about this row.
      return result(RestoreOutcome.unknown, 'processDied');
  }
}

/** Compares target row `i` with what was read back in row `j`, as the channel's own type holds it. */
export function readBackOf(targets: ValueColumns, i: number, back: ValueColumns, j: number, tolerance: Tolerance): ReadBack {
  if (back.outcome[j] !== ReadOutcome.ok) return 'missing';
  // The target's enum is the index on the IOC now, whatever the labels were when it was saved.
  const verdict = compareRows(targets, i, back, j, tolerance, () => undefined);
  if (verdict === 'same') return 'same';
  return back.kind[j] === ValueKind.float && Math.fround(targets.num[i]!) === back.num[j] && !back.bytes.has(j) ? 'same' : 'differs';
}
