/**
 * A restore's plan as it is kept before the first write (R1, R2): which rows, in which work item, with which
 * tolerances. A coordinator that takes the job up after a crash composes the very same items from it.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';

export interface PlannedItem {
  readonly ioc: string;
  readonly host: string;
  /** ms since 1970 after which it must not be started. */
  readonly startBefore: number;
}

export interface KeptPlan {
  readonly channel: Int32Array;
  /** Index in planVerdicts. */
  readonly verdict: Uint8Array;
  /** Index in restoreReasonNames. */
  readonly why: Uint8Array;
  /** Number of the work item that writes the row; -1 = it is not written. */
  readonly item: Int32Array;
  readonly absTolerance: Float64Array;
  readonly relTolerance: Float64Array;
  readonly items: readonly PlannedItem[];
}

/** As JSON for the job's record: arrays of 50,000 rows shrink to some kilobytes. */
export interface PackedPlan {
  readonly rows: number;
  readonly items: readonly PlannedItem[];
  readonly arrays: string;
}

type Arrays = Pick<KeptPlan, 'absTolerance' | 'relTolerance' | 'channel' | 'item' | 'verdict' | 'why'>;
/** Widest first, so that each begins aligned. */
const order = [
  ['absTolerance', Float64Array], ['relTolerance', Float64Array], ['channel', Int32Array], ['item', Int32Array], ['verdict', Uint8Array], ['why', Uint8Array],
] as const satisfies readonly (readonly [keyof Arrays, unknown])[];

export function packPlan(plan: KeptPlan): PackedPlan {
  const bytes = order.map(([name]) => new Uint8Array(plan[name].buffer, plan[name].byteOffset, plan[name].byteLength));
  return { rows: plan.channel.length, items: plan.items, arrays: deflateRawSync(Buffer.concat(bytes), { level: 1 }).toString('base64') };
}

export function unpackPlan({ rows, items, arrays }: PackedPlan): KeptPlan {
  const packed = inflateRawSync(Buffer.from(arrays, 'base64'));
  const buffer = new ArrayBuffer(packed.length);
  new Uint8Array(buffer).set(packed);
  const wanted = rows * order.reduce((sum, [, type]) => sum + type.BYTES_PER_ELEMENT, 0);
  if (packed.length !== wanted) throw new RangeError(`the kept plan has ${packed.length} bytes, ${rows} rows need ${wanted}`);
  let at = 0;
  const next = (type: (typeof order)[number][1]) => {
    const array = new type(buffer, at, rows);
    at += array.byteLength;
    return array;
  };
  const unpacked = Object.fromEntries(order.map(([name, type]) => [name, next(type)])) as unknown as Arrays;
  return { ...unpacked, items };
}

/** Plan rows of each item, ascending; row i of the item is the i-th of them. */
export function rowsByItem(plan: KeptPlan): Int32Array[] {
  const counts = new Int32Array(plan.items.length);
  for (let row = 0; row < plan.item.length; row++) if (plan.item[row]! >= 0) counts[plan.item[row]!]! += 1;
  const rows = Array.from(counts, (count) => new Int32Array(count));
  counts.fill(0);
  for (let row = 0; row < plan.item.length; row++) {
    const item = plan.item[row]!;
    if (item >= 0) rows[item]![counts[item]!++] = row;
  }
  return rows;
}
