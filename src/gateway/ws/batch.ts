/**
 * What changed between two versions of the table, written at most once per form: a hundred clients
 * that watch everything share one text, and clients with their own selections share its rows.
 */
import { encodeFrame } from '../../contracts/frame.ts';
import { copyValueRow, emptyValueColumns } from '../../contracts/values.ts';
import { jsonMeta } from '../../snapshots/json-values.ts';
import { JsonBytes } from '../json-bytes.ts';
import type { LatestValues } from './latest-values.ts';
import type { RowBytes } from './row-bytes.ts';
import type { ArrayForm } from './row-text.ts';

/** `columns`: the binary subprotocol; else JSON with arrays in that form. */
export type Form = ArrayForm | 'columns';

/** 1 for each slot that is selected; null = everything. */
export type Selection = Uint8Array | null;

/** Sent as one message; `parts` but the last are its head. The last is shared where several clients have the same due. */
export interface Message {
  readonly parts: readonly (string | Buffer)[];
  readonly binary: boolean;
  readonly count: number;
}

export type What = 'initial' | 'diff' | 'all_values';

export class Batch {
  /** Version that a client has seen who got this. */
  readonly to: number;
  readonly slots: Int32Array;
  readonly #table: LatestValues;
  readonly #rows: RowBytes;
  readonly #since: number;
  readonly #texts: Record<ArrayForm, (string | undefined)[]> = { base64: [], json: [] };
  readonly #shared = new Map<string, Message>();

  constructor(table: LatestValues, rows: RowBytes, since: number, to = table.version) {
    this.#table = table;
    this.#rows = rows;
    this.#since = since;
    this.to = to;
    this.slots = table.changedSince(since, to);
  }

  count(selection: Selection): number {
    if (selection === null) return this.slots.length;
    let count = 0;
    for (const slot of this.slots) count += selection[slot] ?? 0;
    return count;
  }

  message(what: What, form: Form, selection: Selection, now: number, missed = 0): Message {
    if (selection !== null) return withMissed(this.#write(what, form, selection, now), missed);
    const key = `${what} ${form}`;
    let message = this.#shared.get(key);
    if (!message) this.#shared.set(key, (message = this.#write(what, form, null, now)));
    return withMissed(message, missed);
  }

  #write(what: What, form: Form, selection: Selection, now: number): Message {
    return form === 'columns' ? this.#frame(what, selection, now) : this.#text(what, form, selection, now);
  }

  #text(what: What, arrays: ArrayForm, selection: Selection, now: number): Message {
    const count = this.count(selection);
    const head = `{"type":"${what}","sequence":${this.to},"count":${count},"timestamp":${now / 1000},"${what === 'all_values' ? 'values' : 'data'}":{`;
    const whole = selection === null ? this.#everything(head, arrays) : Buffer.from(`${head}${this.#selected(arrays, selection).join(',')}}}`);
    return { parts: [whole], binary: false, count };
  }

  /** Written once for all, straight as bytes. */
  #everything(head: string, arrays: ArrayForm): Buffer {
    const { slots } = this;
    const out = new JsonBytes(this.#rows.room(slots.length));
    out.ascii(head);
    for (let i = 0; i < slots.length; i++) {
      if (i > 0) out.ascii(',');
      this.#rows.write(out, slots[i]!, arrays, this.#isDescribed(slots[i]!));
    }
    out.ascii('}}');
    this.#rows.took(slots.length, out.length);
    const pieces = out.finish();
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  #selected(arrays: ArrayForm, selection: Uint8Array): string[] {
    const rows: string[] = [];
    const texts = this.#texts[arrays];
    const { slots } = this;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      if (selection[slot] === 1) rows.push((texts[i] ??= this.#rows.texts.of(slot, arrays, this.#isDescribed(slot))));
    }
    return rows;
  }
  #isDescribed(slot: number): boolean {
    return this.#table.describedAt[slot]! > this.#since;
  }

  #frame(what: What, selection: Selection, now: number): Message {
    const table = this.#table;
    const { slots } = this;
    const count = this.count(selection);
    const columns = emptyValueColumns(count);
    const metas: Record<string, object> = {};
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
      if (meta) metas[String(hash)] = jsonMeta(meta);
    }
    const head = { type: what, sequence: this.to, count, timestamp: now / 1000, ...(names ? { names } : {}), ...(Object.keys(metas).length > 0 ? { metas } : {}) };
    const bytes = encodeFrame(head, columns);
    return { parts: [Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)], binary: true, count };
  }
}

/** The same message with the number in its head: clients that fell behind share the long part, which is not copied. */
function withMissed({ parts, binary, count }: Message, missed: number): Message {
  if (missed === 0) return { parts, binary, count };
  const whole = parts[0] as Buffer;
  if (!binary) {
    return { parts: [`{"missed":${missed},`, whole.subarray(1)], binary, count };
  }
  const length = whole.readUInt32LE(4);
  const head = encodeFrame({ ...(JSON.parse(whole.toString('utf8', 8, 8 + length)) as object), missed });
  const headEnd = (view: { readUInt32LE(at: number): number }): number => 8 + Math.ceil(view.readUInt32LE(4) / 8) * 8;
  const empty = Buffer.from(head.buffer, head.byteOffset, head.length);
  return { parts: [empty.subarray(0, headEnd(empty)), whole.subarray(headEnd(whole))], binary, count };
}
