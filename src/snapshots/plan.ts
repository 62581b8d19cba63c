/**
 * What a restore would do, row by row, decided before anything is written. The dry run shows this
 * plan; the run writes exactly the rows it calls `write` (R1).
 *
 * Order of the rules, the first that fits decides:
 *  1. the row is no setpoint of today's catalogue, or its entry is read-only        -> skipped
 *  2. the snapshot holds no value                                                  -> skipped
 *  3. its IOC's breaker is open                                                    -> held
 *  4. no live value (R3: what cannot be kept before is not overwritten)            -> failed
 *  5. no write access                                                              -> skipped
 *  6. the saved value does not fit the channel's type, count or labels             -> skipped
 *  7. the saved value is outside the drive limits (the IOC would clamp in silence)  -> skipped
 *  8. live value within the entry's tolerance (snapshots/compare.ts)               -> unchanged
 *  9.                                                                              -> write
 */
import { restoreReasonNames, type PlanVerdict, type RestoreReason } from '../contracts/restores.ts';
import { AccessBits, ReadOutcome, sliceValueColumns, ValueKind, type ChannelMeta, type ValueColumns } from '../contracts/values.ts';
import { elementBytes } from './arrays.ts';
import { compareRows, type MetaOf } from './compare.ts';
import { reasonName, restoreSentence } from './restore-sentence.ts';

export const planVerdicts = ['write', 'unchanged', 'skipped', 'held', 'failed'] as const satisfies readonly PlanVerdict[];

/** What today's catalogue says of a setpoint; undefined = no current entry has it. */
export interface PlannedSetpoint {
  readonly readOnly: boolean;
  readonly absTolerance: number;
  readonly relTolerance: number;
}

export interface PlanInput {
  /** Rows of the snapshot, one per setpoint channel. */
  readonly saved: ValueColumns;
  /** Live values of the same channels, in the same order. */
  readonly live: ValueColumns;
  readonly setpoints: readonly (PlannedSetpoint | undefined)[];
  readonly metaOf: MetaOf;
}

export interface Plan {
  /** Index in planVerdicts, per row. */
  readonly verdict: Uint8Array;
  /** Index in restoreReasonNames, per row. */
  readonly why: Uint8Array;
  /** What would be written, in the channel's own type now: an enum as its index on the IOC now. What does not fit stands as it was saved. */
  readonly target: ValueColumns;
  readonly counts: Record<PlanVerdict, number>;
}

export function planRestore({ saved, live, setpoints, metaOf }: PlanInput): Plan {
  const plan: Plan = {
    verdict: new Uint8Array(saved.length),
    why: new Uint8Array(saved.length),
    target: sliceValueColumns(saved, 0, saved.length),
    counts: { write: 0, unchanged: 0, skipped: 0, held: 0, failed: 0 },
  };
  for (let row = 0; row < saved.length; row++) {
    const [verdict, why] = decide(saved, live, row, setpoints[row], metaOf, plan.target);
    plan.verdict[row] = planVerdicts.indexOf(verdict);
    plan.why[row] = restoreReasonNames.indexOf(why);
    plan.counts[verdict] += 1;
  }
  return plan;
}

function decide(saved: ValueColumns, live: ValueColumns, row: number, setpoint: PlannedSetpoint | undefined, metaOf: MetaOf, target: ValueColumns): [PlanVerdict, RestoreReason] {
  if (setpoint === undefined) return ['skipped', 'notInCatalogue'];
  if (setpoint.readOnly) return ['skipped', 'readOnlyEntry'];
  if (saved.outcome[row] !== ReadOutcome.ok) return ['skipped', 'noSavedValue'];
  const outcome = live.outcome[row]!;
  if (outcome === ReadOutcome.iocOpen) return ['held', 'iocOpen'];
  if (outcome !== ReadOutcome.ok) return ['failed', unreadReason(outcome)];
  const access = live.access[row]!;
  if ((access & AccessBits.known) !== 0 && (access & AccessBits.write) === 0) return ['skipped', 'noWriteAccess'];
  const misfit = fitTarget(saved, live, row, metaOf, target);
  if (misfit !== 'none') return ['skipped', misfit];
  target.metaHash[row] = live.metaHash[row]!;
  if (outsideDriveLimits(target, row, metaOf(live.metaHash[row]!))) return ['skipped', 'outOfLimits'];
  const tolerance = { abs: setpoint.absTolerance, rel: setpoint.relTolerance };
  // Against the target, so that enums are compared by the index that would be written.
  if (compareRows(target, row, live, row, tolerance, () => undefined) === 'same') return ['unchanged', 'none'];
  return ['write', 'none'];
}

function unreadReason(outcome: number): RestoreReason {
  switch (outcome) {
    case ReadOutcome.timeout:
      return 'notRead';
    case ReadOutcome.notFound:
      return 'notFound';
    case ReadOutcome.hostLost:
    case ReadOutcome.notOwned:
      return 'hostLost';
    case ReadOutcome.cancelled:
      return 'cancelled';
    case ReadOutcome.disconnected:
      return 'disconnected';
    default:
      return 'refused';
  }
}

const integerRange: Partial<Record<number, readonly [number, number]>> = {
  // A CHAR record may be signed or unsigned, the wire does not say: both ranges fit 8 bits.
  [ValueKind.int8]: [-128, 255],
  [ValueKind.int16]: [-32768, 65535],
  [ValueKind.int32]: [-2147483648, 2147483647],
  [ValueKind.enum]: [0, 65535],
};

/** Puts row `row` of `target` into the live channel's type, or says why that is impossible. */
function fitTarget(saved: ValueColumns, live: ValueColumns, row: number, metaOf: MetaOf, target: ValueColumns): RestoreReason {
  const from = saved.kind[row]!;
  const to = live.kind[row]!;
  const meta = metaOf(live.metaHash[row]!);
  const savedBytes = saved.bytes.get(row);
  const isArray = savedBytes !== undefined && !saved.rawText.has(row);
  const liveIsArray = live.bytes.has(row) && !live.rawText.has(row);
  if (isArray !== liveIsArray || (from === ValueKind.text) !== (to === ValueKind.text)) return 'wrongType';
  if (isArray) {
    // Arrays change their element type only by a change of the record: then a person should look.
    if (from !== to) return 'wrongType';
    const count = from === ValueKind.text ? 0 : savedBytes.byteLength / elementBytes[from as keyof typeof elementBytes];
    return meta?.maxElements !== undefined && count > meta.maxElements ? 'wrongType' : 'none';
  }
  if (from === ValueKind.text) return 'none';
  if (from === ValueKind.enum && to === ValueKind.enum) return fitLabel(saved, row, metaOf, meta, target);
  const value = saved.num[row]!;
  const range = integerRange[to];
  if (range && !(Number.isInteger(value) && value >= range[0] && value <= range[1])) return 'wrongType';
  target.kind[row] = to;
  return 'none';
}

/** Enums go back by label: an index may mean something else after the labels were edited. */
function fitLabel(saved: ValueColumns, row: number, metaOf: MetaOf, live: ChannelMeta | undefined, target: ValueColumns): RestoreReason {
  const index = saved.num[row]!;
  const label = metaOf(saved.metaHash[row]!)?.labels?.[index];
  if (label === undefined || live?.labels === undefined || live.labels[index] === label) return 'none';
  const moved = live.labels.indexOf(label);
  if (moved < 0) return 'labelGone';
  target.num[row] = moved;
  return 'none';
}

function outsideDriveLimits(target: ValueColumns, row: number, meta: ChannelMeta | undefined): boolean {
  const limits = meta?.control;
  // Equal limits mean "no limits" in EPICS records.
  if (!limits || !(limits.low < limits.high)) return false;
  const kind = target.kind[row]!;
  if (kind === ValueKind.text || kind === ValueKind.enum) return false;
  const bytes = target.bytes.get(row);
  if (bytes === undefined) return target.num[row]! < limits.low || target.num[row]! > limits.high;
  // A waveform's control limits are display limits: the IOC does not clamp elements, so neither is it refused here.
  return false;
}

/** The sentence behind a verdict, with the values and limits at stake. */
export function planDetail(plan: Plan, live: ValueColumns, row: number, metaOf: MetaOf): string {
  return restoreSentence(reasonName(plan.why[row]!), 0, { target: plan.target, live, row, metaOf });
}
