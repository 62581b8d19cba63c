/** The channels of a thread: what libca and the shared columns call them, and whose they are. */
import type { Pointer } from './ffi.ts';

/** Whose a slot is: told what comes out of the ring for it. */
export interface SlotOwner {
  readonly ioc: string;
  channelChanged(slot: number): void;
  event(slot: number): void;
  property(slot: number): void;
  putChannelChanged(slot: number): void;
  /** After a turn in which something came for it. */
  settled(): void;
}

export const SlotState = {
  free: 0,
  creating: 1,
  live: 2,
  /** Given up; libca still has it. */
  leaving: 3,
} as const;

export class Slots {
  readonly state: Uint8Array;
  readonly row: Int32Array;
  readonly channel: Float64Array;
  readonly putChannel: Float64Array;
  /** 1 while the put channel is connected. */
  readonly putLive: Uint8Array;
  readonly native: Uint8Array;
  readonly flags: Uint8Array;
  readonly elements: Uint32Array;
  readonly access: Uint8Array;
  /** How often the connection was lost, as far as it was noticed. */
  readonly losses: Uint32Array;
  /** Updates that were noticed. */
  readonly seen: Uint32Array;
  /** Arrays lie outside the cells: where, and how many bytes fit. */
  readonly readData: Float64Array;
  readonly eventData: Float64Array;
  readonly room: Float64Array;
  readonly dirty: Uint8Array;
  /** The last sweep that asked for it. */
  readonly asked: Float64Array;
  readonly ioc: (SlotOwner | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #most: number;
  #used = 0;
  #sweeps = 0;

  constructor(most: number) {
    this.#most = most;
    this.state = new Uint8Array(most);
    this.row = new Int32Array(most);
    this.channel = new Float64Array(most);
    this.putChannel = new Float64Array(most);
    this.putLive = new Uint8Array(most);
    this.native = new Uint8Array(most);
    this.flags = new Uint8Array(most);
    this.elements = new Uint32Array(most);
    this.access = new Uint8Array(most);
    this.losses = new Uint32Array(most);
    this.seen = new Uint32Array(most);
    this.readData = new Float64Array(most);
    this.eventData = new Float64Array(most);
    this.room = new Float64Array(most);
    this.dirty = new Uint8Array(most);
    this.asked = new Float64Array(most);
  }

  nextSweep(): number {
    return ++this.#sweeps;
  }

  /** Undefined when all are in use. */
  take(row: number, ioc: SlotOwner): number | undefined {
    const slot = this.#free.pop() ?? (this.#used < this.#most ? this.#used++ : undefined);
    if (slot === undefined) return undefined;
    this.state[slot] = SlotState.creating;
    this.row[slot] = row;
    this.ioc[slot] = ioc;
    this.losses[slot] = 0;
    this.seen[slot] = 0;
    this.dirty[slot] = 0;
    this.asked[slot] = 0;
    this.flags[slot] = 0;
    return slot;
  }

  /** @param give Gives memory back. */
  free(slot: number, give: (pointer: Pointer) => void): void {
    for (const data of [this.readData, this.eventData]) {
      if (data[slot] !== 0) give(data[slot]!);
      data[slot] = 0;
    }
    this.state[slot] = SlotState.free;
    this.row[slot] = -1;
    this.channel[slot] = 0;
    this.putChannel[slot] = 0;
    this.putLive[slot] = 0;
    this.ioc[slot] = undefined;
    this.#free.push(slot);
  }
}
