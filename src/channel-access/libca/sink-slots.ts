/** The channels of a thread whose answers the sink takes. */
import type { Pointer } from './ffi.ts';
import { Slots } from './slots.ts';

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

export class SinkSlots extends Slots<SlotOwner> {
  /** 1 while the put channel is connected. */
  readonly putLive: Uint8Array;
  /** How often the connection was lost, as far as it was noticed. */
  readonly losses: Uint32Array;
  /** Updates that were noticed. */
  readonly seen: Uint32Array;
  /** Arrays lie outside the cells: where, and how many bytes fit. */
  readonly readData: Float64Array;
  readonly eventData: Float64Array;
  readonly room: Float64Array;
  readonly dirty: Uint8Array;

  readonly #give: (pointer: Pointer) => void;

  /** @param give Gives memory back. */
  constructor(most: number, give: (pointer: Pointer) => void) {
    super(most);
    this.#give = give;
    this.putLive = new Uint8Array(most);
    this.losses = new Uint32Array(most);
    this.seen = new Uint32Array(most);
    this.readData = new Float64Array(most);
    this.eventData = new Float64Array(most);
    this.room = new Float64Array(most);
    this.dirty = new Uint8Array(most);
  }

  override take(row: number, owner: SlotOwner): number | undefined {
    const slot = super.take(row, owner);
    if (slot === undefined) return undefined;
    this.losses[slot] = 0;
    this.seen[slot] = 0;
    this.dirty[slot] = 0;
    return slot;
  }

  override free(slot: number): void {
    for (const data of [this.readData, this.eventData]) {
      if (data[slot] !== 0) this.#give(data[slot]!);
      data[slot] = 0;
    }
    this.putLive[slot] = 0;
    super.free(slot);
  }
}
