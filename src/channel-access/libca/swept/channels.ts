/** The channels of a thread: what libca and the shared columns call them, and what was last read of them. */
import type { Pointer } from '../ffi.ts';

export const SlotState = {
  free: 0,
  creating: 1,
  live: 2,
  /** Given up; libca still has it. */
  leaving: 3,
} as const;

/** An array or a long text, which lies outside the cells. */
export interface Far {
  /** Read twice, into places filled differently: what differs was not written (see value-rounds.ts). */
  readonly places: readonly Pointer[];
  /** Bytes of each. */
  readonly room: number;
  /** Bytes from the start that the last answer wrote; behind them the filling still stands. */
  written: number;
}

export class Channels {
  readonly state: Uint8Array;
  readonly row: Int32Array;
  readonly channel: Float64Array;
  readonly putChannel: Float64Array;
  readonly native: Uint8Array;
  readonly flags: Uint8Array;
  readonly elements: Uint32Array;
  readonly access: Uint8Array;
  /** What the last round that asked for it found: a status of libca, or one of `Found`. */
  readonly found: Int16Array;
  /** Elements that it brought. */
  readonly count: Uint32Array;
  /** The last round that asked for it. */
  readonly asked: Float64Array;
  readonly far: (Far | undefined)[] = [];
  readonly owner: (object | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #most: number;
  #used = 0;

  constructor(most: number) {
    this.#most = most;
    this.state = new Uint8Array(most);
    this.row = new Int32Array(most);
    this.channel = new Float64Array(most);
    this.putChannel = new Float64Array(most);
    this.native = new Uint8Array(most);
    this.flags = new Uint8Array(most);
    this.elements = new Uint32Array(most);
    this.access = new Uint8Array(most);
    this.found = new Int16Array(most);
    this.count = new Uint32Array(most);
    this.asked = new Float64Array(most);
  }

  /** Undefined when all are in use. */
  take(row: number, owner: object): number | undefined {
    const slot = this.#free.pop() ?? (this.#used < this.#most ? this.#used++ : undefined);
    if (slot === undefined) return undefined;
    this.state[slot] = SlotState.creating;
    this.row[slot] = row;
    this.owner[slot] = owner;
    this.flags[slot] = 0;
    this.asked[slot] = 0;
    return slot;
  }

  /** @param give Gives memory back. */
  free(slot: number, give: (pointer: Pointer) => void): void {
    for (const place of this.far[slot]?.places ?? []) give(place);
    this.far[slot] = undefined;
    this.state[slot] = SlotState.free;
    this.row[slot] = -1;
    this.channel[slot] = 0;
    this.putChannel[slot] = 0;
    this.owner[slot] = undefined;
    this.#free.push(slot);
  }
}
