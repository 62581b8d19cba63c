/**
 * One life of an IOC's first circuit, from connecting to the loss of it: its channels, their reads,
 * monitors and descriptions. Nothing of it outlives the connection, so nothing of it can be mixed up
 * with the next one.
 */
import { ChannelState } from '../../columns.ts';
import { Command } from '../protocol/commands.ts';
import type { Frame } from '../protocol/frames.ts';
import { HostileBytes } from '../protocol/hostile.ts';
import { errorReport } from '../protocol/error-report.ts';
import type { LossReason } from '../thread-messages.ts';
import { Channels } from './channels.ts';
import { Circuit, type CircuitRole } from './circuit.ts';
import type { ThreadContext } from './context.ts';
import { Descriptions } from './describe.ts';
import { splitAddress } from './ioc-address.ts';
import { showConnected } from './live-row.ts';
import { Monitors } from './monitors.ts';
import type { Pulses } from './pulse.ts';
import { Reads } from './reads.ts';
import { RequestIds } from './request-ids.ts';

export interface SessionHooks {
  /** The IOC does not, or no longer, have these channels. */
  gone(rows: Int32Array): void;
  /** The circuit is closed. */
  ended(reason: string): void;
}

export class Session implements CircuitRole {
  readonly ioc: string;
  readonly circuit: Circuit;
  readonly channels: Channels;
  readonly reads: Reads;
  readonly #context: ThreadContext;
  readonly #ids = new RequestIds();
  readonly #descriptions: Descriptions;
  readonly #monitors: Monitors;
  readonly #hooks: SessionHooks;
  /** Rows that wait for the circuit, or for leave to be created. */
  #pending: number[] = [];
  #allowed: boolean;
  #refused: { row: number; wasLive: boolean; reason: string }[] = [];

  constructor(context: ThreadContext, ioc: string, pulses: Pulses, allowed: boolean, hooks: SessionHooks) {
    this.#context = context;
    this.ioc = ioc;
    this.#allowed = allowed;
    this.#hooks = hooks;
    const { host, port } = splitAddress(ioc);
    const send = (bytes: Uint8Array): void => this.circuit.send(bytes);
    this.channels = new Channels(context.slotOf, send, {
      live: (slot) => this.#live(slot),
      gone: (slot, wasLive, reason) => {
        this.#monitors.forget(slot);
        this.#refused.push({ row: this.channels.row[slot]!, wasLive, reason });
      },
      access: (slot) => this.#access(slot),
    });
    this.#descriptions = new Descriptions(context, ioc, this.channels, this.#ids);
    this.#monitors = new Monitors(context, ioc, this.channels, pulses, send, (slot, frame) => this.#descriptions.learn(slot, frame));
    this.circuit = new Circuit(context, host, port, 0, this);
    this.reads = new Reads(context, this.circuit, this.channels, this.#ids);
  }

  add(rows: Iterable<number>): void {
    this.#pending.push(...rows);
    this.#create();
  }

  allow(allowed: boolean): void {
    this.#allowed = allowed;
    this.#create();
  }

  /** Gives up these rows. Closes the circuit with its last channel. */
  remove(rows: Int32Array): void {
    const leaving = new Set(rows);
    this.#pending = this.#pending.filter((row) => !leaving.has(row));
    for (const row of rows) {
      const slot = this.channels.slot(row);
      if (slot >= 0) this.#monitors.forget(slot);
    }
    this.channels.clear(rows);
    if (this.channels.count === 0 && this.#pending.length === 0) this.circuit.close('its last channel was closed');
  }

  hasRow(row: number): boolean {
    return this.channels.slot(row) >= 0;
  }

  up(): void {
    this.#context.outbox.report({ is: 'up', ioc: this.ioc });
    this.#create();
  }

  unresponsive(silentMs: number): void {
    this.#context.outbox.report({ is: 'unresponsive', ioc: this.ioc, silentMs });
  }

  responsive(): void {
    this.#context.outbox.report({ is: 'responsive', ioc: this.ioc });
  }

  frame(frame: Frame): void {
    switch (frame.command) {
      case Command.eventAdd:
        this.#monitors.take(frame);
        return;
      case Command.readNotify:
        if (this.reads.take(frame) || this.#descriptions.take(frame)) return;
        throw new HostileBytes(`a read with number ${frame.parameter2} was answered and never asked`);
      case Command.error: {
        const { command, requestId, code } = errorReport(frame);
        if (command === Command.readNotify) this.reads.refuse(requestId, code);
        return;
      }
      default:
        if (!this.channels.take(frame)) throw new HostileBytes(`command ${frame.command} is not one that an IOC sends`);
    }
  }

  settled(): void {
    this.#monitors.flush(this.circuit.minor);
    this.#descriptions.flush((bytes) => this.circuit.send(bytes));
    this.#reportRefused();
  }

  awaitsAnswer(): boolean {
    return this.reads.isAsking || this.#descriptions.isAsking;
  }

  down(reason: string, wasUp: boolean): void {
    const { outbox, columns } = this.#context;
    this.#reportRefused();
    const connected: number[] = [];
    const connecting = this.#pending;
    this.#pending = [];
    this.#monitors.drop();
    this.#descriptions.drop();
    this.channels.drop((row, wasLive) => {
      if (wasLive) columns.state[row] = ChannelState.disconnected;
      (wasLive ? connected : connecting).push(row);
    });
    this.#hooks.ended(reason);
    outbox.report({ is: 'down', ioc: this.ioc, reason });
    this.#lost(connected, connecting, reason, wasUp ? 'circuit' : 'unreachable');
    this.reads.drop();
  }

  /** Asks the IOC to hold events back, or to send them again. */
  flow(behind: boolean): void {
    if (this.circuit.isUp) this.#monitors.flow(behind);
  }

  #create(): void {
    if (!this.#allowed || !this.circuit.isUp || this.#pending.length === 0) return;
    const rows = this.#pending;
    this.#pending = [];
    this.channels.create(rows, (row) => this.#context.nameOf.get(row)!);
  }

  #live(slot: number): void {
    const { native, elements, row: rows, access, flags } = this.channels;
    const row = rows[slot]!;
    flags[slot] = showConnected(this.#context, row, { native: native[slot]!, elements: elements[slot]!, access: access[slot]! });
    this.#context.outbox.row('connected', this.ioc, row);
    this.#descriptions.want(slot);
    if (this.#context.monitored[row] === 1) this.#monitors.want(slot);
  }

  #access(slot: number): void {
    const { columns, outbox } = this.#context;
    const row = this.channels.row[slot]!;
    const before = columns.access[row]!;
    const access = this.channels.access[slot]!;
    columns.access[row] = access;
    outbox.row('access', this.ioc, row);
    if ((access & 1) !== 0 && (before & 1) === 0) this.#descriptions.want(slot);
  }

  #reportRefused(): void {
    if (this.#refused.length === 0) return;
    const refused = this.#refused;
    this.#refused = [];
    for (const { row, wasLive } of refused) if (wasLive) this.#context.columns.state[row] = ChannelState.disconnected;
    this.#hooks.gone(Int32Array.from(refused, ({ row }) => row));
    const rows = (wasLive: boolean): number[] => refused.filter((one) => one.wasLive === wasLive).map(({ row }) => row);
    this.#lost(rows(true), rows(false), refused[0]!.reason, 'refused');
  }

  #lost(connected: number[], connecting: number[], reason: string, why: LossReason): void {
    if (connected.length + connecting.length === 0) return;
    this.#context.outbox.report({
      is: 'lost', ioc: this.ioc, connected: Int32Array.from(connected), connecting: Int32Array.from(connecting), reason, why,
    });
  }
}
