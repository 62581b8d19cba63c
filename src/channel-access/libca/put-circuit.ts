/**
 * One life of an IOC's circuit for puts: the same channels once more, at a priority of their own, which
 * gives them a TCP circuit of their own. What decides when to put is shared with the other client.
 */
import { WriteOutcome } from '../port.ts';
import { now } from '../wire/clock.ts';
import { Counter } from '../wire/counters.ts';
import { Eca } from '../wire/protocol/commands.ts';
import { Native, timeForm, valueSize } from '../wire/protocol/dbr.ts';
import { encodePut } from '../wire/protocol/encode-put.ts';
import { ChannelFlag } from '../wire/thread/channel-flags.ts';
import type { PutJob } from '../wire/thread/put-job.ts';
import type { PutSessionHooks } from '../wire/thread/put-session.ts';
import type { PutCircuit } from '../wire/thread/puts.ts';
import { Purpose } from './memory.ts';
import { SlotState } from './slots.ts';
import type { LibcaContext } from './thread-context.ts';

const disconnected = 192;
/** More bytes than this at once could fill libca's queue, which would block the thread (I1). */
const mostBytes = 128 * 1024;
/** After so many completions the window is refilled. */
const refill = 32;

interface UnderWay {
  /** Undefined when it was given up: the channel stays busy until the completion comes. */
  job: PutJob | undefined;
  readonly i: number;
  readonly bytes: number;
  readonly sentAt: number;
}

export class LibcaPutCircuit implements PutCircuit {
  inFlight = 0;
  readonly circuit: PutCircuit['circuit'];
  readonly #context: LibcaContext;
  readonly #priority: number;
  readonly #hooks: PutSessionHooks;
  readonly #batch: number | undefined;
  readonly #live = new Set<number>();
  readonly #awaited = new Set<number>();
  readonly #slots = new Set<number>();
  readonly #underWay = new Map<number, UnderWay>();
  #bytes = 0;
  #lastReceivedAt = now();
  #probes: ((alive: boolean) => void)[] = [];
  #over = false;

  constructor(context: LibcaContext, priority: number, hooks: PutSessionHooks) {
    this.#context = context;
    this.#priority = priority;
    this.#hooks = hooks;
    this.#batch = context.memory.takeBatch();
    if (this.#batch !== undefined) context.memory.silence(this.#batch);
    context.counters[Counter.circuits]! += 1;
    const received = (): number => this.#lastReceivedAt;
    this.circuit = {
      get lastReceivedAt() { return received(); },
      watch: () => {},
      close: (reason) => this.#close(reason),
      probe: (done) => this.#probe(done),
      abandonProbe: (done) => {
        const at = this.#probes.indexOf(done);
        if (at >= 0) this.#probes.splice(at, 1);
        return at >= 0;
      },
    };
  }

  create(rows: ArrayLike<number>): void {
    const { slots, memory, lane, slotOf, nameOf } = this.#context;
    let created = 0;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const slot = slotOf[row]! - 1;
      if (slot < 0 || slots.putChannel[slot] !== 0 || slots.state[slot] !== SlotState.live) continue;
      const cell = memory.cell(slot, Purpose.putChannel);
      memory.prepare(cell, { token: memory.slotToken(slot, Purpose.putChannel) });
      memory.prepare(memory.cell(slot, Purpose.put), { token: memory.slotToken(slot, Purpose.put), ...this.#batch === undefined ? {} : { batch: this.#batch } });
      slots.putChannel[slot] = lane.create(nameOf.get(row)!, cell, this.#priority);
      if (slots.putChannel[slot] === 0) continue;
      this.#slots.add(slot);
      this.#awaited.add(row);
      created++;
    }
    if (created > 0) lane.flush();
  }

  remove(rows: Int32Array): void {
    for (const row of rows) this.#forget(this.#context.slotOf[row]! - 1);
  }

  isAwaited(row: number): boolean {
    return this.#awaited.has(row);
  }

  busySince(row: number): number | undefined {
    return this.#underWay.get(this.#context.slotOf[row]! - 1)?.sentAt;
  }

  put(job: PutJob, i: number, at: number): WriteOutcome {
    const { slots, columns, metas, memory, lane, slotOf, arrayLimit, counters } = this.#context;
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
    const cell = memory.cell(slot, Purpose.put);
    let value: number | Buffer = payload;
    if (payload.length <= 8) {
      memory.u8.set(payload, memory.scratch);
      value = memory.base + memory.scratch;
    }
    memory.setStatus(cell, 0);
    const status = lane.put(native, count, slots.putChannel[slot]!, value, cell);
    if (status !== Eca.normal) return this.#refused(job, i, status);
    this.#underWay.set(slot, { job, i, bytes: payload.length, sentAt: at });
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
    if (this.#batch !== undefined) this.#context.memory.setLeft(this.#batch, Math.max(1, Math.min(this.inFlight, refill)));
    this.#context.lane.flush();
  }

  giveUp(row: number): void {
    const underWay = this.#underWay.get(this.#context.slotOf[row]! - 1);
    if (underWay?.job === undefined) return;
    underWay.job = undefined;
    this.inFlight--;
  }

  discard(): void {
    if (this.#underWay.size > 0) this.#context.lane.leaveBehind();
    this.#end();
  }

  /** From the ring: the state of a put channel, or its access rights, have changed. */
  channelChanged(slot: number): void {
    const { memory, slots } = this.#context;
    if (this.#over || slots.putChannel[slot] === 0) return;
    const cell = memory.cell(slot, Purpose.putChannel);
    this.#lastReceivedAt = now();
    if (memory.count(cell) > 0) {
      // libca tells it for each channel; the first one tells it of the circuit.
      this.#close('the circuit for puts was lost');
      return;
    }
    if (memory.status(cell) !== connectionUp || this.#live.has(slot)) return;
    this.#live.add(slot);
    this.#awaited.delete(slots.row[slot]!);
  }

  /** From the ring: a put has completed. */
  completed(slot: number): void {
    const status = this.#context.memory.status(this.#context.memory.cell(slot, Purpose.put));
    this.#lastReceivedAt = now();
    if (status === disconnected) this.#settle(slot, WriteOutcome.lost, 0);
    else this.#settle(slot, status === Eca.normal ? WriteOutcome.done : WriteOutcome.refused, status === Eca.normal ? 0 : status);
  }

  /** After a turn in which something of this circuit came out of the ring. */
  settled(): void {
    if (!this.#over) this.#hooks.progress();
  }

  #refused(job: PutJob, i: number, status: number): WriteOutcome {
    if (status === disconnected) return WriteOutcome.disconnected;
    if (status === Eca.noWriteAccess) return WriteOutcome.noWriteAccess;
    if (status === Eca.badCount || status === Eca.tooLarge) return WriteOutcome.doesNotFit;
    job.settle(i, WriteOutcome.refused, status);
    return WriteOutcome.pending;
  }

  #settle(slot: number, outcome: WriteOutcome, code: number): void {
    const underWay = this.#underWay.get(slot);
    if (underWay === undefined) return;
    this.#underWay.delete(slot);
    this.#bytes -= underWay.bytes;
    if (underWay.job === undefined) return;
    this.inFlight--;
    underWay.job.settle(underWay.i, outcome, code);
  }

  #probe(done: (alive: boolean) => void): void {
    const { slots, lane, aside } = this.#context;
    this.#probes.push(done);
    const slot = [...this.#live].find((each) => (slots.access[each]! & 1) !== 0);
    if (slot === undefined) return;
    aside.ask(this.#batch, (cell) => lane.get(slots.native[slot]! + timeForm, 1, slots.putChannel[slot]!, cell), (cell) => {
      if (this.#over || this.#context.memory.status(cell) === disconnected) return;
      this.#lastReceivedAt = now();
      for (const each of this.#probes.splice(0)) each(true);
    });
    lane.flush();
  }

  #close(reason: string): void {
    if (this.#over) return;
    this.#end();
    this.#hooks.down(reason);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    for (const slot of [...this.#slots]) this.#forget(slot);
    for (const each of this.#probes.splice(0)) each(false);
    this.#context.counters[Counter.circuits]! -= 1;
    if (this.#batch !== undefined) this.#context.memory.returnBatch(this.#batch);
  }

  #forget(slot: number): void {
    if (slot < 0 || !this.#slots.delete(slot)) return;
    const { slots, lane } = this.#context;
    lane.clear(slots.putChannel[slot]!);
    slots.putChannel[slot] = 0;
    this.#live.delete(slot);
    this.#awaited.delete(slots.row[slot]!);
    this.#settle(slot, WriteOutcome.lost, 0);
  }
}

const connectionUp = 6;

/** Turns a payload around; its elements are network order before. */
export function toHostOrder(payload: Buffer, size: number): void {
  if (size === 2) payload.swap16();
  else if (size === 4) payload.swap32();
  else if (size === 8) payload.swap64();
}
