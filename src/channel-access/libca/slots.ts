/** The channels of a thread: what libca and the shared columns call them, and whose they are. */

export const SlotState = {
  free: 0,
  creating: 1,
  live: 2,
  /** Given up; libca still has it. */
  leaving: 3,
} as const;

/** Channels that are leaving still hold their slots. */
const slotsPerRow = 1.25;
const spareSlots = 1_000;

/** How many slots a thread needs for so many rows. */
export function slotsFor(rows: number): number {
  return Math.ceil(rows * slotsPerRow) + spareSlots;
}

/** What both variants note of a channel; each adds where the answers to it are. */
export class Slots<Owner> {
  readonly state: Uint8Array;
  readonly row: Int32Array;
  readonly channel: Float64Array;
  readonly putChannel: Float64Array;
  readonly native: Uint8Array;
  readonly flags: Uint8Array;
  readonly elements: Uint32Array;
  readonly access: Uint8Array;
  /** The last sweep or round that asked for it. */
  readonly asked: Float64Array;
  readonly owner: (Owner | undefined)[] = [];
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
    this.native = new Uint8Array(most);
    this.flags = new Uint8Array(most);
    this.elements = new Uint32Array(most);
    this.access = new Uint8Array(most);
    this.asked = new Float64Array(most);
  }

  /** A number for `asked`. */
  nextSweep(): number {
    return ++this.#sweeps;
  }

  /** Undefined when all are in use. */
  take(row: number, owner: Owner): number | undefined {
    const slot = this.#free.pop() ?? (this.#used < this.#most ? this.#used++ : undefined);
    if (slot === undefined) return undefined;
    this.state[slot] = SlotState.creating;
    this.row[slot] = row;
    this.owner[slot] = owner;
    this.flags[slot] = 0;
    this.asked[slot] = 0;
    return slot;
  }

  free(slot: number): void {
    this.state[slot] = SlotState.free;
    this.row[slot] = -1;
    this.channel[slot] = 0;
    this.putChannel[slot] = 0;
    this.owner[slot] = undefined;
    this.#free.push(slot);
  }
}
