/**
 * One IOC in its thread, without any callback: whether its channels are connected, what they may do,
 * what has come is all found out by looking. When the circuit is lost, all its channels are given back
 * to the search at once, and the next life takes the next priority: at the old one libca would wait for
 * what is left of the old circuit.
 */
import { ChannelState } from '../../columns.ts';
import { after, now } from '../../wire/clock.ts';
import { Counter } from '../../wire/counters.ts';
import { nativeTypes } from '../../wire/protocol/dbr.ts';
import { showConnected } from '../../wire/thread/live-row.ts';
import type { Pulses, PulseSource } from '../../wire/thread/pulse.ts';
import { type Probed, Puts } from '../../wire/thread/puts.ts';
import type { ServedIoc } from '../../wire/thread/serve-iocs.ts';
import type { Command, LossReason } from '../../wire/thread-messages.ts';
import { SlotState } from '../slots.ts';
import type { SweptContext } from './context.ts';
import { Descriptions } from './descriptions.ts';
import { Gets } from './gets.ts';
import { SweptPutCircuit } from './put-circuit.ts';
import { connected, Reads } from './reads.ts';
import { Sweeps, type SweptSides } from './sweeps.ts';

type Of<Verb extends Command['do']> = Command & { readonly do: Verb };

/** How often channels that are being created are looked at. */
const lookMs = 5;
/** The loss of a circuit may show on some channels first. */
const gatherLossesMs = 20;
/** In this time every channel is looked at for its connection and its access rights. */
const roundMs = 1_000;
/** Channels cleared at once; each puts bytes into libca's queue. */
const clearedAtOnce = 2_000;
const priorities = 49;

export class SweptIoc implements PulseSource, ServedIoc {
  readonly ioc: string;
  updates = 0;
  readonly #context: SweptContext;
  readonly #pulses: Pulses;
  readonly #gets: Gets;
  readonly #reads: Reads;
  readonly #sweeps: Sweeps;
  readonly #descriptions: Descriptions;
  readonly #puts: Puts;
  #putCircuit: SweptPutCircuit | undefined;
  readonly #creating = new Set<number>();
  readonly #live = new Set<number>();
  /** Given up by their owner, not yet cleared. */
  #leaving: number[] = [];
  /** Rows that wait for leave to be created. */
  #pending: number[] = [];
  #allowed = true;
  #life = 0;
  #up = false;
  #silent = false;
  #lastHeardAt = now();
  #progressAt = now();
  #lookedAt = 0;
  #lossSince: number | undefined;
  /** What of the live channels this round has not looked at yet. */
  #unseen: number[] = [];
  #watchedAt = now();
  #probes: ((alive: boolean) => void)[] = [];
  #probing = false;

  constructor(context: SweptContext, address: string, pulses: Pulses, sides: SweptSides) {
    this.#context = context;
    this.ioc = address;
    this.#pulses = pulses;
    this.#gets = new Gets(context, () => this.#readable(), () => this.#heard());
    this.#reads = new Reads(context, this.#gets);
    this.#sweeps = new Sweeps(context, this.#gets, sides, (updates) => this.#updated(updates));
    this.#descriptions = new Descriptions(context, address, this.#gets);
    const probed: Probed = { probe: (done) => this.#probe(done), abandonProbe: (done) => this.#abandonProbe(done) };
    this.#puts = new Puts(context, () => (this.#up ? probed : undefined), (priority, hooks) => {
      this.#putCircuit = new SweptPutCircuit(context, 2 * ((priority - 1) % priorities) + 1, hooks);
      return this.#putCircuit;
    });
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

  /** Once everything that the IOC has said before is in the columns: that takes a sweep. */
  alive({ id, deadlineAt }: Of<'alive'>): void {
    const answer = (alive: boolean): void => {
      clearTimeout(timer);
      if (alive) this.#pulses.flushSide();
      this.#context.outbox.report({ is: 'alive', id, alive });
    };
    const swept = (done: boolean): void => answer(done && this.#up);
    const timer = after(deadlineAt, () => {
      if (this.#sweeps.abandon(swept)) answer(false);
    });
    if (this.#up) this.#sweeps.sweep(deadlineAt, swept);
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

  /** After libca has processed what came. */
  look(at: number): void {
    this.#gets.look(at);
    this.#putCircuit?.look(at);
    if (at - this.#lookedAt < lookMs) return;
    this.#lookedAt = at;
    this.#lookForConnections();
    this.#lookForLoss(at);
    if (this.#up && !this.#silent && this.#sweeps.pump(at)) this.#descriptions.swept(this.#sweeps.slots);
    this.#descriptions.pump();
  }

  watch(at: number): void {
    const { echoIdleMs, echoTimeoutMs, environment } = this.#context.options;
    this.look(at);
    if (this.#up) {
      const silentMs = at - this.#lastHeardAt;
      const waitingSince = this.#gets.waitingSince;
      if (waitingSince === undefined) {
        if (silentMs > echoIdleMs) this.#probe(() => undefined);
      } else if (!this.#silent && silentMs > echoTimeoutMs && at - waitingSince > echoTimeoutMs) {
        this.#silent = true;
        this.#context.outbox.report({ is: 'unresponsive', ioc: this.ioc, silentMs });
      }
      this.#lookAtSome(at);
    }
    const patience = Math.min(environment.connectionTimeout * 1000, 5_000);
    if (this.#creating.size > 0 && !this.#silent && at - this.#progressAt > patience) this.#giveUpCreating(patience);
    this.#clearLeft();
  }

  stop(): void {
    this.#puts.stop();
    this.#gets.drop();
    for (const each of this.#probes.splice(0)) each(false);
  }

  #heard(): void {
    this.#lastHeardAt = now();
    if (!this.#silent) return;
    this.#silent = false;
    this.#context.outbox.report({ is: 'responsive', ioc: this.ioc });
  }

  #updated(updates: number): void {
    if (this.updates === 0) this.#pulses.wake(this);
    this.updates += updates;
  }

  #create(): void {
    if (!this.#allowed || this.#pending.length === 0) return;
    const { slots, cells, native: { ca }, directory, nameOf, slotOf, flush } = this.#context;
    if (this.#creating.size === 0) this.#progressAt = now();
    const rows = this.#pending;
    this.#pending = [];
    const failed: number[] = [];
    for (const row of rows) {
      const slot = slots.take(row, this);
      if (slot === undefined) {
        failed.push(row);
        continue;
      }
      const name = nameOf.get(row)!;
      directory.enter(name, this.ioc);
      if (ca.create_channel(name, 0, 0, 2 * (this.#life % priorities), cells.base + cells.scratch) !== 1) {
        slots.free(slot);
        failed.push(row);
        continue;
      }
      slots.channel[slot] = cells.scratchPointer();
      slotOf[row] = slot + 1;
      this.#creating.add(slot);
    }
    flush();
    if (failed.length > 0) this.#lost([], failed, 'libca could not create the channel', 'refused');
  }

  #lookForConnections(): void {
    const { slots, native: { groups } } = this.#context;
    for (const slot of this.#creating) if (groups.state(slots.channel[slot]!) === connected) this.#connected(slot);
  }

  #connected(slot: number): void {
    const { native: { ca }, slots, outbox, monitored, counters } = this.#context;
    const channel = slots.channel[slot]!;
    const native = ca.field_type(channel);
    if (native < 0 || native >= nativeTypes) return;
    const row = slots.row[slot]!;
    slots.state[slot] = SlotState.live;
    slots.native[slot] = native;
    slots.elements[slot] = ca.element_count(channel);
    slots.access[slot] = this.#accessOf(channel);
    slots.flags[slot] = showConnected(this.#context, row, { native, elements: slots.elements[slot]!, access: slots.access[slot]! });
    const at = now();
    this.#creating.delete(slot);
    this.#live.add(slot);
    this.#progressAt = at;
    if (!this.#up) {
      this.#up = true;
      this.#lastHeardAt = at;
      counters[Counter.circuits]! += 1;
      outbox.report({ is: 'up', ioc: this.ioc });
    }
    outbox.row('connected', this.ioc, row);
    this.#descriptions.want(slot);
    if (monitored[row] === 1) this.#sweeps.add(slot, at);
  }

  #accessOf(channel: number): number {
    const { ca } = this.#context.native;
    return (ca.read_access(channel) === 0 ? 0 : 1) | (ca.write_access(channel) === 0 ? 0 : 2);
  }

  /** One channel tells whether the circuit stands. */
  #lookForLoss(at: number): void {
    const { slots, native: { groups } } = this.#context;
    if (this.#lossSince === undefined) {
      for (const slot of this.#live) {
        if (groups.state(slots.channel[slot]!) !== connected) this.#lossSince = at;
        break;
      }
      if (this.#lossSince === undefined) return;
    }
    const losing = [...this.#live].filter((slot) => groups.state(slots.channel[slot]!) !== connected);
    if (losing.length >= this.#live.size) {
      this.#down(this.#silent ? 'the IOC has not answered for EPICS_CA_CONN_TMO' : 'the circuit was closed', 'circuit');
    } else if (at - this.#lossSince >= gatherLossesMs) {
      this.#lossSince = undefined;
      this.#loseSome(losing);
    }
  }

  /** The IOC gave up single channels. */
  #loseSome(losing: readonly number[]): void {
    if (losing.length === 0) return;
    const { slots, columns } = this.#context;
    const rows = losing.map((slot) => slots.row[slot]!);
    for (const row of rows) columns.state[row] = ChannelState.disconnected;
    this.#puts.remove(Int32Array.from(rows));
    for (const slot of losing) this.#leave(slot);
    this.#clearLeft();
    this.#lost(rows, [], 'the IOC has ended the channel', 'refused');
  }

  /** Every channel has its turn once in a while: one may be lost alone, or its access rights change. */
  #lookAtSome(at: number): void {
    const { slots, columns, native: { groups }, outbox } = this.#context;
    const share = Math.min(1, (at - this.#watchedAt) / roundMs);
    this.#watchedAt = at;
    if (this.#unseen.length === 0) this.#unseen = [...this.#live];
    const losing: number[] = [];
    for (const slot of this.#unseen.splice(0, Math.ceil(share * this.#live.size))) {
      if (slots.state[slot] !== SlotState.live || slots.owner[slot] !== this) continue;
      if (groups.state(slots.channel[slot]!) !== connected) {
        losing.push(slot);
        continue;
      }
      const before = slots.access[slot]!;
      const access = this.#accessOf(slots.channel[slot]!);
      if (access === before) continue;
      const row = slots.row[slot]!;
      slots.access[slot] = columns.access[row] = access;
      outbox.row('access', this.ioc, row);
      if ((access & 1) !== 0 && (before & 1) === 0) this.#descriptions.want(slot);
    }
    if (losing.length > 0) this.#lossSince ??= at;
  }

  /** The circuit is lost: nothing of this life remains. */
  #down(reason: string, why: LossReason): void {
    const { slots, columns, outbox, counters } = this.#context;
    const wasUp = this.#up;
    const live = [...this.#live].map((slot) => slots.row[slot]!);
    const connecting = [...[...this.#creating].map((slot) => slots.row[slot]!), ...this.#pending];
    this.#pending = [];
    for (const row of live) columns.state[row] = ChannelState.disconnected;
    this.#up = false;
    this.#silent = false;
    this.#life++;
    this.#lossSince = undefined;
    this.#unseen = [];
    this.#descriptions.drop();
    for (const slot of [...this.#live, ...this.#creating]) this.#leave(slot);
    for (const each of this.#probes.splice(0)) each(false);
    if (wasUp) {
      counters[Counter.circuits]! -= 1;
      outbox.report({ is: 'down', ioc: this.ioc, reason });
    }
    this.#lost(live, connecting, reason, why);
    this.#gets.drop();
    this.#puts.drop(reason);
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

  #lost(wasConnected: number[], connecting: number[], reason: string, why: LossReason): void {
    if (wasConnected.length + connecting.length === 0) return;
    this.#context.outbox.report({
      is: 'lost', ioc: this.ioc, connected: Int32Array.from(wasConnected), connecting: Int32Array.from(connecting), reason, why,
    });
  }

  #leave(slot: number): void {
    const { slots, slotOf } = this.#context;
    if (slots.state[slot] === SlotState.leaving) return;
    slots.state[slot] = SlotState.leaving;
    if (slotOf[slots.row[slot]!] === slot + 1) slotOf[slots.row[slot]!] = 0;
    this.#sweeps.forget(slot);
    this.#live.delete(slot);
    this.#creating.delete(slot);
    this.#leaving.push(slot);
  }

  /**
   * Clears channels that were given up: not many at once, none while the IOC does not read, and none
   * while answers are due, which may be theirs.
   */
  #clearLeft(most = clearedAtOnce): void {
    if (this.#leaving.length === 0 || (most !== Infinity && (this.#silent || !this.#gets.isIdle))) return;
    const { slots, native: { ca }, flush } = this.#context;
    for (const slot of this.#leaving.splice(0, most)) {
      ca.clear_channel(slots.channel[slot]!);
      slots.free(slot);
    }
    flush();
  }

  /** libca has no echo to send: any channel that may be read will do. */
  #readable(): { channel: number; native: number } | undefined {
    const { slots } = this.#context;
    for (const slot of this.#live) if ((slots.access[slot]! & 1) !== 0) return { channel: slots.channel[slot]!, native: slots.native[slot]! };
    return undefined;
  }

  /** Answers once everything sent before has been taken by the IOC. */
  #probe(done: (alive: boolean) => void): void {
    this.#probes.push(done);
    if (this.#probing) return;
    this.#probing = true;
    this.#gets.ask({
      begin: () => 0,
      send: () => false,
      settle: () => 0,
      end: (how) => {
        this.#probing = false;
        for (const each of this.#probes.splice(0)) each(how === 'done');
      },
    }, { urgent: true });
  }

  #abandonProbe(done: (alive: boolean) => void): boolean {
    const at = this.#probes.indexOf(done);
    if (at >= 0) this.#probes.splice(at, 1);
    return at >= 0;
  }
}
