/**
 * Reads values of channels into their cells, in rounds, and finds out what has come. libca writes an
 * answer without saying how long it was, or that there was one. So every place is filled before:
 * - Status and severity with -1, which no answer has.
 * - A scalar with a pattern. When it still stands there is either no element, or the value looks just
 *   like it: a second round with another pattern tells.
 * - An array of numbers is read twice, into places filled with zeros and with ones. What is the same
 *   in both was written; where they differ nothing was. When the array changed in between, again.
 */
import { Eca } from '../../wire/protocol/commands.ts';
import { Native, timeForm, timeValueOffset, valueSize } from '../../wire/protocol/dbr.ts';
import { ChannelFlag } from '../../wire/thread/channel-flags.ts';
import { timeBytes } from '../decode.ts';
import type { Pointer } from '../ffi.ts';
import { unwritten } from './cells.ts';
import { SlotState } from '../slots.ts';
import type { Far } from './slots.ts';
import type { SweptContext } from './context.ts';

/** Beside statuses of libca, which are positive. */
export const Found = { nothing: -1, again: -2 } as const;

/** As a count: for one, a record without any element would be read as 0 (S1). */
const asManyAsThereAre = 0;
const patterns = [0xa5a5_a5a5, 0x5a5a_5a5a] as const;
const zeros = 0x00, ones = 0xff;
/** An array that changes faster than that is given up. */
const mostRounds = 8;
const headBytes = 16;

export class ValueRounds {
  readonly #context: Pick<SweptContext, 'cells' | 'native' | 'slots'>;
  /** What this round asks for: a slot, and which of its places. */
  readonly #slots: number[] = [];
  readonly #places: number[] = [];
  #round = 0;
  #number = 0;

  constructor(context: Pick<SweptContext, 'cells' | 'native' | 'slots'>) {
    this.#context = context;
  }

  /** Makes ready to read these slots. Returns how many requests that takes. */
  begin(slots: ArrayLike<number>): number {
    this.#round = 0;
    return this.#prepare(slots);
  }

  /** Whether the last `begin` asked for this slot. */
  askedFor(slot: number): boolean {
    return this.#context.slots.asked[slot] === this.#number;
  }

  send(i: number, group: number): boolean {
    const { slots, native: { groups }, cells } = this.#context;
    const slot = this.#slots[i]!;
    if (slots.state[slot] !== SlotState.live || slots.found[slot]! > 0) return false;
    const far = slots.far[slot];
    const to = far === undefined ? cells.base + cells.value(slot) : far.places[this.#places[i]!]!;
    const status = groups.get(group, slots.native[slot]! + timeForm, asManyAsThereAre, slots.channel[slot]!, to);
    if (status === Eca.normal) return true;
    slots.found[slot] = status;
    return false;
  }

  /** Looks at what the round has brought. Returns how many requests the next one takes; 0: all is found. */
  settle(): number {
    const { slots } = this.#context;
    const again: number[] = [];
    for (let i = 0; i < this.#slots.length; i++) {
      const slot = this.#slots[i]!;
      if (this.#places[i] !== 0 || slots.found[slot]! > 0) continue;
      const far = slots.far[slot];
      slots.found[slot] = far === undefined ? this.#findScalar(slot) : this.#findFar(slot, far);
      if (slots.found[slot] === Found.again) again.push(slot);
    }
    this.#round++;
    if (again.length === 0) return 0;
    if (this.#round < mostRounds) return this.#prepare(again);
    for (const slot of again) slots.found[slot] = Found.nothing;
    return 0;
  }

  #prepare(slots: ArrayLike<number>): number {
    const { slots: table, cells } = this.#context;
    this.#slots.length = 0;
    this.#places.length = 0;
    if (this.#round === 0) this.#number = table.nextSweep();
    const pattern = patterns[this.#round % 2]!;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      if (this.#round === 0) {
        // A row that is asked twice is read once.
        if (table.asked[slot] === this.#number) continue;
        table.asked[slot] = this.#number;
      }
      table.found[slot] = Found.nothing;
      this.#slots.push(slot);
      this.#places.push(0);
      if ((table.flags[slot]! & (ChannelFlag.array | ChannelFlag.longText)) !== 0) this.#fillFar(slot, this.#far(slot));
      else {
        const words = cells.u32;
        const at = cells.value(slot) >> 2;
        words[at] = unwritten;
        words[at + 3] = words[at + 4] = words[at + 5] = pattern;
        if (table.native[slot] === Native.string) words.fill(pattern, at + 6, at + 13);
      }
    }
    return this.#slots.length;
  }

  #far(slot: number): Far {
    const { slots, native: { c } } = this.#context;
    const native = slots.native[slot]!;
    const room = timeBytes(native, slots.elements[slot]!);
    const twice = native !== Native.string && (slots.flags[slot]! & ChannelFlag.longText) === 0;
    return slots.far[slot] ??= { places: Array.from({ length: twice ? 2 : 1 }, () => c.calloc(1, room + headBytes)), room, written: room };
  }

  #fillFar(slot: number, far: Far): void {
    const { bytes } = this.#context.native;
    far.places.forEach((place, which) => {
      bytes.fill(place, which === 1 || this.#context.slots.native[slot] === Native.string ? ones : zeros, far.written);
      bytes.fill(place, ones, 4);
      if (which === 0) return;
      this.#slots.push(slot);
      this.#places.push(which);
    });
    far.written = far.room;
  }

  #findScalar(slot: number): number {
    const { slots, cells } = this.#context;
    const place = cells.value(slot);
    if (cells.isMarked(place)) return Found.nothing;
    slots.count[slot] = 1;
    if (!this.#patternStands(slots.native[slot]!, place)) return Eca.normal;
    // The value cannot look like both patterns.
    return this.#round === 0 ? Found.again : Eca.badCount;
  }

  #patternStands(native: number, place: number): boolean {
    const { u8, u16, u32 } = this.#context.cells;
    const pattern = patterns[this.#round % 2]!;
    const value = place + timeValueOffset[native]!;
    switch (native) {
      case Native.double: return u32[value >> 2] === pattern && u32[(value >> 2) + 1] === pattern;
      case Native.long: case Native.float: return u32[value >> 2] === pattern;
      case Native.short: case Native.enum: return u16[value >> 1] === (pattern & 0xffff);
      case Native.char: return u8[value] === (pattern & 0xff);
      default:
        for (let word = value >> 2; word < (value + valueSize[native]!) >> 2; word++) if (u32[word] !== pattern) return false;
        return true;
    }
  }

  #findFar(slot: number, far: Far): number {
    const { slots, cells, native: { c } } = this.#context;
    const place = cells.value(slot);
    const head = cells.u8.subarray(place, place + headBytes);
    // From the last place: it was written last.
    for (const from of far.places) {
      c.copyOut(head, from, headBytes);
      if (cells.isMarked(place)) return Found.nothing;
    }
    const native = slots.native[slot]!;
    const values = far.places.map((from) => from + timeBytes(native, 0));
    const room = far.room - timeBytes(native, 0);
    if (far.places.length === 1) {
      const all = Buffer.allocUnsafe(room);
      c.copyOut(all, values[0]!, room);
      slots.count[slot] = native === Native.string ? textsIn(all) : textLength(all);
      return Eca.normal;
    }
    const same = this.#sameBytes(values[0]!, values[1]!, room);
    const size = valueSize[native]!;
    if (same % size !== 0 || !this.#isAll(values[0]! + same, zeros, room - same) || !this.#isAll(values[1]! + same, ones, room - same)) return Found.again;
    far.written = timeBytes(native, 0) + same;
    slots.count[slot] = same / size;
    return Eca.normal;
  }

  /** How many bytes are the same from the start. */
  #sameBytes(a: Pointer, b: Pointer, size: number): number {
    const { compare } = this.#context.native.bytes;
    if (compare(a, b, size) === 0) return size;
    let same = 0;
    let differ = size;
    while (differ - same > 1) {
      const middle = (same + differ) >>> 1;
      if (compare(a + same, b + same, middle - same) === 0) same = middle;
      else differ = middle;
    }
    return same;
  }

  #isAll(at: Pointer, byte: number, size: number): boolean {
    if (size === 0) return true;
    const { native: { bytes, c }, cells } = this.#context;
    const first = cells.u8.subarray(cells.scratch, cells.scratch + 1);
    c.copyOut(first, at, 1);
    return first[0] === byte && bytes.compare(at, at + 1, size - 1) === 0;
  }
}

/** An element that was written ends with a NUL, and so is not all ones. */
function textsIn(all: Buffer): number {
  const size = valueSize[Native.string]!;
  for (let at = 0; at + size <= all.length; at += size) if (all.subarray(at, at + size).every((byte) => byte === ones)) return at / size;
  return Math.floor(all.length / size);
}

function textLength(all: Buffer): number {
  const nul = all.indexOf(0);
  return nul < 0 ? all.length : nul;
}
