/**
 * What is asked of one IOC: one job at a time, in pieces, each followed by a barrier. The barrier is a
 * read of its own; the IOC answers in turn, so when that has come the piece has been answered as far as
 * it will be: libca never says of a request in a group that the IOC refused it.
 *
 * The queue of a hung IOC stays short, for libca would block the thread that fills it (I1): a piece is
 * 128 KB at most, and nothing follows it before its barrier has come, also when nobody waits any more.
 */
import { after, now } from '../../wire/clock.ts';
import { Eca } from '../../wire/protocol/commands.ts';
import type { SweptContext } from './context.ts';

export interface Job {
  /** How many requests the round takes; after the first one, of `settle`. */
  begin(): number;
  /** Asks in this group. Whether an answer is to be waited for. */
  send(i: number, group: number): boolean;
  /** All that will be answered has been. Returns how many requests the next round takes; 0: that was all. */
  settle(): number;
  /** No answer is written any more. `late`: the deadline has passed; `lost`: the circuit is gone. */
  end(how: 'done' | 'late' | 'lost'): void;
}

interface Entry {
  readonly job: Job;
  readonly timer: NodeJS.Timeout | undefined;
}

/** A channel that can be read, and its native type. */
export type Readable = () => { readonly channel: number; readonly native: number } | undefined;

/** Requests in one piece: 16 bytes each, well below the 256 KB at which libca makes its caller wait. */
const longestPiece = 8_000;
/** Behind a CA gateway answers may come out of turn: the barrier is given so much of a lead. */
const graceMs = 100;

export class Gets {
  readonly #context: SweptContext;
  readonly #readable: Readable;
  readonly #heard: () => void;
  readonly #group: number;
  readonly #barrier: number;
  readonly #urgent: Entry[] = [];
  readonly #background: Entry[] = [];
  #current: Entry | undefined;
  #next = 0;
  #length = 0;
  #barrierSentAt: number | undefined;
  #graceUntil: number | undefined;

  /** @param heard Called when the IOC has answered. */
  constructor(context: SweptContext, readable: Readable, heard: () => void) {
    this.#context = context;
    this.#readable = readable;
    this.#heard = heard;
    this.#group = context.createGroup();
    this.#barrier = context.createGroup();
  }

  /** Since when an answer is due; undefined when none is. */
  get waitingSince(): number | undefined {
    return this.#barrierSentAt;
  }

  get isIdle(): boolean {
    return this.#current === undefined && this.#barrierSentAt === undefined;
  }

  ask(job: Job, options: { deadlineAt?: number; urgent?: boolean } = {}): void {
    const entry: Entry = { job, timer: options.deadlineAt === undefined ? undefined : after(options.deadlineAt, () => this.#expire(entry)) };
    (options.urgent === true ? this.#urgent : this.#background).push(entry);
    this.#pull();
  }

  /** After libca has processed what came. */
  look(at: number): void {
    if (this.#barrierSentAt !== undefined) {
      if (this.#context.native.groups.test(this.#barrier) !== Eca.ioDone) return;
      this.#barrierSentAt = undefined;
      this.#heard();
      if (this.#current === undefined) {
        this.#pull();
        return;
      }
      this.#graceUntil = at + graceMs;
    }
    if (this.#graceUntil !== undefined) this.#pieceDone(at);
  }

  /** The circuit is gone: nothing will be answered. */
  drop(): void {
    const { groups } = this.#context.native;
    groups.reset(this.#group);
    groups.reset(this.#barrier);
    this.#barrierSentAt = undefined;
    this.#graceUntil = undefined;
    const entries = [...(this.#current === undefined ? [] : [this.#current]), ...this.#urgent.splice(0), ...this.#background.splice(0)];
    this.#current = undefined;
    for (const { job, timer } of entries) {
      clearTimeout(timer);
      job.end('lost');
    }
  }

  #pull(): void {
    while (this.#current === undefined && this.#barrierSentAt === undefined) {
      this.#current = this.#urgent.shift() ?? this.#background.shift();
      if (this.#current === undefined) return;
      this.#round(this.#current.job.begin());
    }
  }

  #round(length: number): void {
    this.#length = length;
    this.#next = 0;
    this.#piece();
  }

  #piece(): void {
    const { job } = this.#current!;
    const until = Math.min(this.#length, this.#next + longestPiece);
    let sent = 0;
    for (; this.#next < until; this.#next++) if (job.send(this.#next, this.#group)) sent++;
    const at = now();
    this.#graceUntil = undefined;
    if (this.#sendBarrier()) this.#barrierSentAt = at;
    else {
      this.#graceUntil = at + graceMs;
      if (sent === 0) this.#pieceDone(at);
    }
    this.#context.flush();
  }

  #sendBarrier(): boolean {
    const { native: { groups }, cells } = this.#context;
    const readable = this.#readable();
    if (readable === undefined) return false;
    return groups.get(this.#barrier, readable.native, 1, readable.channel, cells.base + cells.sink) === Eca.normal;
  }

  #pieceDone(at: number): void {
    const { groups } = this.#context.native;
    if (groups.test(this.#group) !== Eca.ioDone) {
      if (at < this.#graceUntil!) return;
      groups.reset(this.#group);
    }
    this.#graceUntil = undefined;
    if (this.#next < this.#length) {
      this.#piece();
      return;
    }
    const entry = this.#current!;
    const length = entry.job.settle();
    if (length > 0) {
      this.#round(length);
      return;
    }
    this.#current = undefined;
    clearTimeout(entry.timer);
    entry.job.end('done');
    this.#pull();
  }

  #expire(entry: Entry): void {
    if (this.#current === entry) {
      this.#current = undefined;
      this.#graceUntil = undefined;
      // From here on libca writes no answer of it any more.
      this.#context.native.groups.reset(this.#group);
      entry.job.end('late');
      this.#pull();
      return;
    }
    for (const queue of [this.#urgent, this.#background]) {
      const at = queue.indexOf(entry);
      if (at < 0) continue;
      queue.splice(at, 1);
      entry.job.end('late');
    }
  }
}
