/**
 * One try of a few thousand names over all destinations. With one destination (a broadcast address)
 * everybody is simply asked. With many, asking all of them for all names would cost names x IOCs, so:
 *
 * 1. sample: one name in each group of neighbours is asked everywhere;
 * 2. neighbours: the rest of the group is asked where the sample was found, because names that were
 *    added together mostly live on one IOC;
 * 3. everyone: what is still unanswered is asked everywhere, each destination beginning elsewhere in
 *    the list; names that were answered meanwhile are passed over.
 */
import type { NameTable } from './name-table.ts';

const groupSize = 32;
/** Below this many questions in all there is nothing to save. */
const worthSampling = 1_000;

type Phase = 'sample' | 'neighbours' | 'everyone';

export class Round {
  readonly number: number;
  readonly priority: number;
  readonly #slots: Int32Array;
  readonly #destinations: number;
  readonly #cursor: Int32Array;
  phase: Phase;
  readonly #sampled: boolean;
  /** Per group: the destination that answered for the sample, or -1. */
  #home = new Int16Array(0);
  /** Per destination: the groups it is home of. */
  #groups: number[][] = [];
  /** Requests of this round under way. */
  open = 0;

  constructor(number: number, priority: number, slots: Int32Array, destinations: number) {
    this.number = number;
    this.priority = priority;
    this.#slots = slots;
    this.#destinations = destinations;
    this.#cursor = new Int32Array(destinations);
    this.#sampled = destinations > 1 && slots.length * destinations > worthSampling;
    this.phase = this.#sampled ? 'sample' : 'everyone';
  }

  /** The name that `destination` is to be asked for next, -1 when there is none in this phase. */
  peek(destination: number, table: NameTable): number {
    if (destination >= this.#destinations) return -1;
    for (let step = this.#cursor[destination]!; ; step++) {
      this.#cursor[destination] = step;
      const index = this.#indexAt(destination, step);
      if (index < 0) return -1;
      if (this.#wasAsked(destination, index)) continue;
      const slot = this.#slots[index]!;
      if (table.isAskedBy(slot, this.number)) return slot;
      if (table.isFound(slot)) table.skip(slot);
    }
  }

  /** The peeked name was put in a request. */
  taken(destination: number): void {
    this.#cursor[destination]!++;
  }

  /** Goes on to the next phase when this one is over; false when that was the last. */
  advance(isReady: (destination: number) => boolean, table: NameTable): boolean {
    while (this.open === 0 && this.#isExhausted(isReady, table)) {
      if (this.phase === 'everyone') return false;
      if (this.phase === 'sample') this.#readSamples(table);
      this.phase = this.phase === 'sample' ? 'neighbours' : 'everyone';
      this.#cursor.fill(0);
    }
    return true;
  }

  slots(): Int32Array {
    return this.#slots;
  }

  #isExhausted(isReady: (destination: number) => boolean, table: NameTable): boolean {
    for (let destination = 0; destination < this.#destinations; destination++) {
      if (isReady(destination) && this.peek(destination, table) >= 0) return false;
    }
    return true;
  }

  #indexAt(destination: number, step: number): number {
    const count = this.#slots.length;
    if (this.phase === 'everyone') {
      return step < count ? (Math.floor((destination * count) / this.#destinations) + step) % count : -1;
    }
    if (this.phase === 'sample') return step * groupSize < count ? step * groupSize : -1;
    const group = this.#groups[destination]![Math.floor(step / groupSize)];
    if (group === undefined) return -1;
    // The last group may be short; its missing members are steps onto its sample, which was asked.
    const index = group * groupSize + (step % groupSize);
    return index < count ? index : group * groupSize;
  }

  #wasAsked(destination: number, index: number): boolean {
    if (!this.#sampled || this.phase === 'sample') return false;
    if (index % groupSize === 0) return true;
    return this.phase === 'everyone' && this.#home[Math.floor(index / groupSize)] === destination;
  }

  #readSamples(table: NameTable): void {
    const groups = Math.ceil(this.#slots.length / groupSize);
    this.#home = new Int16Array(groups).fill(-1);
    this.#groups = Array.from({ length: this.#destinations }, () => []);
    for (let group = 0; group < groups; group++) {
      const slot = this.#slots[group * groupSize]!;
      const home = table.isFound(slot) ? table.destination(slot) : -1;
      this.#home[group] = home;
      if (home >= 0 && home < this.#destinations) this.#groups[home]!.push(group);
    }
  }
}
