/**
 * A row of the latest values as the WebSocket's JSON text: the fields of the Squirrel contract's cache
 * entry, fields without a value left out, and beside them what docs/values.md adds. Encoding of
 * numbers, NaN and 64-bit integers as everywhere (S3); a row without a value says why (S1).
 */
import { ReadOutcome, readOutcomeNames, ValueKind, valueKindNames, type ChannelMeta, type Limits } from '../../contracts/values.ts';
import { isConnected, numberJson, readReason, textJson, valueJson } from '../value-json.ts';
import type { LatestValues } from './latest-values.ts';

/** How arrays are written: base64 of their little-endian elements, or JSON numbers. */
export type ArrayForm = 'base64' | 'json';

const limitsText = ({ low, high }: Limits): string => `{"low":${numberJson(low)},"high":${numberJson(high)}}`;

function metaText(meta: ChannelMeta): string {
  let out = '';
  if (meta.units !== undefined) out += `,"units":${textJson(meta.units)}`;
  if (meta.precision !== undefined) out += `,"precision":${meta.precision}`;
  if (meta.labels) out += `,"labels":${JSON.stringify(meta.labels)}`;
  const limits = (['display', 'control', 'warning', 'alarm'] as const).flatMap((name) => (meta[name] ? [`"${name}":${limitsText(meta[name])}`] : []));
  if (limits.length > 0) out += `,"limits":{${limits.join(',')}}`;
  return out;
}

/** Seconds since 1970 with µs, and the whole ns, without a division: a double cannot hold them. */
function timeText(ns: bigint): string {
  const digits = String(ns);
  if (digits.length < 11 || ns < 0n) return `,"timestamp":${Number(ns) / 1e9},"timestampNs":"${digits}"`;
  return `,"timestamp":${digits.slice(0, -9)}.${digits.slice(-9, -3)},"timestampNs":"${digits}"`;
}

export class RowTexts {
  readonly #table: LatestValues;
  readonly #metas = new WeakMap<ChannelMeta, string>();
  readonly #names: string[] = [];
  readonly #namedAs: string[] = [];
  #receivedAt = Number.NaN;
  #receivedText = '';

  constructor(table: LatestValues) {
    this.#table = table;
  }

  /** `"NAME":{…}`; with what it is measured in if `described`. */
  of(slot: number, arrays: ArrayForm, described: boolean): string {
    const table = this.#table;
    const { columns } = table;
    const outcome = columns.outcome[slot]!;
    const key = this.key(slot);
    const meta = columns.metaHash[slot] === 0n ? undefined : table.metas.get(columns.metaHash[slot]!);
    const about = described && meta ? this.#meta(meta) : '';
    if (outcome !== ReadOutcome.ok) {
      const reason = textJson(readReason(outcome, columns.code[slot]!));
      return `${key}null,"connected":${isConnected(outcome)},"error":${reason},"outcome":"${readOutcomeNames[outcome] ?? 'pending'}"${about}}`;
    }
    const label = meta?.labels && columns.kind[slot] === ValueKind.enum ? meta.labels[columns.num[slot]!] : undefined;
    const time = columns.timeNs[slot]!;
    return `${key}${this.#value(slot, arrays)},"connected":true,"updated_at":${this.#received(table.receivedAt[slot]!)},"status":${columns.status[slot]},"severity":${columns.severity[slot]}${time === 0n ? '' : timeText(time)}${label === undefined ? '' : `,"enumLabel":${textJson(label)}`}${about}}`;
  }

  #value(slot: number, arrays: ArrayForm): string {
    const { columns } = this.#table;
    const kind = columns.kind[slot]!;
    if (arrays === 'json' || kind === ValueKind.text || columns.bytes.size === 0) return valueJson(columns, slot);
    const bytes = columns.bytes.get(slot);
    if (bytes === undefined) return valueJson(columns, slot);
    return `{"base64":"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')}","kind":"${valueKindNames[kind] ?? 'none'}"}`;
  }
  /** `"NAME":{"value":` */
  key(slot: number): string {
    const name = this.#table.name(slot)!;
    if (this.#namedAs[slot] !== name) {
      this.#namedAs[slot] = name;
      this.#names[slot] = `${textJson(name)}:{"value":`;
    }
    return this.#names[slot]!;
  }
  #meta(meta: ChannelMeta): string {
    let text = this.#metas.get(meta);
    if (text === undefined) this.#metas.set(meta, (text = metaText(meta)));
    return text;
  }
  /** Rows of one frame came at the same time. */
  #received(ms: number): string {
    if (ms !== this.#receivedAt) {
      this.#receivedAt = ms;
      this.#receivedText = String(ms / 1000);
    }
    return this.#receivedText;
  }
}
