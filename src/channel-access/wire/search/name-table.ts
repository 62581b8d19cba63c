/**
 * What is being searched, in typed arrays: a facility may wait for a million names that nobody
 * serves. Each search has a slot, which is its number on the wire together with a generation, so that
 * an answer to an earlier search in the same slot is not taken for one to this.
 */
import { isSearchable } from './messages.ts';
import { SlotMap } from './slot-map.ts';
import { TimingWheel } from './timing-wheel.ts';

const slotBits = 24;
const mostSlots = 2 ** slotBits;

const State = { free: 0, waiting: 1, queued: 2, asking: 3, found: 4, reported: 5 } as const;

const firstIntervalMs = 30;
/** So long another server's answer for the same name is reported as a duplicate. */
const watchedMs = 10_000;

export type Answer = 'found' | 'duplicate' | 'known';

export class NameTable {
  /** Names that wait for their next try, and found ones until they are forgotten. */
  readonly #wheel: TimingWheel;
  readonly #slotOf = new SlotMap();
  readonly #names: string[] = [];
  readonly #free: number[] = [];
  #id = new Int32Array(0);
  #state = new Uint8Array(0);
  #generation = new Uint8Array(0);
  #tries = new Uint8Array(0);
  /** Number of the round that asks for it. */
  #round = new Int32Array(0);
  /** Where it was found; index into the servers, and into the destinations (-1 when not one of these). */
  #server = new Int32Array(0);
  #destination = new Int16Array(0);
  #skipped = new Uint8Array(0);
  #used = 0;

  constructor(nowMs: number) {
    this.#wheel = new TimingWheel(nowMs);
  }

  /** The slot of a new search, which is queued; -1 when no IOC can have such a name. */
  add(id: number, name: string): number {
    this.release(this.#slotOf.get(id));
    if (!isSearchable(name)) return -1;
    if (this.#free.length === 0 && this.#used === this.#state.length) this.#grow();
    const slot = this.#free.pop() ?? this.#used++;
    this.#slotOf.set(id, slot);
    this.#id[slot] = id;
    this.#names[slot] = name;
    this.#state[slot] = State.queued;
    this.#tries[slot] = 0;
    this.#skipped[slot] = 0;
    return slot;
  }

  /** -1 when this id is not searched. */
  slotOf(id: number): number {
    return this.#slotOf.get(id);
  }

  /** Ends a search. -1 is ignored. */
  release(slot: number): void {
    if (slot < 0) return;
    if (this.#isInWheel(slot)) this.#wheel.remove(slot);
    this.#forget(slot);
  }

  id(slot: number): number {
    return this.#id[slot]!;
  }

  name(slot: number): string {
    return this.#names[slot]!;
  }

  cid(slot: number): number {
    return ((this.#generation[slot]! << slotBits) | slot) >>> 0;
  }

  /** The slot of a number from the wire, -1 when it is not, or no longer, one of ours. */
  slotOfCid(cid: number): number {
    const slot = cid & (mostSlots - 1);
    return slot < this.#used && this.#state[slot] !== State.free && this.#generation[slot] === cid >>> slotBits ? slot : -1;
  }

  /** Moves a queued name into a round; false when it left the queue meanwhile. */
  startAsking(slot: number, round: number): boolean {
    if (this.#state[slot] !== State.queued) return false;
    this.#state[slot] = State.asking;
    this.#round[slot] = round;
    return true;
  }

  isAskedBy(slot: number, round: number): boolean {
    return this.#state[slot] === State.asking && this.#round[slot] === round;
  }

  answered(slot: number, server: number, destination: number, nowMs: number): Answer {
    if (this.isFound(slot)) {
      if (this.#state[slot] === State.reported || this.#server[slot] === server) return 'known';
      this.#state[slot] = State.reported;
      return 'duplicate';
    }
    if (this.#isInWheel(slot)) this.#wheel.remove(slot);
    this.#state[slot] = State.found;
    this.#server[slot] = server;
    this.#destination[slot] = destination;
    this.#wheel.add(slot, nowMs + watchedMs);
    return 'found';
  }

  isFound(slot: number): boolean {
    return this.#state[slot]! >= State.found;
  }

  server(slot: number): number {
    return this.#server[slot]!;
  }

  destination(slot: number): number {
    return this.#destination[slot]!;
  }

  /** It was found before a destination's turn came, which may have it too, and is watched until that was asked. */
  skip(slot: number): void {
    this.#skipped[slot] = 1;
  }

  wasSkippedBy(slot: number, round: number): boolean {
    return this.isFound(slot) && this.#round[slot] === round && this.#skipped[slot] === 1;
  }

  /** Every destination has been asked for it. */
  audited(slot: number): void {
    this.#skipped[slot] = 0;
  }

  /** Nobody answered this try: waits for the next, twice as long as for the last. */
  wait(slot: number, nowMs: number, longestMs: number, random: number): void {
    const tries = this.#tries[slot]!;
    const interval = Math.min(longestMs, firstIntervalMs * 2 ** tries);
    // Never above the longest interval: that is what the site asked for.
    const jittered = interval * (interval >= longestMs ? 0.75 + random / 4 : 0.75 + random / 2);
    if (tries < 30) this.#tries[slot] = tries + 1;
    this.#state[slot] = State.waiting;
    this.#wheel.add(slot, nowMs + jittered);
  }

  /** Hands out what is due for its next try, which is queued then, and forgets what was watched long enough. */
  advance(nowMs: number, due: (slot: number) => void): void {
    this.#wheel.advance(nowMs, (slot) => {
      if (!this.isFound(slot)) {
        this.#state[slot] = State.queued;
        due(slot);
      } else if (this.#skipped[slot] === 1) this.#wheel.add(slot, nowMs + watchedMs);
      else this.#forget(slot);
    });
  }

  msUntilNext(nowMs: number, limitMs: number): number | undefined {
    return this.#wheel.msUntilNext(nowMs, limitMs);
  }

  /** Intervals begin anew. True when the name is to be queued now. */
  urge(slot: number): boolean {
    if (slot < 0) return false;
    this.#tries[slot] = 0;
    if (this.#state[slot] !== State.waiting) return false;
    this.#wheel.remove(slot);
    this.#state[slot] = State.queued;
    return true;
  }

  /** Slots are below this. */
  get used(): number {
    return this.#used;
  }

  #isInWheel(slot: number): boolean {
    return this.#state[slot] === State.waiting || this.isFound(slot);
  }

  #forget(slot: number): void {
    this.#slotOf.delete(this.#id[slot]!);
    this.#state[slot] = State.free;
    this.#generation[slot]!++;
    this.#names[slot] = '';
    this.#free.push(slot);
  }

  #grow(): void {
    const capacity = Math.max(1024, this.#used * 2);
    if (capacity > mostSlots) throw new RangeError(`cannot search for more than ${mostSlots} names at once`);
    this.#wheel.reserve(capacity);
    const grow = <A extends Uint8Array | Int32Array | Int16Array>(from: A, to: A): A => {
      to.set(from);
      return to;
    };
    this.#id = grow(this.#id, new Int32Array(capacity));
    this.#state = grow(this.#state, new Uint8Array(capacity));
    this.#generation = grow(this.#generation, new Uint8Array(capacity));
    this.#tries = grow(this.#tries, new Uint8Array(capacity));
    this.#round = grow(this.#round, new Int32Array(capacity));
    this.#server = grow(this.#server, new Int32Array(capacity));
    this.#destination = grow(this.#destination, new Int16Array(capacity));
    this.#skipped = grow(this.#skipped, new Uint8Array(capacity));
  }
}
