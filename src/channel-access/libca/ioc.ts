/**
 * One IOC in its thread: its channels in libca, at one priority and so on one circuit, and what is
 * asked of them. When the circuit is lost, all its channels are given back to the search at once, and
 * the next life takes the next priority: at the old one libca would wait for what is left of the old
 * circuit, which takes as long as the IOC is silent.
 *
 * How anything is found out is the business of the circuit, of which there are two kinds.
 */
import { ChannelState } from '../columns.ts';
import { after, now } from '../wire/clock.ts';
import { Counter } from '../wire/counters.ts';
import { nativeTypes } from '../wire/protocol/dbr.ts';
import { showConnected } from '../wire/thread/live-row.ts';
import type { Pulses } from '../wire/thread/pulse.ts';
import { type Probed, Puts } from '../wire/thread/puts.ts';
import type { ServedIoc } from '../wire/thread/serve-iocs.ts';
import type { Command, LossReason } from '../wire/thread-messages.ts';
import type { Libca, Pointer } from './ffi.ts';
import type { FirstCircuit, LibcaThread } from './first-circuit.ts';
import { Probes } from './probes.ts';
import { Silence } from './silence.ts';
import { SlotState } from './slots.ts';

type Of<Verb extends Command['do']> = Command & { readonly do: Verb };

/** The loss of a circuit shows channel by channel: those of a life are gathered for so long. */
export const gatherLossesMs = 20;
/** Channels cleared at once; each puts bytes into libca's queue. */
const clearedAtOnce = 2_000;
const priorities = 49;

export class Ioc<Circuit extends FirstCircuit> implements ServedIoc {
  readonly address: string;
  readonly circuit: Circuit;
  readonly probes = new Probes();
  readonly creating = new Set<number>();
  readonly live = new Set<number>();
  isUp = false;
  /** Counts lives of the circuit. */
  life = 0;
  readonly #context: LibcaThread;
  readonly #pulses: Pulses;
  readonly #puts: Puts;
  readonly #silence: Silence;
  /** Given up by their owner, not yet cleared. */
  #leaving: number[] = [];
  /** Rows that wait for leave to be created. */
  #pending: number[] = [];
  #allowed = true;
  #progressAt = now();

  constructor(context: LibcaThread, address: string, pulses: Pulses, open: (ioc: Ioc<FirstCircuit>) => Circuit) {
    this.#context = context;
    this.address = address;
    this.#pulses = pulses;
    this.#silence = new Silence(context, address);
    this.circuit = open(this);
    const probed: Probed = { probe: (done) => this.probe(done), abandonProbe: (done) => this.probes.abandon(done) };
    this.#puts = new Puts(context, () => (this.isUp ? probed : undefined), (priority, hooks) => this.circuit.openPuts(2 * ((priority - 1) % priorities) + 1, hooks));
  }

  get isSilent(): boolean {
    return this.#silence.isSilent;
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
    const { slots, slotOf, nameOf, outbox } = this.#context;
    this.#puts.remove(rows);
    const leaving = new Set(rows);
    this.#pending = this.#pending.filter((row) => !leaving.has(row));
    for (const row of rows) {
      const slot = slotOf[row]! - 1;
      if (slot >= 0 && slots.owner[slot] === this.circuit) this.#leave(slot);
      nameOf.delete(row);
    }
    this.#clearLeft();
    outbox.report({ is: 'closed', rows });
    if (this.live.size + this.creating.size + this.#pending.length === 0) this.#down('its last channel was closed', 'circuit');
  }

  read({ id, into, deadlineAt }: Of<'read'>): void {
    this.circuit.read(id, into, deadlineAt);
  }

  write(command: Of<'write'>): void {
    this.#puts.write(command);
  }

  prepare(rows: Int32Array): void {
    this.#puts.prepare(rows);
  }

  alive({ id, deadlineAt }: Of<'alive'>): void {
    const answer = (done: boolean): void => {
      clearTimeout(timer);
      const alive = done && this.isUp;
      // What came before includes text and arrays that wait for the pulse.
      if (alive) this.#pulses.flushSide();
      this.#context.outbox.report({ is: 'alive', id, alive });
    };
    const timer = after(deadlineAt, () => {
      if (this.circuit.abandonCatchUp(answer)) answer(false);
    });
    if (this.isUp) this.circuit.catchUp(answer, deadlineAt);
    else answer(false);
  }

  allow(allowed: boolean): void {
    this.#allowed = allowed;
    this.#create();
  }

  /** The IOC's beacon counter fell back: whoever answers there now does not know this circuit. */
  restarted(): void {
    if (!this.isUp) return;
    const answer = (): void => clearTimeout(timer);
    const timer = after(now() + this.#context.options.echoTimeoutMs, () => {
      if (this.probes.abandon(answer)) this.#down('the IOC has restarted', 'circuit');
    });
    this.probe(answer);
  }

  watch(at: number): void {
    this.circuit.watch(at);
    if (this.isUp && this.#silence.look(at, this.circuit.waitingSince)) this.probe(() => undefined);
    const patience = Math.min(this.#context.options.environment.connectionTimeout * 1000, 5_000);
    if (this.creating.size > 0 && !this.isSilent && at - this.#progressAt > patience) this.#giveUpCreating(patience);
    this.#clearLeft();
  }

  stop(): void {
    this.#puts.stop();
    this.circuit.drop();
    this.probes.answer(false);
  }

  /** Answers once everything sent before has been taken by the IOC. */
  probe(done: (alive: boolean) => void): void {
    this.probes.add(done);
    this.circuit.probe();
  }

  heard(): void {
    this.#silence.heard();
  }

  /** libca has connected a channel. */
  connected(slot: number): void {
    const { native: { ca }, slots, outbox, counters } = this.#context;
    const channel = slots.channel[slot]!;
    const native = ca.field_type(channel);
    if (native < 0 || native >= nativeTypes) return;
    const row = slots.row[slot]!;
    const elements = ca.element_count(channel);
    const access = accessRights(ca, channel);
    slots.state[slot] = SlotState.live;
    slots.native[slot] = native;
    slots.elements[slot] = elements;
    slots.access[slot] = access;
    slots.flags[slot] = showConnected(this.#context, row, { native, elements, access });
    this.creating.delete(slot);
    this.live.add(slot);
    this.#progressAt = now();
    if (!this.isUp) {
      this.isUp = true;
      this.heard();
      counters[Counter.circuits]! += 1;
      outbox.report({ is: 'up', ioc: this.address });
    }
    outbox.row('connected', this.address, row);
    this.circuit.connected(slot);
  }

  /** What may be done with a live channel, changed or not. */
  access(slot: number, access: number): void {
    const { slots, columns, outbox } = this.#context;
    const before = slots.access[slot]!;
    if (access === before) return;
    const row = slots.row[slot]!;
    slots.access[slot] = columns.access[row] = access;
    outbox.row('access', this.address, row);
    if ((access & 1) !== 0 && (before & 1) === 0) this.circuit.readable(slot);
  }

  /** libca has lost live channels: when they are all, the circuit with them. */
  lose(losing: readonly number[]): void {
    if (losing.length === 0) return;
    if (losing.length >= this.live.size) {
      this.#down(this.isSilent ? 'the IOC has not answered for EPICS_CA_CONN_TMO' : 'the circuit was closed', 'circuit');
      return;
    }
    // The IOC gave up single channels.
    const rows = this.#rowsOf(losing);
    for (const row of rows) this.#context.columns.state[row] = ChannelState.disconnected;
    this.#puts.remove(Int32Array.from(rows));
    for (const slot of losing) this.#leave(slot);
    this.#clearLeft();
    this.#lost(rows, [], 'the IOC has ended the channel', 'refused');
  }

  #create(): void {
    if (!this.#allowed || this.#pending.length === 0) return;
    const { slots, directory, nameOf, slotOf } = this.#context;
    if (this.creating.size === 0) this.#progressAt = now();
    const rows = this.#pending;
    this.#pending = [];
    const failed: number[] = [];
    for (const row of rows) {
      const slot = slots.take(row, this.circuit);
      if (slot === undefined) {
        failed.push(row);
        continue;
      }
      const name = nameOf.get(row)!;
      directory.enter(name, this.address);
      const channel = this.circuit.create(slot, name, 2 * (this.life % priorities));
      if (channel === 0) {
        slots.free(slot);
        failed.push(row);
        continue;
      }
      slots.channel[slot] = channel;
      slotOf[row] = slot + 1;
      this.creating.add(slot);
    }
    this.circuit.flush();
    this.#lost([], failed, 'libca could not create the channel', 'refused');
  }

  /** The circuit is lost: nothing of this life remains. */
  #down(reason: string, why: LossReason): void {
    const { columns, outbox, counters } = this.#context;
    const wasUp = this.isUp;
    const connected = this.#rowsOf(this.live);
    const connecting = [...this.#rowsOf(this.creating), ...this.#pending];
    this.#pending = [];
    for (const row of connected) columns.state[row] = ChannelState.disconnected;
    this.isUp = false;
    this.#silence.forget();
    this.life++;
    this.circuit.drop();
    for (const slot of [...this.live, ...this.creating]) this.#leave(slot);
    this.probes.answer(false);
    if (wasUp) {
      counters[Counter.circuits]! -= 1;
      outbox.report({ is: 'down', ioc: this.address, reason });
    }
    this.#lost(connected, connecting, reason, why);
    this.#puts.drop(reason);
    // Last: slots that are free no longer tell of their channels for puts.
    this.#clearLeft(Infinity);
  }

  #giveUpCreating(patience: number): void {
    if (!this.isUp) {
      this.#down(`no answer to the connection within ${patience} ms`, 'unreachable');
      return;
    }
    const rows = this.#rowsOf(this.creating);
    for (const slot of [...this.creating]) this.#leave(slot);
    this.#clearLeft();
    this.#lost([], rows, 'the IOC does not know the channel', 'refused');
  }

  #lost(connected: readonly number[], connecting: readonly number[], reason: string, why: LossReason): void {
    if (connected.length + connecting.length === 0) return;
    this.#context.outbox.report({
      is: 'lost', ioc: this.address, connected: Int32Array.from(connected), connecting: Int32Array.from(connecting), reason, why,
    });
  }

  #leave(slot: number): void {
    const { slots, slotOf } = this.#context;
    if (slots.state[slot] === SlotState.leaving) return;
    slots.state[slot] = SlotState.leaving;
    const row = slots.row[slot]!;
    if (slotOf[row] === slot + 1) slotOf[row] = 0;
    this.circuit.left(slot);
    this.live.delete(slot);
    this.creating.delete(slot);
    this.#leaving.push(slot);
  }

  /** Clears channels that were given up: not many at once, and none while the IOC does not read. */
  #clearLeft(most = clearedAtOnce): void {
    if (this.#leaving.length === 0 || (most !== Infinity && (this.isSilent || !this.circuit.canClear))) return;
    for (const slot of this.#leaving.splice(0, most)) {
      this.circuit.clear(slot);
      this.#context.slots.free(slot);
    }
    this.circuit.flush();
  }

  #rowsOf(slots: Iterable<number>): number[] {
    return Array.from(slots, (slot) => this.#context.slots.row[slot]!);
  }
}

export function accessRights(ca: Libca, channel: Pointer): number {
  return (ca.read_access(channel) === 0 ? 0 : 1) | (ca.write_access(channel) === 0 ? 0 : 2);
}
