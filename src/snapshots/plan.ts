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
import { metaOfRows, type MetaOfRow } from './meta-of-row.ts';
import { SetpointState, type PlannedSetpoints } from './planned-setpoints.ts';
import { reasonName, restoreSentence } from './restore-sentence.ts';

export const planVerdicts = ['write', 'unchanged', 'skipped', 'held', 'failed'] as const satisfies readonly PlanVerdict[];

export interface PlanInput {
  /** Rows of the snapshot, one per setpoint channel. */
  readonly saved: ValueColumns;
  /** Live values of the same channels, in the same order. */
  readonly live: ValueColumns;
  readonly setpoints: PlannedSetpoints;
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

/** A plan in the making: rows are decided as their live values come. */
export interface Planning {
  readonly plan: Plan;
  /** Once per row, when its live value stands and its description is known. */
  decide(row: number): PlanVerdict;
}

export function planRestore(input: PlanInput): Plan {
  const { plan, decide: decideRow } = beginPlan(input);
  for (let row = 0; row < input.saved.length; row++) decideRow(row);
  return plan;
}

export function beginPlan({ saved, live, setpoints, metaOf }: PlanInput): Planning {
  const plan: Plan = {
    verdict: new Uint8Array(saved.length),
    why: new Uint8Array(saved.length),
    target: sliceValueColumns(saved, 0, saved.length),
    counts: { write: 0, unchanged: 0, skipped: 0, held: 0, failed: 0 },
  };
  const parts: Parts = {
    saved, live, setpoints, target: plan.target,
    savedMeta: metaOfRows(saved.metaHash, metaOf), liveMeta: metaOfRows(live.metaHash, metaOf), liveHashes: halvesOf(live.metaHash), targetHashes: halvesOf(plan.target.metaHash),
  };
  return {
    plan,
    decide: (row) => {
      const [verdict, why] = decide(parts, row);
      plan.counts[verdict] += 1;
      // As most rows are: 0 in both columns.
      if (verdict === 'write') return verdict;
      plan.verdict[row] = planVerdicts.indexOf(verdict);
      plan.why[row] = restoreReasonNames.indexOf(why);
      return verdict;
    },
  };
}

interface Parts {
  readonly saved: ValueColumns;
  readonly live: ValueColumns;
  readonly setpoints: PlannedSetpoints;
  readonly target: ValueColumns;
  readonly savedMeta: MetaOfRow;
  readonly liveMeta: MetaOfRow;
  /** By halves: a BigInt per row is dear. */
  readonly liveHashes: Int32Array;
  readonly targetHashes: Int32Array;
}

const halvesOf = (hashes: BigInt64Array): Int32Array => new Int32Array(hashes.buffer, hashes.byteOffset, 2 * hashes.length);

function decide(parts: Parts, row: number): readonly [PlanVerdict, RestoreReason] {
  const { saved, live, setpoints, target } = parts;
  const setpoint = setpoints.state[row]!;
  if (setpoint === SetpointState.gone) return ['skipped', 'notInCatalogue'];
  if (setpoint === SetpointState.readOnly) return ['skipped', 'readOnlyEntry'];
  if (saved.outcome[row] !== ReadOutcome.ok) return ['skipped', 'noSavedValue'];
  const outcome = live.outcome[row]!;
  if (outcome === ReadOutcome.iocOpen) return ['held', 'iocOpen'];
  if (outcome !== ReadOutcome.ok) return ['failed', unreadReason(outcome)];
  const access = live.access[row]!;
  if ((access & AccessBits.known) !== 0 && (access & AccessBits.write) === 0) return ['skipped', 'noWriteAccess'];
  const misfit = fitTarget(parts, row);
  if (misfit !== 'none') return ['skipped', misfit];
  if (outsideDriveLimits(target, row, parts.liveMeta(row))) return ['skipped', 'outOfLimits'];
  const tolerance = { abs: setpoints.absTolerance[row]!, rel: setpoints.relTolerance[row]! };
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
function fitTarget(parts: Parts, row: number): RestoreReason {
  const { saved, live, target } = parts;
  const from = saved.kind[row]!;
  const to = live.kind[row]!;
  const savedBytes = saved.bytes.get(row);
  const isArray = savedBytes !== undefined && !saved.rawText.has(row);
  const liveIsArray = live.bytes.has(row) && !live.rawText.has(row);
  if (isArray !== liveIsArray || (from === ValueKind.text) !== (to === ValueKind.text)) return 'wrongType';
  parts.targetHashes[2 * row] = parts.liveHashes[2 * row]!;
  parts.targetHashes[2 * row + 1] = parts.liveHashes[2 * row + 1]!;
  if (isArray) {
    // Arrays change their element type only by a change of the record: then a person should look.
    if (from !== to) return 'wrongType';
    const count = from === ValueKind.text ? 0 : savedBytes.byteLength / elementBytes[from as keyof typeof elementBytes];
    const most = parts.liveMeta(row)?.maxElements;
    return most !== undefined && count > most ? 'wrongType' : 'none';
  }
  if (from === ValueKind.text) return 'none';
  if (from === ValueKind.enum && to === ValueKind.enum) return fitLabel(parts, row);
  const value = saved.num[row]!;
  const range = integerRange[to];
  if (range && !(Number.isInteger(value) && value >= range[0] && value <= range[1])) return 'wrongType';
  target.kind[row] = to;
  return 'none';
}

/** Enums go back by label: an index may mean something else after the labels were edited. */
function fitLabel({ saved, target, savedMeta, liveMeta }: Parts, row: number): RestoreReason {
  const index = saved.num[row]!;
  const label = savedMeta(row)?.labels?.[index];
  const live = liveMeta(row);
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
