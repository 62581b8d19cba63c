/**
 * Puts with completion to one IOC: a window of them under way, one per channel, a deadline each.
 *
 * A put without completion keeps its channel busy: a second one on it could hold the whole circuit.
 * A circuit that has gone silent while the IOC's first one answers is stuck; it is replaced by one at
 * the next priority number, which the IOC serves with a thread of its own. Nothing is sent twice (R2).
 */
import { ChannelState } from '../../columns.ts';
import { WriteOutcome } from '../../port.ts';
import { after, now } from '../clock.ts';
import type { Command } from '../thread-messages.ts';
import type { ThreadContext } from './context.ts';
import { PutJob } from './put-job.ts';
import type { PutSession, PutSessionHooks } from './put-session.ts';

/** As much of a circuit as tells a slow record from a circuit that is stuck. */
export type Probed = Pick<PutSession['circuit'], 'probe' | 'abandonProbe'>;

/** What puts go out by: one life of a circuit of their own. */
export type PutCircuit = Pick<PutSession, 'inFlight' | 'create' | 'remove' | 'isAwaited' | 'busySince' | 'put' | 'flush' | 'giveUp' | 'discard'> & {
  readonly circuit: Probed & Pick<PutSession['circuit'], 'lastReceivedAt' | 'watch' | 'close'>;
  /** Whether completions are still to come, also of puts that were given up. */
  readonly isOwed?: boolean;
  /** Whether what is under way is all that it can hold, given up or not. */
  readonly isFull?: boolean;
  /** It keeps the window itself, and is given all rows at once. */
  readonly queues?: boolean;
  /** Takes as many rows of the job, from its next one on, as it can take at once. */
  fill?(job: PutJob): void;
  /** Tells the jobs what was sent of what it queued, and what became of it. */
  collect?(): void;
  /** Takes back what of a job is queued and was not sent. */
  revoke?(job: PutJob, outcome: WriteOutcome): void;
};

type WriteCommand = Command & { readonly do: 'write' };

/** A channel busy for so long may never hear of its completion: IOCs lose some under load. */
const forgottenMs = 30_000;
const highestPriority = 99;
/** A quarter of the window. */
const refillShift = 2;
const refillMs = 1;

export class Puts {
  readonly #context: ThreadContext;
  /** The IOC's first circuit, for comparison. */
  readonly #first: () => Probed | undefined;
  readonly #openAt: (priority: number, hooks: PutSessionHooks) => PutCircuit;
  #session: PutCircuit | undefined;
  #priority = 1;
  #jobs: PutJob[] = [];
  #probing = false;
  #pumping = false;
  #refill: NodeJS.Timeout | undefined;

  constructor(context: ThreadContext, first: () => Probed | undefined, openAt: (priority: number, hooks: PutSessionHooks) => PutCircuit) {
    this.#context = context;
    this.#first = first;
    this.#openAt = openAt;
  }

  write({ id, rows, values, deadlineMs, window }: WriteCommand): void {
    const at = now();
    const job = new PutJob(id, rows, values, { deadlineMs, window }, at);
    const connected = this.#connected(rows);
    if (this.#isForgotten(connected, at)) this.#replace();
    if (connected.length > 0) this.#open().create(connected);
    this.#jobs.push(job);
    this.#arm(job, at + deadlineMs);
    this.#pump();
  }

  prepare(rows: Int32Array): void {
    const connected = this.#connected(rows);
    if (connected.length > 0) this.#open().create(connected);
  }

  /** These channels are gone from the IOC's first circuit. */
  remove(rows: Int32Array): void {
    this.#session?.remove(rows);
    this.#pump();
  }

  /** The IOC's first circuit is gone. */
  drop(reason: string): void {
    this.#session?.circuit.close(reason);
  }

  watch(at: number): void {
    this.#session?.circuit.watch(at);
  }

  stop(): void {
    clearTimeout(this.#refill);
    for (const job of this.#jobs) this.#settleUnsent(job, WriteOutcome.notSent);
    this.#session?.discard();
    this.#session = undefined;
    this.#finish();
  }

  #isConnected(row: number): boolean {
    return this.#context.columns.state[row] === ChannelState.connected && this.#context.slotOf[row] !== 0;
  }

  #connected(rows: Int32Array): Int32Array {
    const connected = new Int32Array(rows.length);
    let count = 0;
    for (let i = 0; i < rows.length; i++) if (this.#isConnected(rows[i]!)) connected[count++] = rows[i]!;
    return connected.subarray(0, count);
  }

  #open(): PutCircuit {
    return (this.#session ??= this.#openAt(this.#priority, {
      progress: () => this.#progress(),
      down: () => this.#down(),
    }));
  }

  #down(): void {
    this.#session = undefined;
    for (const job of this.#jobs) job.settleUnsent(WriteOutcome.disconnected);
    this.#finish();
  }

  /** Refills the window once a good part of it is free, or soon: completions come a few at a time, and each write costs both sides. */
  #progress(): void {
    if (this.#session?.queues === true) {
      this.#pump();
      return;
    }
    const window = this.#jobs[0]?.window ?? 1;
    const free = window - (this.#session?.inFlight ?? 0);
    if (free >= Math.max(1, window >> refillShift)) this.#pump();
    else {
      this.#finish();
      this.#refill ??= setTimeout(() => this.#pump(), refillMs);
    }
  }

  /** Sends what the window allows, of the oldest job first, in one write. */
  #pump(): void {
    if (this.#pumping) return;
    clearTimeout(this.#refill);
    this.#refill = undefined;
    this.#pumping = true;
    const at = now();
    for (const job of this.#jobs) if (!this.#advance(job, at)) break;
    this.#session?.flush();
    this.#pumping = false;
    this.#finish();
  }

  /** Whether the job has sent all it had. */
  #advance(job: PutJob, at: number): boolean {
    for (; ; job.next++) {
      const session = this.#session;
      if (!this.#probing) session?.fill?.(job);
      if (job.next >= job.rows.length) return true;
      const row = job.rows[job.next]!;
      if (session === undefined || !this.#isConnected(row)) {
        job.settle(job.next, WriteOutcome.disconnected);
        continue;
      }
      if (session.isAwaited(row)) {
        if (at - job.startedAt < job.deadlineMs) return false;
        job.settle(job.next, WriteOutcome.disconnected);
        continue;
      }
      if (session.busySince(row) !== undefined) {
        job.settle(job.next, WriteOutcome.busy);
        continue;
      }
      if (this.#probing || (session.queues !== true && (session.inFlight >= job.window || session.isFull === true))) return false;
      const outcome = session.put(job, job.next, at);
      if (outcome !== WriteOutcome.pending) job.settle(job.next, outcome);
    }
  }

  #finish(): void {
    if (!this.#jobs.some((job) => job.left === 0)) return;
    const done = this.#jobs.filter((job) => job.left === 0);
    this.#jobs = this.#jobs.filter((job) => job.left > 0);
    for (const job of done) {
      clearTimeout(job.timer);
      const { id, outcome, code } = job;
      this.#context.outbox.report({ is: 'written', id, outcome, code }, [outcome.buffer, code.buffer] as ArrayBuffer[]);
    }
  }

  #arm(job: PutJob, at: number): void {
    job.timer = after(at, () => this.#expire(job));
  }

  #expire(job: PutJob): void {
    if (job.left === 0) return;
    const at = now();
    let silent = false;
    this.#session?.collect?.();
    for (let i = job.oldest(); i >= 0; i = job.oldest()) {
      const sentAt = job.sentAt(i);
      if (at - sentAt < job.deadlineMs) break;
      job.settle(i, WriteOutcome.timeout);
      this.#session?.giveUp(job.rows[i]!);
      silent ||= this.#session !== undefined && this.#session.circuit.lastReceivedAt < sentAt;
    }
    if (silent) this.#probe();
    // Held up by puts that were given up, and that alone.
    else if (this.#session?.isFull === true && this.#session.inFlight === 0) this.#settleUnsent(job, WriteOutcome.notSent);
    this.#pump();
    if (job.left === 0) return;
    const oldest = job.oldest();
    this.#arm(job, oldest < 0 ? at + job.deadlineMs : job.sentAt(oldest) + job.deadlineMs);
  }

  /**
   * Nothing has come on the put circuit for a whole deadline. An echo tells slow records from a
   * circuit that is stuck; until it is back nothing more is sent.
   */
  #probe(): void {
    const session = this.#session;
    if (this.#probing || session === undefined) return;
    this.#probing = true;
    const first = this.#first();
    let firstAlive = false;
    const heard = (alive: boolean): void => void (firstAlive = alive);
    first?.probe(heard);
    const decided = (alive: boolean): void => {
      clearTimeout(timer);
      first?.abandonProbe(heard);
      this.#probing = false;
      if (!alive) {
        // Every further put would only wait for its deadline (I1).
        for (const job of this.#jobs) this.#settleUnsent(job, WriteOutcome.notSent);
        // With the whole IOC hung, completions still come when it goes on.
        if (firstAlive && session === this.#session) this.#replace();
      }
      this.#pump();
    };
    const timer = after(now() + this.#context.options.echoTimeoutMs, () => {
      if (session.circuit.abandonProbe(decided)) decided(false);
    });
    session.circuit.probe(decided);
  }

  #settleUnsent(job: PutJob, outcome: WriteOutcome): void {
    this.#session?.revoke?.(job, outcome);
    job.settleUnsent(outcome);
  }

  #isForgotten(rows: Int32Array, at: number): boolean {
    const session = this.#session;
    if (session === undefined || session.inFlight > 0 || session.isOwed === false) return false;
    for (let i = 0; i < rows.length; i++) if (at - (session.busySince(rows[i]!) ?? at) > forgottenMs) return true;
    return false;
  }

  #replace(): void {
    this.#session?.discard();
    this.#session = undefined;
    this.#priority = this.#priority >= highestPriority ? 1 : this.#priority + 1;
  }
}
