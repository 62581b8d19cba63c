/** What today's catalogue says of the rows that a restore is about, as columns. */
export interface PlannedSetpoint {
  readonly readOnly: boolean;
  readonly absTolerance: number;
  readonly relTolerance: number;
}

export const SetpointState = {
  /** No current entry has it. */
  gone: 0,
  writable: 1,
  readOnly: 2,
} as const;

export interface PlannedSetpoints {
  /** {@link SetpointState}, per row. */
  readonly state: Uint8Array;
  readonly absTolerance: Float64Array;
  readonly relTolerance: Float64Array;
}

/** One per row; undefined = no current entry has it. */
export function plannedSetpoints(rows: readonly (PlannedSetpoint | undefined)[]): PlannedSetpoints {
  return {
    state: Uint8Array.from(rows, (row) => (row === undefined ? SetpointState.gone : row.readOnly ? SetpointState.readOnly : SetpointState.writable)),
    absTolerance: Float64Array.from(rows, (row) => row?.absTolerance ?? 0),
    relTolerance: Float64Array.from(rows, (row) => row?.relTolerance ?? 0),
  };
}

interface SetpointsByChannel {
  /** Ascending. */
  readonly channel: Int32Array;
  readonly readOnly: Uint8Array;
  readonly absTolerance: Float64Array;
  readonly relTolerance: Float64Array;
}

/** For rows of these channels, in whatever order; quickest when they ascend too. */
export function setpointsOfRows(channels: Int32Array, known: SetpointsByChannel): PlannedSetpoints {
  const rows = { state: new Uint8Array(channels.length), absTolerance: new Float64Array(channels.length), relTolerance: new Float64Array(channels.length) };
  let at = 0;
  for (let row = 0; row < channels.length; row++) {
    const channel = channels[row]!;
    if (at >= known.channel.length || known.channel[at]! > channel) at = 0;
    if (known.channel[at] !== channel) at = place(known.channel, channel, at);
    if (known.channel[at] !== channel) continue;
    rows.state[row] = known.readOnly[at] === 1 ? SetpointState.readOnly : SetpointState.writable;
    rows.absTolerance[row] = known.absTolerance[at]!;
    rows.relTolerance[row] = known.relTolerance[at]!;
    at += 1;
  }
  return rows;
}

/** The first place from `from` on whose channel is not smaller. */
function place(sorted: Int32Array, channel: number, from: number): number {
  let low = from;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < channel) low = middle + 1;
    else high = middle;
  }
  return low;
}
