/**
 * The channels of one circuit. A channel's slot is its client id on the wire; a slot is used again
 * only after the IOC has confirmed that the channel in it is gone, so that late messages of one
 * channel never reach another.
 */
import { Command, minorVersion } from '../protocol/commands.ts';
import { nativeTypes, padded } from '../protocol/dbr.ts';
import type { Frame } from '../protocol/frames.ts';
import { bareMessage, headerSize, writeHeader } from '../protocol/header.ts';
import { HostileBytes } from '../protocol/hostile.ts';

export const SlotState = { free: 0, creating: 1, live: 2, clearing: 3 } as const;

export interface ChannelHooks {
  /** Type, count, server id and access rights are in the table. */
  live(slot: number): void;
  /** The IOC does not have, or no longer has, this channel. */
  gone(slot: number, wasLive: boolean, reason: string): void;
  /** Access rights of a live channel changed. */
  access(slot: number): void;
}

export class Channels {
  /** Slots in use or used once. */
  used = 0;
  /** Channels that are in use or being created. */
  count = 0;
  /** Changes with every channel that comes, goes, or changes its rights or its description: prepared sweeps are void then. */
  version = 0;
  row = new Int32Array(64);
  sid = new Uint32Array(64);
  elements = new Uint32Array(64);
  native = new Uint8Array(64);
  access = new Uint8Array(64);
  state = new Uint8Array(64);
  /** The owner's own notes on a channel, cleared when a slot is given out. */
  flags = new Uint8Array(64);
  readonly #slotOf: Int32Array;
  readonly #hooks: ChannelHooks;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #free: number[] = [];

  /** @param slotOf Where slot + 1 of each row is kept. */
  constructor(slotOf: Int32Array, send: (bytes: Uint8Array) => void, hooks: ChannelHooks) {
    this.#slotOf = slotOf;
    this.#send = send;
    this.#hooks = hooks;
  }

  /** Asks the IOC for these channels, in one write per batch. */
  create(rows: readonly number[], nameOf: (row: number) => string): void {
    const names = Array.from(rows, nameOf);
    // UTF-8 takes three bytes per character at most.
    const most = names.reduce((sum, name) => sum + headerSize + padded(3 * name.length + 1), 0);
    const requests = Buffer.alloc(most);
    const view = new DataView(requests.buffer, requests.byteOffset, most);
    let end = 0;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const slot = this.#free.pop() ?? this.#grow();
      this.row[slot] = row;
      this.count++;
      this.access[slot] = 0;
      this.flags[slot] = 0;
      this.state[slot] = SlotState.creating;
      this.#slotOf[row] = slot + 1;
      const size = padded(requests.write(names[i]!, end + headerSize, 'utf8') + 1);
      end = writeHeader(view, end, Command.createChannel, size, 0, 0, slot, minorVersion) + size;
    }
    if (end > 0) this.#send(requests.subarray(0, end));
  }

  /** Slot of a row that is in use here, or -1. */
  slot(row: number): number {
    return this.#slotOf[row]! - 1;
  }

  /** Gives channels back. The rows are free at once, the slots when the IOC confirms. */
  clear(rows: ArrayLike<number>): void {
    const messages: Buffer[] = [];
    for (let i = 0; i < rows.length; i++) {
      const slot = this.slot(rows[i]!);
      if (slot < 0) continue;
      if (this.state[slot] === SlotState.live) messages.push(bareMessage(Command.clearChannel, 0, 0, this.sid[slot], slot));
      this.#slotOf[rows[i]!] = 0;
      // One still being created is cleared when its answer comes.
      this.state[slot] = this.state[slot] === SlotState.creating ? SlotState.creating : SlotState.clearing;
      this.row[slot] = -1;
      this.count--;
      this.version++;
    }
    if (messages.length > 0) this.#send(Buffer.concat(messages));
  }

  /** Forgets everything, the circuit being gone; calls back with each row that was here. */
  drop(each: (row: number, wasLive: boolean) => void): void {
    for (let slot = 0; slot < this.used; slot++) {
      const row = this.row[slot]!;
      if (row < 0 || this.state[slot] === SlotState.free) continue;
      this.#slotOf[row] = 0;
      this.row[slot] = -1;
      each(row, this.state[slot] === SlotState.live);
    }
    this.used = 0;
    this.count = 0;
    this.#free.length = 0;
    this.version++;
  }

  /** Takes a message if it is about channels themselves. */
  take(frame: Frame): boolean {
    switch (frame.command) {
      case Command.createChannel:
        this.#created(frame);
        return true;
      case Command.createChannelFailed:
        this.#gone(this.#check(frame.parameter1, frame), 'the IOC cannot create this channel');
        return true;
      case Command.serverDisconnect:
        this.#gone(this.#check(frame.parameter1, frame), 'the IOC deleted this channel');
        return true;
      case Command.accessRights:
        this.#accessRights(this.#check(frame.parameter1, frame), frame.parameter2 & 3);
        return true;
      case Command.clearChannel: {
        const slot = this.#check(frame.parameter2, frame);
        if (this.state[slot] !== SlotState.clearing) throw new HostileBytes(`channel ${slot} is confirmed cleared and was not`);
        this.#release(slot);
        return true;
      }
      default:
        return false;
    }
  }

  #created(frame: Frame): void {
    const slot = this.#check(frame.parameter1, frame);
    if (this.state[slot] !== SlotState.creating) throw new HostileBytes(`channel ${slot} was created twice`);
    if (frame.type >= nativeTypes) throw new HostileBytes(`channel ${slot} is said to be of type ${frame.type}`);
    this.sid[slot] = frame.parameter2;
    if (this.row[slot]! < 0) {
      this.state[slot] = SlotState.clearing;
      this.#send(bareMessage(Command.clearChannel, 0, 0, frame.parameter2, slot));
      return;
    }
    this.native[slot] = frame.type;
    this.elements[slot] = frame.count;
    this.state[slot] = SlotState.live;
    this.version++;
    this.#hooks.live(slot);
  }

  #gone(slot: number, reason: string): void {
    const wasLive = this.state[slot] === SlotState.live;
    const row = this.row[slot]!;
    if (row >= 0) {
      this.#slotOf[row] = 0;
      this.count--;
      this.version++;
      this.#hooks.gone(slot, wasLive, reason);
    }
    this.#release(slot);
  }

  #accessRights(slot: number, access: number): void {
    const changed = this.access[slot] !== access;
    this.access[slot] = access;
    if (!changed || this.state[slot] !== SlotState.live) return;
    this.version++;
    this.#hooks.access(slot);
  }

  #check(slot: number, frame: Frame): number {
    if (slot >= this.used || this.state[slot] === SlotState.free) {
      throw new HostileBytes(`command ${frame.command} names channel ${slot}, which is not on this circuit`);
    }
    return slot;
  }

  #release(slot: number): void {
    this.state[slot] = SlotState.free;
    this.row[slot] = -1;
    this.#free.push(slot);
  }

  #grow(): number {
    const slot = this.used++;
    if (slot === this.row.length) {
      const length = 2 * slot;
      this.row = larger(this.row, new Int32Array(length));
      this.sid = larger(this.sid, new Uint32Array(length));
      this.elements = larger(this.elements, new Uint32Array(length));
      this.native = larger(this.native, new Uint8Array(length));
      this.access = larger(this.access, new Uint8Array(length));
      this.state = larger(this.state, new Uint8Array(length));
      this.flags = larger(this.flags, new Uint8Array(length));
    }
    return slot;
  }
}

function larger<Column extends Int32Array | Uint32Array | Uint8Array>(column: Column, target: Column): Column {
  target.set(column);
  return target;
}
