/**
 * Values as columns: the one shape in which PV values travel, from a CA thread to the database.
 *
 * S1: every row says how it was got (`outcome`); a row whose outcome is not `ok` has no value.
 * S3: numbers are IEEE doubles (NaN and infinities included), arrays are raw little-endian bytes,
 * text is UTF-8, times are nanoseconds since 1970 as 64-bit integers.
 */

/** Element type of a value. Numbers are on the wire and in the database: append, never renumber. */
export const ValueKind = {
  none: 0,
  text: 1,
  int8: 2,
  int16: 3,
  int32: 4,
  enum: 5,
  float: 6,
  double: 7,
  int64: 8,
  uint64: 9,
} as const;
export type ValueKind = (typeof ValueKind)[keyof typeof ValueKind];

export const valueKindNames = ['none', 'text', 'int8', 'int16', 'int32', 'enum', 'float', 'double', 'int64', 'uint64'] as const;

/** How a row of a read was got. Numbers are on the wire and in the database: append, never renumber. */
export const ReadOutcome = {
  pending: 0,
  ok: 1,
  /** Asked, no answer within the deadline. */
  timeout: 2,
  /** Was connected, is not now. */
  disconnected: 3,
  /** No IOC has answered a search for this name yet. */
  notFound: 4,
  /** The IOC grants no read access. */
  noReadAccess: 5,
  /** I2: the IOC's circuit breaker is open; nothing was sent. */
  iocOpen: 6,
  /** The IOC answered with an error: see `code`. */
  refused: 7,
  /** The host that was asked does not own the channel (it moved, or was removed meanwhile). */
  notOwned: 8,
  cancelled: 9,
  /** Larger than EPICS_CA_MAX_ARRAY_BYTES. */
  tooLarge: 10,
  /** The ioc-host did not answer. */
  hostLost: 11,
  /** Monitored read: connected, but no update has come yet. */
  noUpdateYet: 12,
} as const;
export type ReadOutcome = (typeof ReadOutcome)[keyof typeof ReadOutcome];

export const readOutcomeNames = [
  'pending', 'ok', 'timeout', 'disconnected', 'notFound', 'noReadAccess', 'iocOpen', 'refused', 'notOwned', 'cancelled',
  'tooLarge', 'hostLost', 'noUpdateYet',
] as const;

/** One sentence per outcome, for people. */
export const readOutcomeSentences: Record<(typeof readOutcomeNames)[number], string> = {
  pending: 'not read yet',
  ok: 'read',
  timeout: 'the IOC did not answer within the deadline',
  disconnected: 'the channel is disconnected from its IOC',
  notFound: 'no IOC has answered a search for this name',
  noReadAccess: 'the IOC grants no read access',
  iocOpen: 'the circuit breaker of its IOC is open, nothing was asked',
  refused: 'the IOC answered with an error',
  notOwned: 'the ioc-host asked does not watch this channel',
  cancelled: 'cancelled',
  tooLarge: 'the value is larger than EPICS_CA_MAX_ARRAY_BYTES',
  hostLost: 'the ioc-host did not answer',
  noUpdateYet: 'connected, but no monitor update has arrived yet',
};

/** Access rights of a channel. `known` is set with the others, so that 0 means "not known". */
export const AccessBits = { read: 1, write: 2, known: 4 } as const;

/** Alarm severity as EPICS numbers it. */
export const severityNames = ['NO_ALARM', 'MINOR', 'MAJOR', 'INVALID'] as const;

/** Alarm status as EPICS numbers it (alarm.h). */
export const statusNames = [
  'NO_ALARM', 'READ', 'WRITE', 'HIHI', 'HIGH', 'LOLO', 'LOW', 'STATE', 'COS', 'COMM', 'TIMEOUT', 'HWLIMIT', 'CALC', 'SCAN',
  'LINK', 'SOFT', 'BAD_SUB', 'UDF', 'DISABLE', 'SIMM', 'READ_ACCESS', 'WRITE_ACCESS',
] as const;

/** What a channel says of itself beside its value. Content-addressed by {@link ValueColumns.metaHash}. */
export interface ChannelMeta {
  /** Engineering units. */
  readonly units?: string;
  /** Digits after the point, for display. */
  readonly precision?: number;
  readonly display?: Limits;
  /** Drive limits (DRVL, DRVH) for setpoints; the IOC clamps what is written to them. */
  readonly control?: Limits;
  readonly warning?: Limits;
  readonly alarm?: Limits;
  /** Enum labels by index. */
  readonly labels?: readonly string[];
  /** Largest number of elements; absent for scalars. */
  readonly maxElements?: number;
}
export interface Limits {
  readonly low: number;
  readonly high: number;
}

/**
 * Rows of values, one per channel, as columns of equal `length`.
 * `num` holds numbers and enum indices; `text` strings; `bytes` arrays (little-endian elements of
 * `kind`, text elements separated by NUL). int64 and uint64 have their exact decimal in `text` and the
 * nearest double in `num`. A row is an array exactly when it has `bytes`, with one
 * exception: scalar text that is not valid UTF-8 carries its raw bytes beside the readable `text`,
 * with `rawText` naming the row.
 */
export interface ValueColumns {
  readonly length: number;
  /** Channel id in the name dictionary (see contracts/catalogue.ts). */
  readonly channel: Int32Array;
  readonly outcome: Uint8Array;
  readonly kind: Uint8Array;
  readonly severity: Uint8Array;
  readonly status: Uint8Array;
  /** The IOC's time stamp, ns since 1970-01-01 UTC; 0 when there is none. */
  readonly timeNs: BigInt64Array;
  readonly num: Float64Array;
  /** Protocol error number when outcome is `refused` (ECA codes for Channel Access), else 0. */
  readonly code: Uint16Array;
  /** Identity of the {@link ChannelMeta} in force; 0n when unknown. */
  readonly metaHash: BigInt64Array;
  /** Bits of {@link AccessBits} at the time of reading; 0 = not known. Not stored in snapshots. */
  readonly access: Uint8Array;
  readonly text: Map<number, string>;
  readonly bytes: Map<number, Uint8Array>;
  readonly rawText: Set<number>;
}

export function emptyValueColumns(length: number): ValueColumns {
  return {
    length,
    channel: new Int32Array(length),
    outcome: new Uint8Array(length),
    kind: new Uint8Array(length),
    severity: new Uint8Array(length),
    status: new Uint8Array(length),
    timeNs: new BigInt64Array(length),
    num: new Float64Array(length),
    code: new Uint16Array(length),
    metaHash: new BigInt64Array(length),
    access: new Uint8Array(length),
    text: new Map(),
    bytes: new Map(),
    rawText: new Set(),
  };
}

/** Rows `from` to `to` of `source`, copied. */
export function sliceValueColumns(source: ValueColumns, from: number, to: number): ValueColumns {
  const end = Math.min(to, source.length);
  return {
    length: end - from,
    channel: source.channel.slice(from, end),
    outcome: source.outcome.slice(from, end),
    kind: source.kind.slice(from, end),
    severity: source.severity.slice(from, end),
    status: source.status.slice(from, end),
    timeNs: source.timeNs.slice(from, end),
    num: source.num.slice(from, end),
    code: source.code.slice(from, end),
    metaHash: source.metaHash.slice(from, end),
    access: source.access.slice(from, end),
    text: heldBetween(source.text, from, end),
    bytes: heldBetween(source.bytes, from, end),
    rawText: new Set([...source.rawText].filter((row) => row >= from && row < end).map((row) => row - from)),
  };
}

function heldBetween<V>(held: ReadonlyMap<number, V>, from: number, end: number): Map<number, V> {
  const out = new Map<number, V>();
  // A short slice of many rows looks its own up instead of going through all.
  if (held.size > end - from) {
    for (let row = from; row < end; row++) {
      const value = held.get(row);
      if (value !== undefined) out.set(row - from, value);
    }
  } else for (const [row, value] of held) if (row >= from && row < end) out.set(row - from, value);
  return out;
}

/** All rows in slices of `size`, which share the memory of `source`: its texts and arrays are gone through once, not once per slice. */
export function slicesOf(source: ValueColumns, size: number): ValueColumns[] {
  const slices = Array.from({ length: Math.ceil(source.length / size) }, (_, at): ValueColumns => {
    const [from, end] = [at * size, Math.min((at + 1) * size, source.length)];
    return {
      length: end - from,
      channel: source.channel.subarray(from, end),
      outcome: source.outcome.subarray(from, end),
      kind: source.kind.subarray(from, end),
      severity: source.severity.subarray(from, end),
      status: source.status.subarray(from, end),
      timeNs: source.timeNs.subarray(from, end),
      num: source.num.subarray(from, end),
      code: source.code.subarray(from, end),
      metaHash: source.metaHash.subarray(from, end),
      access: source.access.subarray(from, end),
      text: new Map(),
      bytes: new Map(),
      rawText: new Set(),
    };
  });
  for (const [row, text] of source.text) slices[Math.floor(row / size)]!.text.set(row % size, text);
  for (const [row, bytes] of source.bytes) slices[Math.floor(row / size)]!.bytes.set(row % size, bytes);
  for (const row of source.rawText) slices[Math.floor(row / size)]!.rawText.add(row % size);
  return slices;
}

/** Copies row `from` of `source` onto row `to` of `target`, the channel id included. */
export function copyValueRow(source: ValueColumns, from: number, target: ValueColumns, to: number): void {
  target.channel[to] = source.channel[from]!;
  target.outcome[to] = source.outcome[from]!;
  target.kind[to] = source.kind[from]!;
  target.severity[to] = source.severity[from]!;
  target.status[to] = source.status[from]!;
  target.timeNs[to] = source.timeNs[from]!;
  target.num[to] = source.num[from]!;
  target.code[to] = source.code[from]!;
  target.metaHash[to] = source.metaHash[from]!;
  target.access[to] = source.access[from]!;
  const text = source.text.get(from);
  if (text === undefined) target.text.delete(to);
  else target.text.set(to, text);
  const bytes = source.bytes.get(from);
  if (bytes === undefined) target.bytes.delete(to);
  else target.bytes.set(to, bytes);
  if (source.rawText.has(from)) target.rawText.add(to);
  else target.rawText.delete(to);
}

/** These rows of `source`, in the order given. */
export function pickValueRows(source: ValueColumns, rows: ArrayLike<number>): ValueColumns {
  const first = stretchFrom(rows);
  if (first >= 0) return sliceValueColumns(source, first, first + rows.length);
  const picked = emptyValueColumns(rows.length);
  const columns = ['channel', 'outcome', 'kind', 'severity', 'status', 'num', 'code', 'access'] as const;
  for (const name of columns) for (let at = 0, from = source[name], to = picked[name]; at < rows.length; at++) to[at] = from[rows[at]!]!;
  // 64-bit columns by halves: a BigInt per row costs more than all the others.
  for (const name of ['timeNs', 'metaHash'] as const) {
    const from = halvesOf(source[name]);
    const to = halvesOf(picked[name]);
    for (let at = 0; at < rows.length; at++) {
      to[2 * at] = from[2 * rows[at]!]!;
      to[2 * at + 1] = from[2 * rows[at]! + 1]!;
    }
  }
  if (source.text.size === 0 && source.bytes.size === 0) return picked;
  for (let at = 0; at < rows.length; at++) {
    const text = source.text.get(rows[at]!);
    if (text !== undefined) picked.text.set(at, text);
    const bytes = source.bytes.get(rows[at]!);
    if (bytes !== undefined) picked.bytes.set(at, bytes);
    if (source.rawText.has(rows[at]!)) picked.rawText.add(at);
  }
  return picked;
}

/** The other way round: row i of `source` onto row rows[i] of `target`, which is empty there; -1 = left out. */
export function placeValueRows(source: ValueColumns, target: ValueColumns, rows: Int32Array): void {
  const columns = ['channel', 'outcome', 'kind', 'severity', 'status', 'num', 'code', 'access'] as const;
  const first = rows.length === source.length ? stretchFrom(rows) : -1;
  if (first >= 0) {
    for (const name of columns) target[name].set(source[name], first);
    for (const name of ['timeNs', 'metaHash'] as const) target[name].set(source[name], first);
  } else {
    for (const name of columns) for (let at = 0, from = source[name], to = target[name]; at < rows.length; at++) if (rows[at]! >= 0) to[rows[at]!] = from[at]!;
    for (const name of ['timeNs', 'metaHash'] as const) {
      const from = halvesOf(source[name]);
      const to = halvesOf(target[name]);
      for (let at = 0; at < rows.length; at++) {
        if (rows[at]! < 0) continue;
        to[2 * rows[at]!] = from[2 * at]!;
        to[2 * rows[at]! + 1] = from[2 * at + 1]!;
      }
    }
  }
  for (const [at, text] of source.text) if (rows[at]! >= 0) target.text.set(rows[at]!, text);
  for (const [at, bytes] of source.bytes) if (rows[at]! >= 0) target.bytes.set(rows[at]!, bytes);
  for (const at of source.rawText) if (rows[at]! >= 0) target.rawText.add(rows[at]!);
}

/** Where the rows begin when they follow each other without a gap, as those of one IOC mostly do; -1 when they do not. */
function stretchFrom(rows: ArrayLike<number>): number {
  const first = rows[0] ?? -1;
  for (let at = 1; at < rows.length; at++) if (rows[at] !== first + at) return -1;
  return first;
}

/** Row by channel id, -1 where there is none: ids are small and dense, see the name dictionary. */
export function rowsByChannel(channels: Int32Array): Int32Array {
  let most = -1;
  for (const channel of channels) if (channel > most) most = channel;
  const rows = new Int32Array(most + 1).fill(-1);
  for (let row = 0; row < channels.length; row++) rows[channels[row]!] = row;
  return rows;
}

const seenLast = 256;

/** Each hash once, without 0n (none). */
export function distinctHashes(hashes: BigInt64Array): bigint[] {
  const halves = halvesOf(hashes);
  const highsOf = new Map<number, number[]>();
  const distinct: bigint[] = [];
  // Seen last, by the lowest bits: a facility has few of them, and most rows are told here.
  const lows = new Int32Array(seenLast);
  const seenHighs = new Int32Array(seenLast);
  for (let row = 0; row < hashes.length; row++) {
    const low = halves[2 * row]!;
    const high = halves[2 * row + 1]!;
    if (low === 0 && high === 0) continue;
    const slot = low & (seenLast - 1);
    if (lows[slot] === low && seenHighs[slot] === high) continue;
    lows[slot] = low;
    seenHighs[slot] = high;
    const highs = highsOf.get(low);
    if (highs?.includes(high)) continue;
    if (highs) highs.push(high);
    else highsOf.set(low, [high]);
    distinct.push(hashes[row]!);
  }
  return distinct;
}

const halvesOf = (column: BigInt64Array): Int32Array => new Int32Array(column.buffer, column.byteOffset, column.length * 2);

/** Rows where every outcome is `outcome`: the answer when nothing could be asked at all. */
export function unansweredColumns(channels: Int32Array, outcome: ReadOutcome): ValueColumns {
  const columns = emptyValueColumns(channels.length);
  columns.channel.set(channels);
  columns.outcome.fill(outcome);
  return columns;
}

/** The rows of all `parts`, in their order. */
export function joinValueColumns(parts: readonly ValueColumns[]): ValueColumns {
  if (parts.length === 1) return parts[0]!;
  const joined = emptyValueColumns(parts.reduce((sum, part) => sum + part.length, 0));
  let to = 0;
  for (const part of parts) for (let row = 0; row < part.length; row++) copyValueRow(part, row, joined, to++);
  return joined;
}
