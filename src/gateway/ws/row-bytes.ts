/** Rows as {@link RowTexts} writes them, as bytes; a test holds the two together. What is rare is left to it. */
import { ReadOutcome, ValueKind } from '../../contracts/values.ts';
import type { JsonBytes } from '../json-bytes.ts';
import { SplitTime } from '../split-time.ts';
import { textJson } from '../value-json.ts';
import type { LatestValues } from './latest-values.ts';
import { RowTexts, type ArrayForm } from './row-text.ts';

export class RowBytes {
  readonly #table: LatestValues;
  readonly texts: RowTexts;
  readonly #time = new SplitTime();
  // Bytes are copied twice as quick as text is written. What the rows of one frame, second and alarm have in common.
  #second = -1;
  #alarm = -1;
  #receivedAt = Number.NaN;
  #middle = Buffer.alloc(0);
  #stamp = Buffer.alloc(0);

  /** Of the last message, on average. */
  #rowBytes = 200;

  constructor(table: LatestValues) {
    this.#table = table;
    this.texts = new RowTexts(table);
  }

  /** For a message of so many rows, so that it need not be put together from pieces. */
  room(rows: number): number {
    return Math.ceil(rows * this.#rowBytes * 1.1) + 1_024;
  }
  took(rows: number, bytes: number): void {
    if (rows > 0) this.#rowBytes = bytes / rows;
  }

  write(out: JsonBytes, slot: number, arrays: ArrayForm, described: boolean): void {
    const table = this.#table;
    const { columns, timeWords } = table;
    const kind = columns.kind[slot]!;
    const plain = !described && columns.outcome[slot] === ReadOutcome.ok && kind !== ValueKind.text && kind !== ValueKind.int64 && kind !== ValueKind.uint64 && !table.isArray(slot);
    if (!plain || !this.#time.read(timeWords[2 * slot]!, timeWords[2 * slot + 1]!)) {
      out.text(this.texts.of(slot, arrays, described));
      return;
    }
    const { second, nanos } = this.#time;
    const alarm = columns.status[slot]! * 256 + columns.severity[slot]!;
    const receivedAt = table.receivedAt[slot]!;
    if (second !== this.#second || alarm !== this.#alarm || receivedAt !== this.#receivedAt) {
      this.#second = second;
      this.#alarm = alarm;
      this.#receivedAt = receivedAt;
      this.#middle = Buffer.from(`,"connected":true,"updated_at":${receivedAt / 1000},"status":${columns.status[slot]},"severity":${columns.severity[slot]},"timestamp":${second}.`);
      this.#stamp = Buffer.from(`,"timestampNs":"${second}`);
    }
    out.text(this.texts.key(slot));
    out.number(columns.num[slot]!);
    out.copy(this.#middle);
    out.digits((nanos / 1_000) | 0, 6);
    out.copy(this.#stamp);
    out.digits(nanos, 9);
    const label = kind === ValueKind.enum ? table.metas.get(columns.metaHash[slot]!)?.labels?.[columns.num[slot]!] : undefined;
    if (label === undefined) out.ascii('"}');
    else out.text(`","enumLabel":${textJson(label)}}`);
  }
}
