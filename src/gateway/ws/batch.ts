/**
 * What changed between two versions of the table, written at most once per form: a hundred clients
 * that watch everything share one text, and clients with their own selections share its rows.
 */
import { encodeFrame } from '../../contracts/frame.ts';
import { copyValueRow, emptyValueColumns, type ChannelMeta } from '../../contracts/values.ts';
import type { LatestValues } from './latest-values.ts';
import type { ArrayForm, RowTexts } from './row-text.ts';

/** `columns`: the binary subprotocol; else JSON with arrays in that form. */
export type Form = ArrayForm | 'columns';

/** 1 for each slot that is selected; null = everything. */
export type Selection = Uint8Array | null;

export interface Message {
  readonly data: Buffer;
  readonly binary: boolean;
  readonly count: number;
}

export type What = 'initial' | 'diff' | 'all_values';

export class Batch {
  /** Version that a client has seen who got this. */
  readonly to: number;
  readonly slots: Int32Array;
  readonly #table: LatestValues;
  readonly #rows: RowTexts;
  readonly #since: number;
  readonly #texts: Record<ArrayForm, (string | undefined)[]> = { base64: [], json: [] };
  readonly #shared = new Map<string, Message>();

  constructor(table: LatestValues, rows: RowTexts, since: number) {
    this.#table = table;
    this.#rows = rows;
    this.#since = since;
    this.to = table.version;
    this.slots = table.changedSince(since);
  }

  count(selection: Selection): number {
    if (selection === null) return this.slots.length;
    let count = 0;
    for (const slot of this.slots) count += selection[slot] ?? 0;
    return count;
  }

  message(what: What, form: Form, selection: Selection, now: number, missed = 0): Message {
    if (selection !== null || missed > 0) return this.#write(what, form, selection, now, missed);
    const key = `${what} ${form}`;
    let message = this.#shared.get(key);
    if (!message) this.#shared.set(key, (message = this.#write(what, form, null, now, 0)));
    return message;
  }

  #write(what: What, form: Form, selection: Selection, now: number, missed: number): Message {
    return form === 'columns' ? this.#frame(what, selection, now, missed) : this.#text(what, form, selection, now, missed);
  }

  #text(what: What, arrays: ArrayForm, selection: Selection, now: number, missed: number): Message {
    const parts: string[] = [];
    const texts = this.#texts[arrays];
    const { slots } = this;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      if (selection === null || selection[slot] === 1) parts.push((texts[i] ??= this.#rows.of(slot, arrays, this.#table.describedAt[slot]! > this.#since)));
    }
    const head = `{"type":"${what}","sequence":${this.to},"count":${parts.length},"timestamp":${now / 1000}${missed > 0 ? `,"missed":${missed}` : ''}`;
    const data = Buffer.from(`${head},"${what === 'all_values' ? 'values' : 'data'}":{${parts.join(',')}}}`);
    return { data, binary: false, count: parts.length };
  }

  #frame(what: What, selection: Selection, now: number, missed: number): Message {
    const table = this.#table;
    const { slots } = this;
    const count = this.count(selection);
    const columns = emptyValueColumns(count);
    const metas: Record<string, ChannelMeta> = {};
    // Names and descriptions once: a diff has the descriptions that are new, and every channel was in an `initial` first.
    const names: string[] | undefined = what === 'diff' ? undefined : [];
    let row = 0;
    for (const slot of slots) {
      if (selection !== null && selection[slot] !== 1) continue;
      copyValueRow(table.columns, slot, columns, row++);
      names?.push(table.name(slot)!);
      if (table.describedAt[slot]! <= this.#since || table.columns.metaHash[slot] === 0n) continue;
      const hash = table.columns.metaHash[slot]!;
      const meta = table.metas.get(hash);
      if (meta) metas[String(hash)] = meta;
    }
    const head = { type: what, sequence: this.to, count, timestamp: now / 1000, ...(missed > 0 ? { missed } : {}), ...(names ? { names } : {}), ...(Object.keys(metas).length > 0 ? { metas } : {}) };
    const bytes = encodeFrame(head, columns);
    return { data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), binary: true, count };
  }
}
