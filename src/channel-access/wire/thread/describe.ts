/**
 * Asks channels that have just connected what they are: units, limits, labels (DBR_CTRL, one
 * element), in one batch per turn. Text has no such form and is described from its type alone.
 */
import { Command, Eca } from '../protocol/commands.ts';
import { controlForm, controlSize } from '../protocol/dbr.ts';
import type { Frame } from '../protocol/frames.ts';
import { headerSize, writeHeader } from '../protocol/header.ts';
import { HostileBytes } from '../protocol/hostile.ts';
import { type Channels, SlotState } from './channels.ts';
import type { ThreadContext } from './context.ts';
import { Learned } from './learned.ts';
import type { RequestIds } from './request-ids.ts';

interface Batch {
  readonly base: number;
  readonly slots: Int32Array;
  /** Rows as they were when asked: a slot may have passed to another channel meanwhile. */
  readonly rows: Int32Array;
  left: number;
}

export class Descriptions {
  readonly #context: ThreadContext;
  readonly #channels: Channels;
  readonly #ids: RequestIds;
  readonly #learned: Learned;
  #due: number[] = [];
  #batches: Batch[] = [];

  constructor(context: ThreadContext, ioc: string, channels: Channels, ids: RequestIds) {
    this.#context = context;
    this.#channels = channels;
    this.#ids = ids;
    this.#learned = new Learned(context, ioc);
  }

  want(slot: number): void {
    this.#due.push(slot);
  }

  /** The requests of all wanted since the last call, and reports what has been learned. */
  flush(send: (bytes: Uint8Array) => void): void {
    if (this.#due.length > 0) this.#ask(send);
    this.#learned.report();
  }

  get isAsking(): boolean {
    return this.#batches.length > 0;
  }

  /** Takes a reply if it answers one of these requests. */
  take(frame: Frame): boolean {
    for (let i = 0; i < this.#batches.length; i++) {
      const batch = this.#batches[i]!;
      const place = (frame.parameter2 - batch.base) >>> 0;
      if (place >= batch.slots.length) continue;
      this.#learn(batch, place, frame);
      if (--batch.left === 0) this.#batches.splice(i, 1);
      return true;
    }
    return false;
  }

  drop(): void {
    this.#due = [];
    this.#learned.drop();
    this.#batches = [];
  }

  /** Keeps what a channel says of itself, wherever it came from (a reply or a property event). */
  learn(slot: number, frame: Frame): void {
    const { native, elements, row } = this.#channels;
    const type = native[slot]!;
    if (frame.type !== type + controlForm) throw new HostileBytes(`a description of type ${frame.type} for a channel of type ${type}`);
    if (frame.size < controlSize[type]!) throw new HostileBytes(`a description of ${frame.size} bytes; type ${type} needs ${controlSize[type]}`);
    this.#keep(row[slot]!, this.#context.metas.intern(type, elements[slot]!, frame.bytes, frame.view, frame.at).hash);
  }

  #ask(send: (bytes: Uint8Array) => void): void {
    const channels = this.#channels;
    const asked: number[] = [];
    for (const slot of this.#due) {
      if (channels.state[slot] !== SlotState.live) continue;
      const text = this.#context.metas.ofText(channels.native[slot]!, channels.elements[slot]!, channels.flags[slot]!);
      if (text !== undefined) this.#keep(channels.row[slot]!, text.hash);
      else if ((channels.access[slot]! & 1) !== 0) asked.push(slot);
    }
    this.#due = [];
    if (asked.length === 0) return;
    const slots = Int32Array.from(asked);
    const base = this.#ids.take(slots.length);
    this.#batches.push({ base, slots, rows: slots.map((slot) => channels.row[slot]!), left: slots.length });
    const requests = Buffer.alloc(slots.length * headerSize);
    const view = new DataView(requests.buffer, requests.byteOffset, requests.length);
    slots.forEach((slot, i) => {
      writeHeader(view, i * headerSize, Command.readNotify, 0, channels.native[slot]! + controlForm, 1, channels.sid[slot]!, (base + i) >>> 0);
    });
    send(requests);
  }

  #learn(batch: Batch, place: number, frame: Frame): void {
    const slot = batch.slots[place]!;
    if (slot < 0) throw new HostileBytes('a description was answered twice');
    batch.slots[place] = -1;
    if (this.#channels.row[slot] !== batch.rows[place] || this.#channels.state[slot] !== SlotState.live) return;
    if (frame.parameter1 === Eca.normal) this.learn(slot, frame);
  }

  #keep(row: number, hash: bigint): void {
    if (this.#learned.keep(row, hash)) this.#channels.version++;
  }
}
