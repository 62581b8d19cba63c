/**
 * One IOC in its thread: its channels in libca, at one priority and so on one circuit, and what is
 * asked of them. When the circuit is lost, all its channels are given back to the search at once, and
 * the next life takes the next priority: at the old one libca would wait for what is left of the old
 * circuit, which takes as long as the IOC is silent.
 */
import { ChannelState } from '../columns.ts';
import { after, now } from '../wire/clock.ts';
import { Counter } from '../wire/counters.ts';
import type { Command, LossReason } from '../wire/thread-messages.ts';
import { nativeTypes, timeForm } from '../wire/protocol/dbr.ts';
import { showConnected } from '../wire/thread/live-row.ts';
import type { Pulses, PulseSource } from '../wire/thread/pulse.ts';
import { type Probed, Puts } from '../wire/thread/puts.ts';
import { timeBytes } from './decode.ts';
import { Purpose } from './memory.ts';
import { LibcaPutCircuit } from './put-circuit.ts';
import { Reads } from './reads.ts';
import { Setup } from './setup.ts';
import type { SlotOwner } from './sink-slots.ts';
import { SlotState } from './slots.ts';
import type { LibcaContext } from './thread-context.ts';
import type { Updates } from './updates.ts';

type Of<Verb extends Command['do']> = Command & { readonly do: Verb };

const connectionUp = 6;
const disconnected = 192;
/** libca tells of a lost circuit channel by channel. */
const gatherLossesMs = 20;
/** Channels cleared at once; each puts bytes into libca's queue. */
const clearedAtOnce = 2_000;
const priorities = 49;

export class Ioc implements PulseSource, SlotOwner {
  readonly ioc: string;
  updates = 0;
  readonly #context: LibcaContext;
  readonly #pulses: Pulses;
  readonly #updates: Updates;
  readonly #reads: Reads;
  readonly #setup: Setup;
  readonly #puts: Puts;
  #putCircuit: LibcaPutCircuit | undefined;
  readonly #creating = new Set<number>();
  /** Where updates that went straight into the columns are counted, and how many of them were noticed. */
  readonly #tally: number;
  #noticed = 0;
  readonly #live = new Set<number>();
  /** Given up by their owner, not yet cleared. */
  #leaving: number[] = [];
  #losing: number[] = [];
  #lossTimer: NodeJS.Timeout | undefined;
  /** Rows that wait for leave to be created. */
  #pending: number[] = [];
  #allowed = true;
  #life = 0;
  #up = false;
  #silent = false;
  #lastHeardAt = now();
  #progressAt = now();
  #probes: ((alive: boolean) => void)[] = [];
  #probeSentAt: number | undefined;
  #putsMoved = false;
  #setupDue = false;

  constructor(context: LibcaContext, address: string, pulses: Pulses, updates: Updates) {
    this.#context = context;
    this.ioc = address;
    this.#pulses = pulses;
    this.#updates = updates;
    this.#reads = new Reads(context);
    this.#tally = context.memory.takeTally();
    this.#setup = new Setup(context, { ioc: address, tally: this.#tally }, (done) => this.#ask(done));
    const probed: Probed = { probe: (done) => this.#probe(done), abandonProbe: (done) => this.#abandonProbe(done) };
    this.#puts = new Puts(context, () => (this.#up ? probed : undefined), (priority, hooks) => {
      this.#putCircuit = new LibcaPutCircuit(context, 2 * ((priority - 1) % priorities) + 1, hooks);
      return this.#putCircuit;
    });
  }

  get isSilent(): boolean {
    return this.#silent;
  }

  connect({ rows, names, monitor }: Of<'connect'>): void {
    rows.forEach((row, i) => {
      this.#context.nameOf.set(row, names[i]!);
      this.#context.monitored[row] = monitor[i]!;
      this.#pending.push(row);
    });
    this.#create();
  }

  close(rows: Int32Array): void {
    this.#puts.remove(rows);
    const leaving = new Set(rows);
    this.#pending = this.#pending.filter((row) => !leaving.has(row));
    for (const row of rows) {
      const slot = this.#context.slotOf[row]! - 1;
      if (slot >= 0 && this.#context.slots.owner[slot] === this) this.#leave(slot);
      this.#context.nameOf.delete(row);
    }
    this.#clearLeft();
    this.#context.outbox.report({ is: 'closed', rows });
    if (this.#live.size + this.#creating.size + this.#pending.length === 0) this.#down('its last channel was closed', 'circuit');
  }

  read({ id, rows, deadlineAt }: Of<'read'>): void {
    this.#reads.ask(id, rows, deadlineAt);
  }

  write(command: Of<'write'>): void {
    this.#puts.write(command);
  }

  prepare(rows: Int32Array): void {
    this.#puts.prepare(rows);
  }

  alive({ id, deadlineAt }: Of<'alive'>): void {
    const answer = (alive: boolean): void => {
      clearTimeout(timer);
      // What came before includes text and arrays that wait for the pulse.
      if (alive) this.#pulses.flushSide();
      this.#context.outbox.report({ is: 'alive', id, alive });
    };
    const timer = after(deadlineAt, () => {
      if (this.#abandonProbe(answer)) answer(false);
    });
    if (this.#up) this.#probe(answer);
    else answer(false);
  }

  allow(allowed: boolean): void {
    this.#allowed = allowed;
    this.#create();
  }

  /** The IOC's beacon counter fell back: whoever answers there now does not know this circuit. */
  restarted(): void {
    if (!this.#up) return;
    const answer = (): void => clearTimeout(timer);
    const timer = after(now() + this.#context.options.echoTimeoutMs, () => {
      if (this.#abandonProbe(answer)) this.#down('the IOC has restarted', 'circuit');
    });
    this.#probe(answer);
  }

  watch(at: number): void {
    const { echoIdleMs, echoTimeoutMs, environment } = this.#context.options;
    if (this.#up) {
      const silentMs = at - this.#lastHeardAt;
      if (this.#probeSentAt === undefined) {
        if (silentMs > echoIdleMs) this.#probe(() => undefined);
      } else if (!this.#silent && silentMs > echoTimeoutMs && at - this.#probeSentAt > echoTimeoutMs) {
        this.#silent = true;
        this.#context.outbox.report({ is: 'unresponsive', ioc: this.ioc, silentMs });
      }
    }
    const patience = Math.min(environment.connectionTimeout * 1000, 5_000);
    if (this.#creating.size > 0 && !this.#silent && at - this.#progressAt > patience) this.#giveUpCreating(patience);
    this.#clearLeft();
    this.#setup.pump(at);
  }

  stop(): void {
    clearTimeout(this.#lossTimer);
    this.#puts.stop();
    this.#reads.drop();
    for (const each of this.#probes.splice(0)) each(false);
  }

  /** From the ring: connection or access rights of a channel have changed. */
  channelChanged(slot: number): void {
    const { memory, slots, outbox, columns } = this.#context;
    const cell = memory.cell(slot, Purpose.channel);
    const losses = memory.count(cell);
    if (losses !== slots.losses[slot]) {
      slots.losses[slot] = losses;
      if (slots.state[slot] === SlotState.live) this.#losing.push(slot);
      return;
    }
    this.#heard();
    if (slots.state[slot] === SlotState.creating && memory.status(cell) === connectionUp) this.#connected(slot);
    else if (slots.state[slot] === SlotState.live) {
      const access = memory.type(cell) & 3;
      const before = slots.access[slot]!;
      if (access === before) return;
      const row = slots.row[slot]!;
      slots.access[slot] = columns.access[row] = access;
      outbox.row('access', this.ioc, row);
      if ((access & 1) !== 0 && (before & 1) === 0) this.#setup.describe(slot);
    }
  }

  /** From the ring: a monitored text or array has come. */
  event(slot: number): void {
    this.#heard();
    if (this.#context.slots.state[slot] === SlotState.live) this.#updated(this.#updates.take(slot));
  }

  /** Monitored numbers come without a word. */
  countUpdates(): void {
    const count = this.#context.memory.tally(this.#tally);
    if (count === this.#noticed) return;
    this.#heard();
    this.#updated((count - this.#noticed) >>> 0);
    this.#noticed = count;
  }

  /** From the ring: units, limits or labels may have changed, the first time since the channel was described. */
  property(slot: number): void {
    this.#heard();
    if (this.#context.slots.state[slot] === SlotState.live) this.#setup.describe(slot);
  }

  putChannelChanged(slot: number): void {
    this.#putsMoved = true;
    this.#putCircuit?.channelChanged(slot);
  }

  /** After a turn in which something of this IOC came out of the ring. */
  settled(): void {
    if (this.#losing.length > 0) {
      if (this.#losing.length >= this.#live.size) this.#settleLosses();
      else this.#lossTimer ??= setTimeout(() => this.#settleLosses(), gatherLossesMs);
    }
    if (this.#putsMoved) {
      this.#putsMoved = false;
      this.#putCircuit?.settled();
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

  #heard(): void {
    this.#lastHeardAt = now();
    if (!this.#silent) return;
    this.#silent = false;
    this.#context.outbox.report({ is: 'responsive', ioc: this.ioc });
  }

  #create(): void {
    if (!this.#allowed || this.#pending.length === 0) return;
    const { slots, memory, lane, directory, nameOf, slotOf } = this.#context;
    if (this.#creating.size === 0) this.#progressAt = now();
    const rows = this.#pending;
    this.#pending = [];
    const failed: number[] = [];
    for (const row of rows) {
      const slot = slots.take(row, this);
      const name = nameOf.get(row)!;
      if (slot === undefined) {
        failed.push(row);
        continue;
      }
      directory.enter(name, this.ioc);
      const cell = memory.cell(slot, Purpose.channel);
      memory.prepare(cell, { token: memory.slotToken(slot, Purpose.channel) });
      const channel = lane.create(name, cell, 2 * (this.#life % priorities));
      if (channel === 0) {
        slots.free(slot);
        failed.push(row);
        continue;
      }
      slots.channel[slot] = channel;
      slotOf[row] = slot + 1;
      this.#creating.add(slot);
    }
    lane.flush();
    if (failed.length > 0) this.#lost([], failed, 'libca could not create the channel', 'refused');
  }

  #connected(slot: number): void {
    const { native: { ca }, slots, outbox, monitored, arrayLimit, counters } = this.#context;
    const channel = slots.channel[slot]!;
    const type = ca.field_type(channel);
    if (type < 0 || type >= nativeTypes) return;
    const row = slots.row[slot]!;
    const elements = ca.element_count(channel);
    slots.state[slot] = SlotState.live;
    slots.native[slot] = type;
    slots.elements[slot] = elements;
    slots.room[slot] = Math.min(timeBytes(type, elements), timeBytes(type, 0) + arrayLimit);
    slots.access[slot] = (ca.read_access(channel) === 0 ? 0 : 1) | (ca.write_access(channel) === 0 ? 0 : 2);
    slots.flags[slot] = showConnected(this.#context, row, { native: type, elements, access: slots.access[slot]! });
    this.#creating.delete(slot);
    this.#live.add(slot);
    this.#progressAt = now();
    this.#reads.prepare(slot);
    if (!this.#up) {
      this.#up = true;
      counters[Counter.circuits]! += 1;
      outbox.report({ is: 'up', ioc: this.ioc });
    }
    outbox.row('connected', this.ioc, row);
    this.#setup.want(slot, monitored[row] === 1);
    this.#setupDue = true;
  }

  #settleLosses(): void {
    clearTimeout(this.#lossTimer);
    this.#lossTimer = undefined;
    const { slots, columns } = this.#context;
    const losing = this.#losing.filter((slot) => this.#live.has(slot));
    this.#losing = [];
    if (losing.length === 0) return;
    if (losing.length >= this.#live.size) {
      this.#down(this.#silent ? 'the IOC has not answered for EPICS_CA_CONN_TMO' : 'the circuit was closed', 'circuit');
      return;
    }
    // The IOC gave up single channels.
    const rows = losing.map((slot) => slots.row[slot]!);
    for (const row of rows) columns.state[row] = ChannelState.disconnected;
    this.#puts.remove(Int32Array.from(rows));
    for (const slot of losing) this.#leave(slot);
    this.#clearLeft();
    this.#lost(rows, [], 'the IOC has ended the channel', 'refused');
  }

  /** The circuit is lost: nothing of this life remains. */
  #down(reason: string, why: LossReason): void {
    const { slots, columns, outbox, counters } = this.#context;
    const wasUp = this.#up;
    const connected = [...this.#live].map((slot) => slots.row[slot]!);
    const connecting = [...[...this.#creating].map((slot) => slots.row[slot]!), ...this.#pending];
    this.#pending = [];
    for (const row of connected) columns.state[row] = ChannelState.disconnected;
    this.#up = false;
    this.#silent = false;
    this.#life++;
    this.#setup.drop();
    this.#reads.drop();
    for (const slot of [...this.#live, ...this.#creating]) this.#leave(slot);
    this.#probeSentAt = undefined;
    for (const each of this.#probes.splice(0)) each(false);
    if (wasUp) {
      counters[Counter.circuits]! -= 1;
      outbox.report({ is: 'down', ioc: this.ioc, reason });
    }
    this.#lost(connected, connecting, reason, why);
    this.#puts.drop(reason);
    // Last: slots that are free no longer tell of their channels for puts.
    this.#clearLeft(Infinity);
  }

  #giveUpCreating(patience: number): void {
    if (!this.#up) {
      this.#down(`no answer to the connection within ${patience} ms`, 'unreachable');
      return;
    }
    const rows = [...this.#creating].map((slot) => this.#context.slots.row[slot]!);
    for (const slot of [...this.#creating]) this.#leave(slot);
    this.#clearLeft();
    this.#lost([], rows, 'the IOC does not know the channel', 'refused');
  }

  #lost(connected: number[], connecting: number[], reason: string, why: LossReason): void {
    if (connected.length + connecting.length === 0) return;
    this.#context.outbox.report({
      is: 'lost', ioc: this.ioc, connected: Int32Array.from(connected), connecting: Int32Array.from(connecting), reason, why,
    });
  }

  #leave(slot: number): void {
    const { slots, slotOf, memory } = this.#context;
    if (slots.state[slot] === SlotState.leaving) return;
    slots.state[slot] = SlotState.leaving;
    slots.dirty[slot] = 0;
    memory.unmonitor(slot);
    if (slotOf[slots.row[slot]!] === slot + 1) slotOf[slots.row[slot]!] = 0;
    this.#live.delete(slot);
    this.#creating.delete(slot);
    this.#leaving.push(slot);
  }

  /** Clears channels that were given up: not many at once, and none while the IOC does not read. */
  #clearLeft(most = clearedAtOnce): void {
    if (this.#leaving.length === 0 || (this.#silent && most !== Infinity)) return;
    const { slots, lane } = this.#context;
    for (const slot of this.#leaving.splice(0, most)) {
      lane.clear(slots.channel[slot]!);
      this.#reads.forget(slot);
      slots.free(slot);
    }
    lane.flush();
  }

  /** Answers once everything sent before has been taken by the IOC. */
  #probe(done: (alive: boolean) => void): void {
    this.#probes.push(done);
    if (this.#probeSentAt !== undefined && this.#silent) return;
    const sent = this.#ask(() => {
      this.#probeSentAt = undefined;
      for (const each of this.#probes.splice(0)) each(true);
    });
    if (sent) this.#probeSentAt ??= now();
    // Without a channel that may be read nothing can be asked; libca's own watchdog is all there is.
    else if (this.#up) for (const each of this.#probes.splice(0)) each(true);
    this.#context.lane.flush();
  }

  #abandonProbe(done: (alive: boolean) => void): boolean {
    const at = this.#probes.indexOf(done);
    if (at >= 0) this.#probes.splice(at, 1);
    return at >= 0;
  }

  /** A read of one element of any channel: libca has no echo to send. */
  #ask(done: () => void): boolean {
    const { slots, lane, aside, memory } = this.#context;
    let asked: number | undefined;
    for (const slot of this.#live) {
      if ((slots.access[slot]! & 1) === 0) continue;
      asked = slot;
      break;
    }
    if (asked === undefined) return false;
    const slot = asked;
    const life = this.#life;
    return aside.ask(this.#context.rouse, (cell) => lane.get(slots.native[slot]! + timeForm, 1, slots.channel[slot]!, cell), (cell) => {
      if (life !== this.#life || memory.status(cell) === disconnected) return;
      this.#heard();
      done();
    });
  }
}
