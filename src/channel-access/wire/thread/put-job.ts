/** One `write` on its way: which rows have an outcome, and when the others were sent. */
import { ValueKind } from '../../../contracts/values.ts';
import { WriteOutcome } from '../../port.ts';
import type { PutValues } from '../thread-messages.ts';

/** By kind: a single value is all in its number. */
const isNumber = new Uint8Array(256);
for (const kind of [ValueKind.int8, ValueKind.int16, ValueKind.int32, ValueKind.enum, ValueKind.float, ValueKind.double]) isNumber[kind] = 1;

export class PutJob {
  readonly id: number;
  readonly rows: Int32Array;
  readonly values: PutValues;
  /** 1 for rows whose value is one plain number. */
  readonly plain: Uint8Array;
  readonly deadlineMs: number;
  readonly window: number;
  readonly outcome: Uint8Array;
  readonly code: Uint16Array;
  readonly startedAt: number;
  /** The next row to be sent. */
  next = 0;
  /** Rows without an outcome. */
  left: number;
  timer: NodeJS.Timeout | undefined;
  readonly sentTimes: Float64Array;
  /** Rows in the order of their sending, and how many were sent. */
  readonly order: Int32Array;
  sentCount = 0;
  #oldest = 0;

  constructor(id: number, rows: Int32Array, values: PutValues, options: { deadlineMs: number; window: number }, startedAt: number) {
    this.id = id;
    this.rows = rows;
    this.values = values;
    this.plain = plainRows(values);
    this.deadlineMs = options.deadlineMs;
    this.window = Math.max(1, options.window);
    this.startedAt = startedAt;
    this.outcome = new Uint8Array(rows.length);
    this.code = new Uint16Array(rows.length);
    this.left = rows.length;
    this.sentTimes = new Float64Array(rows.length);
    this.order = new Int32Array(rows.length);
  }

  sent(i: number, at: number): void {
    this.sentTimes[i] = at;
    this.order[this.sentCount++] = i;
  }

  sentAt(i: number): number {
    return this.sentTimes[i]!;
  }

  settle(i: number, outcome: WriteOutcome, code = 0): void {
    if (this.outcome[i] !== WriteOutcome.pending) return;
    this.outcome[i] = outcome;
    this.code[i] = code;
    this.left--;
  }

  /** Gives every row that was not sent this outcome. */
  settleUnsent(outcome: WriteOutcome): void {
    for (; this.next < this.rows.length; this.next++) this.settle(this.next, outcome);
  }

  /** The row that has waited longest for its completion, or -1. */
  oldest(): number {
    while (this.#oldest < this.sentCount && this.outcome[this.order[this.#oldest]!] !== WriteOutcome.pending) this.#oldest++;
    return this.#oldest < this.sentCount ? this.order[this.#oldest]! : -1;
  }
}

function plainRows({ kind, bytes }: PutValues): Uint8Array {
  const plain = new Uint8Array(kind.length);
  for (let i = 0; i < kind.length; i++) plain[i] = isNumber[kind[i]!]!;
  for (const i of bytes.keys()) plain[i] = 0;
  return plain;
}
