/**
 * The channel dictionary as this host has it: names and last known IOCs by channel id, and which
 * channels are open here in which row. Columns by id; 50,000 channels cost no object each.
 */
import type { Row } from '../../channel-access/port.ts';

/** [id, name, last known IOC] as the dictionary pages carry it. */
export type DictionaryRow = readonly [id: number, name: string, ioc: string | null];

const none = -1;

export class ChannelTable {
  #names: (string | undefined)[] = [];
  #rowOfId = new Int32Array(1_024).fill(none);
  #iocOfId = new Int32Array(1_024).fill(none);
  readonly #idOfRow: Int32Array;
  readonly #iocNames: string[] = [];
  readonly #iocIndex = new Map<string, number>();
  #size = 0;
  #open = 0;
  #rowLimit = 0;

  constructor(capacity: number) {
    this.#idOfRow = new Int32Array(capacity).fill(none);
  }

  /** Channels in the dictionary, and how many of them are open here. */
  get size(): number {
    return this.#size;
  }
  get openCount(): number {
    return this.#open;
  }
  /** No row as high as this was ever open. */
  get rowLimit(): number {
    return this.#rowLimit;
  }

  /** The whole dictionary, new. Returns the open channels that are in it no more; they stay open until closed. */
  replace(rows: readonly DictionaryRow[]): Int32Array {
    const names: (string | undefined)[] = [];
    for (const [id, name, ioc] of rows) {
      checkId(id, name);
      names[id] = name;
      if (ioc !== null) this.setIoc(id, ioc);
    }
    const gone: number[] = [];
    for (let id = 0; id < this.#names.length; id++) if (names[id] === undefined && this.rowOf(id) !== none) gone.push(id);
    this.#names = names;
    this.#size = rows.length;
    return Int32Array.from(gone);
  }

  /** A part of the dictionary ahead of the whole. */
  extend(rows: readonly DictionaryRow[]): void {
    for (const [id, name, ioc] of rows) {
      checkId(id, name);
      if (this.#names[id] === undefined) this.#size++;
      this.#names[id] = name;
      if (ioc !== null) this.setIoc(id, ioc);
    }
  }

  name(id: number): string | undefined {
    return this.#names[id];
  }
  ids(): Int32Array {
    const ids = new Int32Array(this.#size);
    let at = 0;
    for (let id = 0; id < this.#names.length && at < ids.length; id++) if (this.#names[id] !== undefined) ids[at++] = id;
    return ids.subarray(0, at);
  }

  /** Last known IOC: what the directory says, or what was found here since. */
  iocOf(id: number): string | null {
    return this.#iocNames[this.#iocOfId[id] ?? none] ?? null;
  }
  setIoc(id: number, ioc: string): void {
    this.#grow(id);
    let index = this.#iocIndex.get(ioc);
    if (index === undefined) {
      index = this.#iocNames.push(ioc) - 1;
      this.#iocIndex.set(ioc, index);
    }
    this.#iocOfId[id] = index;
  }

  /** -1: not open here. */
  rowOf(id: number): Row {
    return this.#rowOfId[id] ?? none;
  }
  idOf(row: Row): number {
    return this.#idOfRow[row] ?? none;
  }
  rowsOf(ids: Int32Array): Int32Array {
    const rows = new Int32Array(ids.length);
    for (let i = 0; i < ids.length; i++) rows[i] = this.#rowOfId[ids[i]!] ?? none;
    return rows;
  }

  opened(id: number, row: Row): void {
    this.#grow(id);
    this.#rowOfId[id] = row;
    this.#idOfRow[row] = id;
    this.#rowLimit = Math.max(this.#rowLimit, row + 1);
    this.#open++;
  }
  closed(id: number): void {
    const row = this.rowOf(id);
    if (row === none) return;
    this.#rowOfId[id] = none;
    this.#idOfRow[row] = none;
    this.#open--;
  }

  #grow(id: number): void {
    if (id < this.#rowOfId.length) return;
    const length = Math.max(id + 1, this.#rowOfId.length * 2);
    const grown = (from: Int32Array): Int32Array<ArrayBuffer> => {
      const to = new Int32Array(length).fill(none);
      to.set(from);
      return to;
    };
    this.#rowOfId = grown(this.#rowOfId);
    this.#iocOfId = grown(this.#iocOfId);
  }
}

function checkId(id: number, name: string): void {
  if (!Number.isInteger(id) || id < 0) throw new RangeError(`channel "${name}" has id ${id}, which is no positive integer`);
}
