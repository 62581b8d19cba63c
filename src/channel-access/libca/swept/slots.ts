/** The channels of a thread that reads them in rounds: what was last read of each. */
import type { Pointer } from '../ffi.ts';
import { Slots } from '../slots.ts';

/** An array or a long text, which lies outside the cells. */
export interface Far {
  /** Read twice, into places filled differently: what differs was not written (see value-rounds.ts). */
  readonly places: readonly Pointer[];
  /** Bytes of each. */
  readonly room: number;
  /** Bytes from the start that the last answer wrote; behind them the filling still stands. */
  written: number;
}

export class SweptSlots extends Slots<object> {
  /** What the last round that asked for it found: a status of libca, or one of `Found`. */
  readonly found: Int16Array;
  /** Elements that it brought. */
  readonly count: Uint32Array;
  readonly far: (Far | undefined)[] = [];
  readonly #give: (pointer: Pointer) => void;

  /** @param give Gives memory back. */
  constructor(most: number, give: (pointer: Pointer) => void) {
    super(most);
    this.#give = give;
    this.found = new Int16Array(most);
    this.count = new Uint32Array(most);
  }

  override free(slot: number): void {
    for (const place of this.far[slot]?.places ?? []) this.#give(place);
    this.far[slot] = undefined;
    super.free(slot);
  }
}
