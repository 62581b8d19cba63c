/**
 * One life of an IOC's circuit for puts, at a priority of its own. Every put under way is a group of
 * its own, which tells when it has completed. It does not tell that the IOC refused it: such a put
 * ends with its deadline, and its channel stays busy until this circuit is given up.
 */
import { WriteOutcome } from '../../port.ts';
import { now } from '../../wire/clock.ts';
import { Counter } from '../../wire/counters.ts';
import { Eca } from '../../wire/protocol/commands.ts';
import { Native, valueSize } from '../../wire/protocol/dbr.ts';
import { encodePut } from '../../wire/protocol/encode-put.ts';
import { ChannelFlag } from '../../wire/thread/channel-flags.ts';
import type { PutJob } from '../../wire/thread/put-job.ts';
import type { PutSessionHooks } from '../../wire/thread/put-session.ts';
import type { PutCircuit } from '../../wire/thread/puts.ts';
import { Probes } from '../probes.ts';
import { toHostOrder } from '../put-value.ts';
import { SlotState } from '../slots.ts';
import type { SweptContext } from './context.ts';
import { connected } from './reads.ts';

/** More bytes than this at once could fill libca's queue, which would block the thread (I1). */
const mostBytes = 128 * 1024;
/** How often new channels are looked at. */
const lookMs = 5;

interface UnderWay {
  /** Undefined when it was given up: the channel stays busy until the completion comes. */
  job: PutJob | undefined;
  readonly i: number;
  readonly bytes: number;
  readonly sentAt: number;
  readonly group: number;
}

export class SweptPutCircuit implements PutCircuit {
  inFlight = 0;
  readonly circuit: PutCircuit['circuit'];
  readonly #context: SweptContext;
  readonly #priority: number;
  readonly #hooks: PutSessionHooks;
  /** Slots with a channel here; of these the ones that are connected, and the ones that are not yet. */
  readonly #slots = new Set<number>();
  readonly #live = new Set<number>();
  readonly #awaited = new Set<number>();
  readonly #underWay = new Map<number, UnderWay>();
  readonly #freeGroups: number[] = [];
  readonly #probe: number;
  #probing = false;
  #bytes = 0;
  #lastReceivedAt = now();
  readonly #probes = new Probes();
  #lookedAt = 0;
  #over = false;

  constructor(context: SweptContext, priority: number, hooks: PutSessionHooks) {
    this.#context = context;
    this.#priority = priority;
    this.#hooks = hooks;
    this.#probe = context.createGroup();
    context.counters[Counter.circuits]! += 1;
    const received = (): number => this.#lastReceivedAt;
    this.circuit = {
      get lastReceivedAt() { return received(); },
      watch: () => {},
      close: (reason) => this.#close(reason),
      probe: (done) => {
        this.#probes.add(done);
        this.#ask();
      },
      abandonProbe: (done) => this.#probes.abandon(done),
    };
  }

  create(rows: ArrayLike<number>): void {
    const { slots, cells, native: { ca }, slotOf, nameOf, flush } = this.#context;
    for (let i = 0; i < rows.length; i++) {
      const slot = slotOf[rows[i]!]! - 1;
      if (slot < 0 || slots.putChannel[slot] !== 0 || slots.state[slot] !== SlotState.live) continue;
      if (ca.create_channel(nameOf.get(rows[i]!)!, 0, 0, this.#priority, cells.base + cells.scratch) !== Eca.normal) continue;
      slots.putChannel[slot] = cells.scratchPointer();
      this.#slots.add(slot);
      this.#awaited.add(slot);
    }
    flush();
  }

  remove(rows: Int32Array): void {
    for (const row of rows) this.#forget(this.#context.slotOf[row]! - 1);
  }

  isAwaited(row: number): boolean {
    return this.#awaited.has(this.#context.slotOf[row]! - 1);
  }

  busySince(row: number): number | undefined {
    return this.#underWay.get(this.#context.slotOf[row]! - 1)?.sentAt;
  }

  put(job: PutJob, i: number, at: number): WriteOutcome {
    const { slots, columns, metas, native: { groups }, slotOf, arrayLimit, counters } = this.#context;
    const row = job.rows[i]!;
    const slot = slotOf[row]! - 1;
    if (slot < 0 || !this.#live.has(slot)) return WriteOutcome.disconnected;
    if ((slots.access[slot]! & 2) === 0) return WriteOutcome.noWriteAccess;
    const native = slots.native[slot]!;
    const encoded = encodePut({
      native,
      maxElements: Math.max(1, slots.elements[slot]!),
      longText: (slots.flags[slot]! & ChannelFlag.longText) !== 0,
      labels: native === Native.enum ? metas.labels(columns.metaHash[row]!) : undefined,
    }, job.values, i);
    if (encoded === undefined || encoded.payload.length > arrayLimit) return WriteOutcome.doesNotFit;
    const { payload, count } = encoded;
    toHostOrder(payload, valueSize[native]!);
    const group = this.#freeGroups.pop() ?? this.#context.createGroup();
    const status = groups.put(group, native, count, slots.putChannel[slot]!, this.#valueOf(payload));
    if (status !== Eca.normal) {
      this.#freeGroups.push(group);
      return this.#refused(job, i, status);
    }
    this.#underWay.set(slot, { job, i, bytes: payload.length, sentAt: at, group });
    this.#bytes += payload.length;
    job.sent(i, at);
    this.inFlight++;
    counters[Counter.writes]! += 1;
    return WriteOutcome.pending;
  }

  /** Whether another put now could fill libca's queue. */
  get isFull(): boolean {
    return this.#bytes > mostBytes;
  }

  flush(): void {
    this.#context.flush();
  }

  giveUp(row: number): void {
    const underWay = this.#underWay.get(this.#context.slotOf[row]! - 1);
    if (underWay?.job === undefined) return;
    underWay.job = undefined;
    this.inFlight--;
  }

  discard(): void {
    this.#end();
  }

  /** After libca has processed what came. */
  look(at: number): void {
    if (this.#over) return;
    const { groups } = this.#context.native;
    let moved = false;
    for (const [slot, { group }] of this.#underWay) {
      if (groups.test(group) !== Eca.ioDone) continue;
      this.#settle(slot, WriteOutcome.done);
      moved = true;
    }
    if (this.#probing && groups.test(this.#probe) === Eca.ioDone) {
      this.#probing = false;
      this.#lastReceivedAt = at;
      this.#probes.answer(true);
    }
    if (at - this.#lookedAt >= lookMs) {
      this.#lookedAt = at;
      if (this.#connect()) moved = true;
      if (this.#isLost()) {
        this.#close('the circuit for puts was lost');
        return;
      }
    }
    if (!moved) return;
    this.#lastReceivedAt = at;
    this.#hooks.progress();
  }

  /** Small values are handed over without their own memory. */
  #valueOf(payload: Buffer): number | Buffer {
    if (payload.length > 8) return payload;
    const { cells } = this.#context;
    cells.u8.set(payload, cells.scratch);
    return cells.base + cells.scratch;
  }

  #connect(): boolean {
    const { slots, native: { groups } } = this.#context;
    let moved = false;
    for (const slot of this.#awaited) {
      if (groups.state(slots.putChannel[slot]!) !== connected) continue;
      this.#awaited.delete(slot);
      this.#live.add(slot);
      moved = true;
    }
    if (moved && this.#probes.areWaiting) this.#ask();
    return moved;
  }

  /** All channels are on one circuit: one tells of it. */
  #isLost(): boolean {
    const { slots, native: { groups } } = this.#context;
    for (const slot of this.#live) return groups.state(slots.putChannel[slot]!) !== connected;
    return false;
  }

  #refused(job: PutJob, i: number, status: number): WriteOutcome {
    if (status === Eca.disconnected) return WriteOutcome.disconnected;
    if (status === Eca.noWriteAccess) return WriteOutcome.noWriteAccess;
    if (status === Eca.badCount || status === Eca.tooLarge) return WriteOutcome.doesNotFit;
    job.settle(i, WriteOutcome.refused, status);
    return WriteOutcome.pending;
  }

  #settle(slot: number, outcome: WriteOutcome): void {
    const underWay = this.#underWay.get(slot);
    if (underWay === undefined) return;
    this.#underWay.delete(slot);
    this.#bytes -= underWay.bytes;
    this.#freeGroups.push(underWay.group);
    if (underWay.job === undefined) return;
    this.inFlight--;
    underWay.job.settle(underWay.i, outcome);
  }

  /** A read of one element by this circuit: libca has no echo to send. */
  #ask(): void {
    if (this.#probing) return;
    const { slots, cells, native: { groups }, flush } = this.#context;
    for (const slot of this.#live) {
      if ((slots.access[slot]! & 1) === 0) continue;
      this.#probing = groups.get(this.#probe, slots.native[slot]!, 1, slots.putChannel[slot]!, cells.base + cells.sink) === Eca.normal;
      break;
    }
    flush();
  }

  #close(reason: string): void {
    if (this.#over) return;
    this.#end();
    this.#hooks.down(reason);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    const { groups } = this.#context.native;
    // Before their channels go.
    groups.delete(this.#probe);
    for (const slot of [...this.#slots]) this.#forget(slot);
    for (const group of this.#freeGroups) groups.delete(group);
    this.#probes.answer(false);
    this.#context.counters[Counter.circuits]! -= 1;
  }

  #forget(slot: number): void {
    if (slot < 0 || !this.#slots.delete(slot)) return;
    const { slots, native: { ca, groups } } = this.#context;
    const underWay = this.#underWay.get(slot);
    if (underWay !== undefined) groups.reset(underWay.group);
    ca.clear_channel(slots.putChannel[slot]!);
    slots.putChannel[slot] = 0;
    this.#live.delete(slot);
    this.#awaited.delete(slot);
    this.#settle(slot, WriteOutcome.lost);
  }
}
