/**
 * What is being searched, by id, in typed arrays: a facility may wait for a million names that
 * nobody serves. Ids are small (row numbers), so that they index the arrays themselves; on the wire
 * they carry a generation, so that an answer to an earlier search of the same id is not taken for one
 * to this.
 */
import { isSearchable } from './messages.ts';
import { TimingWheel } from './timing-wheel.ts';

/** An id shares its 32 bits on the wire with its generation. */
const idBits = 24;
export const largestId = 2 ** idBits - 1;

const State = { absent: 0, waiting: 1, queued: 2, asking: 3, found: 4, reported: 5 } as const;

const firstIntervalMs = 30;

export type Answer = 'found' | 'duplicate' | 'known';

export class NameTable {
  readonly wheel: TimingWheel;
  readonly #names: string[] = [];
  #state = new Uint8Array(0);
  #generation = new Uint8Array(0);
  #tries = new Uint8Array(0);
  /** Number of the round that asks for it. */
  #round = new Int32Array(0);
  /** Where it was found; index into the servers, and into the destinations (-1 when not one of these). */
  #server = new Int32Array(0);
  #destination = new Int16Array(0);
  #skipped = new Uint8Array(0);
  #capacity = 0;

  constructor(nowMs: number) {
    this.wheel = new TimingWheel(nowMs);
  }

  /** False when this name cannot be asked for: no IOC could have it. */
  add(id: number, name: string): boolean {
    if (!(id >= 0 && id <= largestId)) throw new RangeError(`search id ${id} is not between 0 and ${largestId}`);
    if (id >= this.#capacity) this.#reserve(id + 1);
    this.remove(id);
    if (!isSearchable(name)) return false;
    this.#names[id] = name;
    this.#state[id] = State.queued;
    this.#tries[id] = 0;
    this.#skipped[id] = 0;
    return true;
  }

  remove(id: number): void {
    if (!(id >= 0 && id < this.#capacity)) return;
    if (this.#state[id] === State.waiting) this.wheel.remove(id);
    this.#state[id] = State.absent;
    this.#generation[id]!++;
    this.#names[id] = '';
  }

  name(id: number): string {
    return this.#names[id]!;
  }

  cid(id: number): number {
    return ((this.#generation[id]! << idBits) | id) >>> 0;
  }

  /** The id of a number from the wire, -1 when it is not, or no longer, one of ours. */
  idOf(cid: number): number {
    const id = cid & largestId;
    return id < this.#capacity && this.#state[id] !== State.absent && this.#generation[id] === cid >>> idBits ? id : -1;
  }

  /** Moves a queued id into a round; false when it left the queue meanwhile. */
  startAsking(id: number, round: number): boolean {
    if (this.#state[id] !== State.queued) return false;
    this.#state[id] = State.asking;
    this.#round[id] = round;
    return true;
  }

  isAskedBy(id: number, round: number): boolean {
    return this.#state[id] === State.asking && this.#round[id] === round;
  }

  answered(id: number, server: number, destination: number): Answer {
    const state = this.#state[id]!;
    if (state >= State.found) {
      if (state === State.reported || this.#server[id] === server) return 'known';
      this.#state[id] = State.reported;
      return 'duplicate';
    }
    if (state === State.waiting) this.wheel.remove(id);
    this.#state[id] = State.found;
    this.#server[id] = server;
    this.#destination[id] = destination;
    return 'found';
  }

  isFound(id: number): boolean {
    return this.#state[id]! >= State.found;
  }

  server(id: number): number {
    return this.#server[id]!;
  }

  destination(id: number): number {
    return this.#destination[id]!;
  }

  /** It was found before a destination's turn came, which may have it too. */
  skip(id: number): void {
    this.#skipped[id] = 1;
  }

  /** Whether it was skipped anywhere in this round and should be asked for there later. */
  takeSkipped(id: number, round: number): boolean {
    if (!this.isFound(id) || this.#round[id] !== round || this.#skipped[id] === 0) return false;
    this.#skipped[id] = 0;
    return true;
  }

  /** Nobody answered this try: waits for the next, twice as long as for the last. */
  wait(id: number, nowMs: number, longestMs: number, random: number): void {
    const tries = this.#tries[id]!;
    const interval = Math.min(longestMs, firstIntervalMs * 2 ** tries);
    // Never above the longest interval: that is what the site asked for.
    const jittered = interval * (interval >= longestMs ? 0.75 + random / 4 : 0.75 + random / 2);
    if (tries < 30) this.#tries[id] = tries + 1;
    this.#state[id] = State.waiting;
    this.wheel.add(id, nowMs + jittered);
  }

  /** From waiting to queued; the wheel must have let go of it. */
  due(id: number): void {
    this.#state[id] = State.queued;
  }

  /** Intervals begin anew. True when the id is to be queued now. */
  urge(id: number): boolean {
    if (id < 0 || id >= this.#capacity) return false;
    this.#tries[id] = 0;
    if (this.#state[id] !== State.waiting) return false;
    this.wheel.remove(id);
    this.#state[id] = State.queued;
    return true;
  }

  /** Ids are below this. */
  get capacity(): number {
    return this.#capacity;
  }

  #reserve(atLeast: number): void {
    const capacity = Math.min(largestId + 1, Math.max(1024, this.#capacity * 2, atLeast));
    this.wheel.reserve(capacity);
    const grow = <A extends Uint8Array | Int32Array | Int16Array>(from: A, to: A): A => {
      to.set(from);
      return to;
    };
    this.#state = grow(this.#state, new Uint8Array(capacity));
    this.#generation = grow(this.#generation, new Uint8Array(capacity));
    this.#tries = grow(this.#tries, new Uint8Array(capacity));
    this.#round = grow(this.#round, new Int32Array(capacity));
    this.#server = grow(this.#server, new Int32Array(capacity));
    this.#destination = grow(this.#destination, new Int16Array(capacity));
    this.#skipped = grow(this.#skipped, new Uint8Array(capacity));
    for (let id = this.#capacity; id < capacity; id++) this.#names[id] = '';
    this.#capacity = capacity;
  }
}
