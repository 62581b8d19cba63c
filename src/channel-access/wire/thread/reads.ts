/**
 * Reads of one IOC. One sweep is outstanding; further ones wait with their deadlines running. A
 * sweep that is not whole at its deadline is answered with what has come; its late replies are
 * counted and dropped, and while two such sweeps are still unanswered nothing more is sent, so that
 * a hung IOC's queue stays short (I1).
 */
import { ReadOutcome } from '../../../contracts/values.ts';
import { Counter } from '../counters.ts';
import { blankColumns, type PackedColumns, type PackedValues } from '../packed-values.ts';
import { Eca } from '../protocol/commands.ts';
import type { Frame } from '../protocol/frames.ts';
import { HostileBytes } from '../protocol/hostile.ts';
import type { Channels } from './channels.ts';
import type { Circuit } from './circuit.ts';
import type { ThreadContext } from './context.ts';
import { decodeReply } from './decode-reply.ts';
import { HeapWriter } from './heap-writer.ts';
import { type PreparedSweep, prepareSweep, sameRows } from './prepared-sweep.ts';
import { answerRead } from './read-answers.ts';
import type { RequestIds } from './request-ids.ts';
import { type WaitingRead, WaitingReads } from './waiting-reads.ts';

interface Sweep extends WaitingRead {
  /** To be filled in; its channels are the rows asked. */
  readonly columns: PackedColumns;
  readonly prepared: PreparedSweep;
  readonly base: number;
  readonly heap: HeapWriter;
  left: number;
  /** Every row has a value so far. */
  whole: boolean;
}

interface Abandoned {
  readonly base: number;
  readonly length: number;
  left: number;
}

const mostAbandoned = 2;
const preparedKept = 4;

export class Reads {
  readonly #context: ThreadContext;
  readonly #circuit: Circuit;
  readonly #channels: Channels;
  readonly #ids: RequestIds;
  #current: Sweep | undefined;
  readonly #waiting: WaitingReads;
  readonly #abandoned: Abandoned[] = [];
  readonly #prepared: PreparedSweep[] = [];
  #heapSize = { bytes: 0, entries: 0 };

  constructor(context: ThreadContext, circuit: Circuit, channels: Channels, ids: RequestIds) {
    this.#context = context;
    this.#circuit = circuit;
    this.#channels = channels;
    this.#ids = ids;
    this.#waiting = new WaitingReads(context, (id) => this.#expire(id));
  }

  ask(id: number, into: PackedValues, deadlineAt: number): void {
    this.#waiting.add(id, into, deadlineAt);
    this.#next();
  }

  get isAsking(): boolean {
    return this.#current !== undefined || this.#abandoned.length > 0;
  }

  /** Takes a reply if it belongs to a sweep. */
  take(frame: Frame): boolean {
    const sweep = this.#current;
    if (sweep !== undefined) {
      const i = (frame.parameter2 - sweep.base) >>> 0;
      if (i < sweep.columns.channel.length) {
        this.#reply(sweep, i, frame);
        return true;
      }
    }
    return this.#late(frame.parameter2);
  }

  /** Takes an error message that names a request of a sweep. */
  refuse(requestId: number, code: number): boolean {
    const sweep = this.#current;
    const i = sweep === undefined ? 0 : (requestId - sweep.base) >>> 0;
    if (sweep === undefined || i >= sweep.columns.channel.length) return this.#late(requestId);
    if (sweep.columns.outcome[i] !== ReadOutcome.pending) return false;
    this.#refused(sweep, i, code);
    this.#one(sweep);
    return true;
  }

  /** The circuit is gone: everything is answered now. */
  drop(): void {
    const sweep = this.#current;
    this.#current = undefined;
    if (sweep !== undefined) {
      sweep.whole = false;
      this.#finish(sweep, ReadOutcome.disconnected);
    }
    this.#waiting.drop();
    this.#abandoned.length = 0;
    this.#prepared.length = 0;
  }

  #next(): void {
    while (this.#current === undefined && this.#abandoned.length < mostAbandoned) {
      const waiting = this.#waiting.take();
      if (waiting === undefined) return;
      this.#start(waiting);
    }
  }

  #start(waiting: WaitingRead): void {
    const columns = blankColumns(waiting.into);
    const rows = columns.channel;
    const prepared = this.#prepare(rows);
    columns.outcome.set(prepared.outcome);
    columns.kind.set(prepared.kind);
    columns.access.set(prepared.access);
    columns.hashWords.set(prepared.hashWords);
    const base = this.#ids.take(rows.length);
    const sweep: Sweep = { ...waiting, columns, prepared, base, heap: new HeapWriter(this.#heapSize, waiting.into.heap), left: prepared.asked, whole: prepared.asked === rows.length };
    if (prepared.asked === 0) {
      this.#finish(sweep, ReadOutcome.timeout);
      return;
    }
    this.#current = sweep;
    this.#send(prepared, base);
  }

  #prepare(rows: Int32Array): PreparedSweep {
    const known = this.#prepared.find((sweep) => sweep.version === this.#channels.version && sameRows(sweep.rows, rows));
    if (known !== undefined) return known;
    const prepared = prepareSweep(this.#context, this.#channels, this.#circuit.minor, rows);
    this.#prepared.unshift(prepared);
    this.#prepared.length = Math.min(this.#prepared.length, preparedKept);
    return prepared;
  }

  #send(prepared: PreparedSweep, base: number): void {
    // Bytes that are still on their way must not change: then this sweep gets a copy.
    const requests = prepared.sending ? Buffer.from(prepared.requests) : prepared.requests;
    const view = prepared.sending ? new DataView(requests.buffer, requests.byteOffset, requests.length) : prepared.view;
    const { idAt } = prepared;
    for (let i = 0; i < idAt.length; i++) if (idAt[i]! >= 0) view.setUint32(idAt[i]!, base + i);
    if (prepared.sending) {
      this.#circuit.send(requests);
      return;
    }
    prepared.sending = true;
    this.#circuit.send(requests, () => (prepared.sending = false));
  }

  #reply(sweep: Sweep, i: number, frame: Frame): void {
    const { columns, prepared } = sweep;
    if (columns.outcome[i] !== ReadOutcome.pending || prepared.idAt[i]! < 0) throw new HostileBytes('a read was answered twice');
    if (frame.parameter1 !== Eca.normal) this.#refused(sweep, i, frame.parameter1);
    else if (!decodeReply(frame, prepared.native[i]!, prepared.flags[i]!, columns, sweep.heap, i)) this.#refused(sweep, i, Eca.badCount);
    this.#one(sweep);
  }

  #refused(sweep: Sweep, i: number, code: number): void {
    const { columns } = sweep;
    sweep.whole = false;
    if (code === Eca.noReadAccess) columns.outcome[i] = ReadOutcome.noReadAccess;
    else if (code === Eca.tooLarge) columns.outcome[i] = ReadOutcome.tooLarge;
    else {
      columns.outcome[i] = ReadOutcome.refused;
      columns.code[i] = code;
    }
  }

  #one(sweep: Sweep): void {
    if (--sweep.left > 0) return;
    this.#current = undefined;
    this.#finish(sweep, ReadOutcome.timeout);
    this.#next();
  }

  #late(requestId: number): boolean {
    const at = this.#abandoned.findIndex(({ base, length }) => ((requestId - base) >>> 0) < length);
    const range = this.#abandoned[at];
    if (range === undefined) return false;
    this.#context.counters[Counter.lateReplies]! += 1;
    if (--range.left === 0) {
      this.#abandoned.splice(at, 1);
      this.#next();
    }
    return true;
  }

  #expire(id: number): void {
    const sweep = this.#current;
    if (sweep?.id !== id) return;
    this.#current = undefined;
    sweep.whole = false;
    this.#abandoned.push({ base: sweep.base, length: sweep.columns.channel.length, left: sweep.left });
    this.#finish(sweep, ReadOutcome.timeout);
    this.#next();
  }

  /** Posts the sweep; rows without an answer get `unanswered`. */
  #finish(sweep: Sweep, unanswered: ReadOutcome): void {
    clearTimeout(sweep.timer);
    const { columns, into, heap } = sweep;
    if (!sweep.whole) this.#tidy(columns, unanswered);
    this.#heapSize = heap.size;
    this.#context.counters[Counter.reads]! += columns.channel.length;
    answerRead(this.#context, sweep.id, { ...into, heap: heap.finish() });
  }

  /** S1: rows without a value say why, and nothing else. */
  #tidy({ outcome, kind, hashWords }: PackedColumns, unanswered: ReadOutcome): void {
    for (let i = 0; i < outcome.length; i++) {
      if (outcome[i] === ReadOutcome.pending) outcome[i] = unanswered;
      if (outcome[i] === ReadOutcome.ok) continue;
      kind[i] = 0;
      hashWords[2 * i] = 0;
      hashWords[2 * i + 1] = 0;
    }
  }
}
