/** From a plan to the work items that carry it out. Pure. */
import type { ReadTarget } from '../../bus/gathering.ts';
import { restoreReasonNames } from '../../contracts/restores.ts';
import { emptyValueColumns, pickValueRows, rowsByChannel, type ValueColumns } from '../../contracts/values.ts';
import type { WriteItem } from '../../contracts/work.ts';
import { planVerdicts, type Plan } from '../../snapshots/plan.ts';
import type { KeptPlan, PlannedItem } from './kept-plan.ts';

const rowsPerItem = 10_000;
/** Fixed columns of a frame, its tolerances as text, and room for both to be longer than usual. */
const bytesPerRow = 100;
export const readDeadlineMs = 2_000;
/** How long a work item may lie in the queue; beyond that an operator should decide anew. */
const queueMs = 60_000;
const longestMs = 600_000;

export interface ComposeInput {
  readonly plan: Plan;
  readonly tolerances: { readonly abs: Float64Array; readonly rel: Float64Array };
  /** Where the channels that are to be written are now. */
  readonly targets: readonly ReadTarget[];
  readonly now: number;
  readonly deadlineMs: number;
  readonly window: number;
  /** Largest item, bytes. */
  readonly mostBytes: number;
}

const write = planVerdicts.indexOf('write');
const failed = planVerdicts.indexOf('failed');
const skipped = planVerdicts.indexOf('skipped');

/** R1: a row is in an item exactly when the plan says `write`; where nobody can write it, the plan is told so. */
export function compose({ plan, tolerances, targets, now, deadlineMs, window, mostBytes }: ComposeInput): KeptPlan {
  const rows = plan.target.length;
  const kept: KeptPlan & { items: PlannedItem[] } = {
    channel: plan.target.channel.slice(),
    verdict: plan.verdict.slice(),
    why: plan.why.slice(),
    item: new Int32Array(rows).fill(-1),
    absTolerance: tolerances.abs,
    relTolerance: tolerances.rel,
    items: [],
  };
  const rowOf = rowsByChannel(plan.target.channel);
  const targetOf = new Int32Array(rows).fill(-1);
  targets.forEach(({ channels }, index) => {
    for (const channel of channels) targetOf[rowOf[channel]!] = index;
  });
  const open = targets.map(() => ({ item: -1, rows: rowsPerItem, bytes: 0 }));
  const sizes: number[] = [];
  const bytesOf = new Float64Array(rows).fill(bytesPerRow);
  for (const [row, bytes] of plan.target.bytes) bytesOf[row]! += bytes.length;
  for (const [row, text] of plan.target.text) bytesOf[row]! += 4 * text.length;
  for (let row = 0; row < rows; row++) {
    if (kept.verdict[row] !== write) continue;
    const { host, ioc } = targets[targetOf[row]!] ?? { host: undefined, ioc: null };
    const bytes = bytesOf[row]!;
    if (host === undefined || bytes > mostBytes) {
      kept.verdict[row] = host === undefined ? failed : skipped;
      kept.why[row] = restoreReasonNames.indexOf(host === undefined ? 'hostLost' : 'wrongType');
      continue;
    }
    const slot = open[targetOf[row]!]!;
    if (slot.rows >= rowsPerItem || slot.bytes + bytes > mostBytes) {
      slot.item = kept.items.length;
      slot.rows = slot.bytes = 0;
      kept.items.push({ ioc: ioc ?? 'unresolved', host, startBefore: 0 });
      sizes.push(0);
    }
    slot.rows += 1;
    slot.bytes += bytes;
    kept.item[row] = slot.item;
    sizes[slot.item]! += 1;
  }
  // A row late in a large item starts when those before it are done, in the worst case each at its deadline.
  kept.items = kept.items.map((item, number) => ({ ...item, startBefore: now + Math.min(longestMs, queueMs + Math.ceil(sizes[number]! / window) * deadlineMs) }));
  return kept;
}

/** One number when it is the same for all, as it mostly is: thousands of them are slow to write and to read as JSON. */
function ofRows(tolerances: Float64Array, rows: Int32Array): number[] {
  const first = tolerances[rows[0]!] ?? 0;
  return rows.every((row) => tolerances[row] === first) ? [first] : Array.from(rows, (row) => tolerances[row]!);
}

/** What is written and nothing beside it: a host looks at no time and no alarm of the value that was saved. */
function bareTargets(target: ValueColumns, rows: Int32Array): ValueColumns {
  const { length, channel, kind, num, text, bytes, rawText } = pickValueRows(target, rows);
  return { ...emptyValueColumns(length), channel, kind, num, text, bytes, rawText };
}

/** The same item each time it is asked for, whatever has happened since (R2). */
export function writeItemOf(
  plan: KeptPlan, rows: Int32Array, number: number, target: ValueColumns,
  common: Pick<WriteItem, 'job' | 'deadlineMs' | 'window' | 'who' | 'reason'>,
): { head: WriteItem; columns: ValueColumns } {
  const { ioc, startBefore } = plan.items[number]!;
  return {
    head: {
      kind: 'write', ...common, item: number, ioc, readDeadlineMs, startBefore,
      absTolerance: ofRows(plan.absTolerance, rows),
      relTolerance: ofRows(plan.relTolerance, rows),
    },
    columns: bareTargets(target, rows),
  };
}
