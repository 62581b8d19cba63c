/**
 * The first circuit of an IOC where the sink takes what libca's threads tell: connections, losses and
 * monitored text come out of the ring, numbers go straight into the columns.
 */
import { now } from '../wire/clock.ts';
import { Counter } from '../wire/counters.ts';
import type { PackedValues } from '../wire/packed-values.ts';
import { Eca } from '../wire/protocol/commands.ts';
import { timeForm } from '../wire/protocol/dbr.ts';
import type { Pulses, PulseSource } from '../wire/thread/pulse.ts';
import type { PutSessionHooks } from '../wire/thread/put-session.ts';
import type { PutCircuit } from '../wire/thread/puts.ts';
import { timeBytes } from './decode.ts';
import type { Pointer } from './ffi.ts';
import type { FirstCircuit } from './first-circuit.ts';
import { gatherLossesMs, type Ioc } from './ioc.ts';
import { connectionUp, Purpose } from './memory.ts';
import { LibcaPutCircuit } from './put-circuit.ts';
import { Reads } from './reads.ts';
import { Setup } from './setup.ts';
import type { SlotOwner } from './sink-slots.ts';
import { SlotState } from './slots.ts';
import type { LibcaContext } from './thread-context.ts';
import type { Updates } from './updates.ts';

export class SinkCircuit implements FirstCircuit, PulseSource, SlotOwner {
  readonly ioc: string;
  updates = 0;
  readonly canClear = true;
  readonly #served: Ioc<FirstCircuit>;
  readonly #context: LibcaContext;
  readonly #pulses: Pulses;
  readonly #updates: Updates;
  readonly #reads: Reads;
  readonly #setup: Setup;
  #puts: LibcaPutCircuit | undefined;
  /** Where updates that went straight into the columns are counted, and how many of them were noticed. */
  readonly #tally: number;
  #noticed = 0;
  #losing: number[] = [];
  #lossTimer: NodeJS.Timeout | undefined;
  #probeSentAt: number | undefined;
  #putsMoved = false;
  #setupDue = false;

  constructor(context: LibcaContext, served: Ioc<FirstCircuit>, pulses: Pulses, updates: Updates) {
    this.#context = context;
    this.#served = served;
    this.ioc = served.address;
    this.#pulses = pulses;
    this.#updates = updates;
    this.#reads = new Reads(context);
    this.#tally = context.memory.takeTally();
    this.#setup = new Setup(context, { ioc: this.ioc, tally: this.#tally }, (done) => this.#ask(done));
  }

  get waitingSince(): number | undefined {
    return this.#probeSentAt;
  }

  create(slot: number, name: string, priority: number): Pointer {
    const { memory, lane } = this.#context;
    const cell = memory.cell(slot, Purpose.channel);
    memory.prepare(cell, { token: memory.slotToken(slot, Purpose.channel) });
    return lane.create(name, cell, priority);
  }

  connected(slot: number): void {
    const { slots, monitored, arrayLimit } = this.#context;
    const native = slots.native[slot]!;
    slots.room[slot] = Math.min(timeBytes(native, slots.elements[slot]!), timeBytes(native, 0) + arrayLimit);
    this.#reads.prepare(slot);
    this.#setup.want(slot, monitored[slots.row[slot]!] === 1);
    this.#setupDue = true;
  }

  readable(slot: number): void {
    this.#setup.describe(slot);
  }

  left(slot: number): void {
    const { slots, memory } = this.#context;
    slots.dirty[slot] = 0;
    memory.unmonitor(slot);
  }

  clear(slot: number): void {
    const { slots, lane } = this.#context;
    lane.clear(slots.channel[slot]!);
    this.#reads.forget(slot);
  }

  flush(): void {
    this.#context.lane.flush();
  }

  read(id: number, into: PackedValues, deadlineAt: number): void {
    this.#reads.ask(id, into, deadlineAt);
  }

  probe(): void {
    const { isSilent, isUp, probes } = this.#served;
    if (this.#probeSentAt !== undefined && isSilent) return;
    const sent = this.#ask(() => {
      this.#probeSentAt = undefined;
      probes.answer(true);
    });
    if (sent) this.#probeSentAt ??= now();
    // Without a channel that may be read nothing can be asked; libca's own watchdog is all there is.
    else if (isUp) probes.answer(true);
    this.flush();
  }

  /** What came before the answer to a probe is in the columns already. */
  catchUp(done: (alive: boolean) => void): void {
    this.#served.probe(done);
  }

  abandonCatchUp(done: (alive: boolean) => void): boolean {
    return this.#served.probes.abandon(done);
  }

  openPuts(priority: number, hooks: PutSessionHooks): PutCircuit {
    return (this.#puts = new LibcaPutCircuit(this.#context, priority, hooks));
  }

  watch(at: number): void {
    this.#setup.pump(at);
  }

  drop(): void {
    clearTimeout(this.#lossTimer);
    this.#lossTimer = undefined;
    this.#losing = [];
    this.#probeSentAt = undefined;
    this.#setup.drop();
    this.#reads.drop();
  }

  /** From the ring: connection or access rights of a channel have changed. */
  channelChanged(slot: number): void {
    const { memory, slots } = this.#context;
    const cell = memory.cell(slot, Purpose.channel);
    const losses = memory.count(cell);
    if (losses !== slots.losses[slot]) {
      slots.losses[slot] = losses;
      if (slots.state[slot] === SlotState.live) this.#losing.push(slot);
      return;
    }
    this.#served.heard();
    if (slots.state[slot] === SlotState.creating && memory.status(cell) === connectionUp) this.#served.connected(slot);
    else if (slots.state[slot] === SlotState.live) this.#served.access(slot, memory.type(cell) & 3);
  }

  /** From the ring: a monitored text or array has come. */
  event(slot: number): void {
    this.#served.heard();
    if (this.#context.slots.state[slot] === SlotState.live) this.#updated(this.#updates.take(slot));
  }

  /** Monitored numbers come without a word. */
  countUpdates(): void {
    const count = this.#context.memory.tally(this.#tally);
    if (count === this.#noticed) return;
    this.#served.heard();
    this.#updated((count - this.#noticed) >>> 0);
    this.#noticed = count;
  }

  /** From the ring: units, limits or labels may have changed, the first time since the channel was described. */
  property(slot: number): void {
    this.#served.heard();
    if (this.#context.slots.state[slot] === SlotState.live) this.#setup.describe(slot);
  }

  putChannelChanged(slot: number): void {
    this.#putsMoved = true;
    this.#puts?.channelChanged(slot);
  }

  /** After a turn in which something of this IOC came out of the ring. */
  settled(): void {
    if (this.#losing.length > 0) {
      if (this.#losing.length >= this.#served.live.size) this.#settleLosses();
      else this.#lossTimer ??= setTimeout(() => this.#settleLosses(), gatherLossesMs);
    }
    if (this.#putsMoved) {
      this.#putsMoved = false;
      this.#puts?.settled();
    }
    if (this.#setupDue) {
      this.#setupDue = false;
      this.#setup.pump(now());
    }
  }

  #updated(fresh: number): void {
    if (fresh === 0) return;
    this.#context.counters[Counter.updates]! += fresh;
    if (this.updates === 0) this.#pulses.note(this);
    this.updates += fresh;
  }

  #settleLosses(): void {
    clearTimeout(this.#lossTimer);
    this.#lossTimer = undefined;
    const losing = this.#losing.filter((slot) => this.#served.live.has(slot));
    this.#losing = [];
    this.#served.lose(losing);
  }

  /** A read of one element of any channel: libca has no echo to send. */
  #ask(done: () => void): boolean {
    const { slots, lane, aside, memory, rouse } = this.#context;
    const { life } = this.#served;
    for (const slot of this.#served.live) {
      if ((slots.access[slot]! & 1) === 0) continue;
      return aside.ask(rouse, (cell) => lane.get(slots.native[slot]! + timeForm, 1, slots.channel[slot]!, cell), (cell) => {
        if (life !== this.#served.life || memory.status(cell) === Eca.disconnected) return;
        this.#served.heard();
        done();
      });
    }
    return false;
  }
}
