/**
 * Rows of columns as JSON text (docs/values.md), written straight from the columns: 50,000 rows as
 * objects first would cost more than everything else on the way from the database to the client.
 * S1: a row without a value says so. S3: NaN, infinities, -0, 64-bit integers, nanoseconds survive.
 */
import { ReadOutcome, readOutcomeNames, readOutcomeSentences, ValueKind, type ChannelMeta, type Limits, type ValueColumns } from '../contracts/values.ts';
import { numericElements, textElements } from '../snapshots/arrays.ts';

export type Metas = ReadonlyMap<bigint, ChannelMeta>;

/** Of -0 JSON.stringify makes 0, of NaN null: neither comes back. */
export function numberJson(value: number): string {
  if (Number.isFinite(value)) return value === 0 && 1 / value < 0 ? '-0' : String(value);
  return `"${value}"`;
}

function integerJson(decimal: string): string {
  // 15 digits always fit a double.
  return decimal.length <= 15 || Number.isSafeInteger(Number(decimal)) ? decimal : `"${decimal}"`;
}

const needsEscape = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;
/** Most texts are plain ASCII without quotes: they need no escaping. */
export const textJson = (text: string): string => (needsEscape.test(text) ? JSON.stringify(text) : `"${text}"`);

/** The value of a row, as in snapshots/json-values.ts. */
export function valueJson(columns: ValueColumns, row: number): string {
  if (row < 0 || columns.outcome[row] !== ReadOutcome.ok) return 'null';
  const kind = columns.kind[row]!;
  const bytes = columns.bytes.size === 0 ? undefined : columns.bytes.get(row);
  if (bytes !== undefined && !columns.rawText.has(row)) return arrayJson(kind, bytes);
  if (kind === ValueKind.text) return textJson(columns.text.get(row) ?? '');
  if (kind === ValueKind.int64 || kind === ValueKind.uint64) {
    const exact = columns.text.get(row);
    if (exact !== undefined) return integerJson(exact);
  }
  return numberJson(columns.num[row]!);
}

function arrayJson(kind: number, bytes: Uint8Array): string {
  const numbers = numericElements(kind, bytes);
  if (numbers === undefined) return JSON.stringify(textElements(bytes));
  let out = '[';
  for (let i = 0; i < numbers.length; i++) {
    const element = numbers[i]!;
    if (i > 0) out += ',';
    out += typeof element === 'bigint' ? integerJson(String(element)) : numberJson(element);
  }
  return `${out}]`;
}

const limitsJson = (limits: Limits | undefined): string => (limits ? `{"low":${numberJson(limits.low)},"high":${numberJson(limits.high)}}` : 'null');

export function metaJson(meta: ChannelMeta | undefined): string {
  if (!meta) return '"units":null,"precision":null,"labels":null,"limits":null';
  const limits = meta.display || meta.control || meta.warning || meta.alarm
    ? `{"display":${limitsJson(meta.display)},"control":${limitsJson(meta.control)},"warning":${limitsJson(meta.warning)},"alarm":${limitsJson(meta.alarm)}}`
    : 'null';
  return `"units":${meta.units === undefined ? 'null' : textJson(meta.units)},"precision":${meta.precision ?? 'null'},"labels":${meta.labels ? JSON.stringify(meta.labels) : 'null'},"limits":${limits}`;
}

/** Why a row has no value, for people. */
export function readReason(outcome: number, code: number): string {
  const sentence = readOutcomeSentences[readOutcomeNames[outcome] ?? 'pending'];
  return outcome === ReadOutcome.refused && code !== 0 ? `${sentence} (code ${code})` : sentence;
}

export interface RowWriter {
  /** {"value":…,"status":…,"severity":…,"timestamp":ISO 8601,"timestampNs":…,"units":…,…,"outcome":…,"reason":…} */
  saved(row: number): string;
  /** The same with `connected`, `updated_at` and `timestamp` in seconds, as live views want it. */
  live(row: number, now: number): string;
  /** ISO 8601 with ms, quoted; null when the IOC gave none. */
  timestamp(row: number): string;
}

export function createRowWriter(columns: ValueColumns, metas: Metas): RowWriter {
  const describe = describer(columns, metas);
  const iso = isoOf();
  const timestamp = (row: number): string => {
    const ns = columns.timeNs[row]!;
    return ns === 0n ? 'null' : iso(ns);
  };
  const verdict = (row: number): string => {
    const outcome = columns.outcome[row]!;
    if (outcome === ReadOutcome.ok) return '"outcome":"ok","reason":null';
    return `"outcome":"${readOutcomeNames[outcome] ?? 'pending'}","reason":${textJson(readReason(outcome, columns.code[row]!))}`;
  };
  const alarm = (row: number): string => (columns.outcome[row] === ReadOutcome.ok ? `"status":${columns.status[row]},"severity":${columns.severity[row]}` : '"status":null,"severity":null');
  const ns = (row: number): string => (columns.timeNs[row] === 0n ? 'null' : `"${columns.timeNs[row]}"`);

  return {
    timestamp,
    saved: (row) => `{"value":${valueJson(columns, row)},${alarm(row)},"timestamp":${timestamp(row)},"timestampNs":${ns(row)},${describe(row)},${verdict(row)}}`,
    live: (row, now) => {
      const ok = columns.outcome[row] === ReadOutcome.ok;
      const time = columns.timeNs[row]!;
      const seconds = time === 0n ? 'null' : String(Number(time) / 1e9);
      return `{"value":${valueJson(columns, row)},"connected":${isConnected(columns.outcome[row]!)},"updated_at":${ok ? now / 1000 : 'null'},${alarm(row)},"timestamp":${seconds},"timestampNs":${ns(row)},${describe(row)},"error":${ok ? 'null' : textJson(readReason(columns.outcome[row]!, columns.code[row]!))},${verdict(row)}}`;
    },
  };
}

/** Whether a row of this outcome is of a channel whose IOC is there. */
export const isConnected = (outcome: number): boolean => outcome === ReadOutcome.ok || connectedAllTheSame(outcome);

/** Outcomes without a value of channels whose IOC is there. */
const connectedAllTheSame = (outcome: number): boolean =>
  outcome === ReadOutcome.noReadAccess || outcome === ReadOutcome.refused || outcome === ReadOutcome.tooLarge || outcome === ReadOutcome.noUpdateYet;

function describer(columns: ValueColumns, metas: Metas): (row: number) => string {
  const written = new Map<bigint, string>();
  const unknown = `${metaJson(undefined)},"enumLabel":null`;
  return (row) => {
    const hash = columns.metaHash[row]!;
    let text = written.get(hash);
    const meta = metas.get(hash);
    if (text === undefined) written.set(hash, (text = meta ? metaJson(meta) : ''));
    if (!meta) return unknown;
    const label = meta.labels && columns.outcome[row] === ReadOutcome.ok && columns.kind[row] === ValueKind.enum ? meta.labels[columns.num[row]!] : undefined;
    return `${text},"enumLabel":${label === undefined ? 'null' : textJson(label)}`;
  };
}

/** Stamps of one sweep share their second: its text is made once. */
function isoOf(): (ns: bigint) => string {
  let second = Number.NaN;
  let prefix = '';
  return (ns) => {
    const ms = Number(ns / 1_000_000n);
    const whole = Math.floor(ms / 1000);
    if (whole !== second) {
      second = whole;
      prefix = new Date(whole * 1000).toISOString().slice(0, -4);
    }
    return `"${prefix}${String(ms - whole * 1000).padStart(3, '0')}Z"`;
  };
}
