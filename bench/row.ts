import type { World } from './world.ts';

/** What one repeat measured, by name. Times are milliseconds unless the figure says otherwise. */
export type Sample = Readonly<Record<string, number>>;

/** One line of the table, computed from the medians of a row's repeats. */
export interface Figure {
  what: string;
  /** Which measured value of `ours`. */
  ours: string;
  /** Which measured values of `limit`; their sum is what `ours` is divided by. Without it the target is absolute. */
  limit?: readonly string[];
  /** The largest ratio, or absolute value, that meets the target; absent = shown for information. */
  atMost?: number;
  unit?: 'ms' | 'MB' | 'us';
}

export interface Row {
  /** For --only. */
  key: string;
  work: string;
  /** Rows of a stage share their processes; stages run one after the other, so that they do not disturb each other. */
  stage: 'wire' | 'system';
  /** Fewer for rows that take long. */
  repeats?: number;
  /** Puts things in place before the first repeat, unmeasured. */
  prepare?(world: World): Promise<void>;
  /** The bare parts, run alone. */
  limit?(world: World): Promise<Sample>;
  ours(world: World): Promise<Sample>;
  /** Puts back what `prepare` or `ours` changed. Always runs. */
  restore?(world: World): Promise<void>;
  figures: readonly Figure[];
}

export interface RowResult {
  key: string;
  work: string;
  fault?: string;
  ours: Record<string, number[]>;
  limit: Record<string, number[]>;
  figures: FigureResult[];
}

export interface FigureResult {
  what: string;
  unit: 'ms' | 'MB' | 'us';
  ours: number;
  limit?: number;
  ratio?: number;
  atMost?: number;
  /** Absent without a target. */
  pass?: boolean;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the median of no values');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median of one named value over all repeats. */
function named(samples: Record<string, number[]>, name: string, whose: string): number {
  const values = samples[name];
  if (values === undefined) throw new Error(`${whose} measured no "${name}", only ${Object.keys(samples).join(', ') || 'nothing'}`);
  return median(values);
}

export function judge(figure: Figure, ours: Record<string, number[]>, limit: Record<string, number[]>): FigureResult {
  const value = named(ours, figure.ours, 'ours');
  const { what, unit = 'ms', atMost } = figure;
  const against = (amount: number): Pick<FigureResult, 'atMost' | 'pass'> => (atMost === undefined ? {} : { atMost, pass: amount <= atMost });
  if (figure.limit === undefined) return { what, unit, ours: value, ...against(value) };
  const bare = figure.limit.reduce((sum, name) => sum + named(limit, name, 'limit'), 0);
  const ratio = value / bare;
  return { what, unit, ours: value, limit: bare, ratio, ...against(ratio) };
}
