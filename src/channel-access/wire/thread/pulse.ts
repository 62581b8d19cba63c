/**
 * Tells the main thread which IOCs had monitor updates: at most once in 50 ms, every 100 ms while only
 * numbers come, which the main thread sees without being told, and not at all while nothing happens. When the main thread has not taken the last pulses yet, the next one waits; what
 * it carries is only ever the latest value per channel, so a busy main thread costs no memory.
 */
import { now } from '../clock.ts';
import type { Report, SideUpdates } from '../thread-messages.ts';
import type { Outbox } from './outbox.ts';
import { type DirtySlot, writeSide } from './side-values.ts';

export interface PulseSource {
  readonly ioc: string;
  /** Updates since the last pulse. */
  updates: number;
}

export const pulseMs = 50;
/** Waking the main thread costs 0.2 ms, however little it is told. */
const numbersMs = 100;
/** Pulses posted and not yet taken, above which the thread waits. */
const mostAhead = 2;
/** A timer this late means that the sockets leave the thread no pause. */
const behindMs = 200;
const caughtUpMs = 50;

export class Pulses {
  /** Text and arrays that the next pulse has to carry. */
  readonly dirty: DirtySlot[] = [];
  readonly #thread: number;
  readonly #outbox: Outbox;
  readonly #taken: Int32Array;
  readonly #flow: (behind: boolean) => void;
  readonly #takeSide: () => SideUpdates | undefined;
  #awake: PulseSource[] = [];
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;
  #posted = 0;
  #sentAt = 0;
  #behind = false;

  /**
   * @param taken Where the main thread counts the pulses that it has taken.
   * @param flow Called when the thread falls behind what the IOCs send, and when it has caught up.
   * @param takeSide Text and arrays that wait for the pulse.
   */
  constructor(thread: number, outbox: Outbox, taken: Int32Array, flow: (behind: boolean) => void, takeSide?: () => SideUpdates | undefined) {
    this.#thread = thread;
    this.#outbox = outbox;
    this.#taken = taken;
    this.#flow = flow;
    this.#takeSide = takeSide ?? (() => writeSide(this.dirty));
  }

  /** The first update of an IOC since its last pulse. */
  wake(source: PulseSource): void {
    this.#awake.push(source);
    this.#arm();
  }

  /** As `wake`, by an owner that looks for updates at a pace of its own and sends the pulse itself. */
  note(source: PulseSource): void {
    this.#awake.push(source);
  }

  /** Sends the pulse now. False when the main thread has not taken the last ones yet: then it waits. */
  send(): boolean {
    const awake = this.#awake;
    if (awake.length === 0) return true;
    if (this.#posted - Atomics.load(this.#taken, 0) >= mostAhead) return false;
    this.#awake = [];
    this.#sentAt = now();
    const updates = Int32Array.from(awake, (source) => source.updates);
    for (const source of awake) source.updates = 0;
    this.#post({ is: 'pulse', thread: this.#thread, iocs: awake.map(({ ioc }) => ioc), updates, side: this.#takeSide() });
    return true;
  }

  /** Sends waiting text and arrays now, without a pulse. */
  flushSide(): void {
    const side = this.#takeSide();
    if (side !== undefined) this.#post({ is: 'pulse', thread: this.#thread, iocs: [], updates: new Int32Array(0), side });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** As its own timer: for an owner that has just read what came. `lateMs`: how late it could. */
  beat(lateMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#watchFlow(lateMs);
    // Beats come a little early or late.
    const isDue = this.#awake.length === 0 || this.dirty.length > 0 || now() - this.#sentAt > numbersMs - pulseMs / 2;
    // While IOCs are held back nothing may come that would wake this again.
    if (!isDue || !this.send() || this.#behind) this.#arm();
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    this.#dueAt = now() + pulseMs;
    this.#timer = setTimeout(() => this.beat(now() - this.#dueAt), pulseMs);
  }

  #post(report: Report & { readonly is: 'pulse' }): void {
    this.#posted = (this.#posted + 1) | 0;
    const { side } = report;
    const transfers = side === undefined ? [] : [side.heap.entries.buffer, side.heap.bytes.buffer, side.times.buffer];
    this.#outbox.report(report, transfers as ArrayBuffer[]);
  }

  #watchFlow(lateMs: number): void {
    const behind = this.#behind ? lateMs > caughtUpMs : lateMs > behindMs;
    if (behind === this.#behind) return;
    this.#behind = behind;
    this.#flow(behind);
  }
}
