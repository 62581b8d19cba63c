/**
 * When a name is due again, for millions of names: a hashed timing wheel whose lists run through
 * typed arrays, so that a waiting name costs twelve bytes and no timer.
 */

const tickMs = 10;
const slots = 32_768; // One revolution is 327 s; what is due later just stays in its slot for another.
const none = -1;

export class TimingWheel {
  readonly #heads = new Int32Array(slots).fill(none);
  #next = new Int32Array(0);
  /** The id before; for the first of a list -2 - slot. */
  #previous = new Int32Array(0);
  #dueTick = new Int32Array(0);
  readonly #epochMs: number;
  #tick = 0;
  size = 0;

  constructor(nowMs: number) {
    this.#epochMs = nowMs;
  }

  /** Makes room for ids below `capacity`. */
  reserve(capacity: number): void {
    this.#next = grown(this.#next, capacity);
    this.#previous = grown(this.#previous, capacity);
    this.#dueTick = grown(this.#dueTick, capacity);
  }

  /** The id must not be in the wheel. */
  add(id: number, dueMs: number): void {
    const tick = Math.max(this.#tick + 1, Math.ceil((dueMs - this.#epochMs) / tickMs));
    const slot = tick % slots;
    const head = this.#heads[slot]!;
    this.#dueTick[id] = tick;
    this.#next[id] = head;
    this.#previous[id] = -2 - slot;
    if (head !== none) this.#previous[head] = id;
    this.#heads[slot] = id;
    this.size++;
  }

  /** The id must be in the wheel. */
  remove(id: number): void {
    const next = this.#next[id]!;
    const previous = this.#previous[id]!;
    if (previous <= -2) this.#heads[-2 - previous] = next;
    else this.#next[previous] = next;
    if (next !== none) this.#previous[next] = previous;
    this.size--;
  }

  /** Takes out everything that is due. */
  advance(nowMs: number, due: (id: number) => void): void {
    const until = Math.floor((nowMs - this.#epochMs) / tickMs);
    // After a long pause (suspended machine) one revolution visits every slot.
    const from = Math.max(this.#tick, until - slots);
    for (let tick = from + 1; tick <= until && this.size > 0; tick++) {
      this.#tick = tick;
      let id = this.#heads[tick % slots]!;
      while (id !== none) {
        const next = this.#next[id]!;
        if (this.#dueTick[id]! <= until) {
          this.remove(id);
          due(id);
        }
        id = next;
      }
    }
    this.#tick = Math.max(this.#tick, until);
  }

  /** Milliseconds until a slot with something in it comes up, at most `limitMs`; undefined when empty. */
  msUntilNext(nowMs: number, limitMs: number): number | undefined {
    if (this.size === 0) return undefined;
    const furthest = Math.ceil(limitMs / tickMs);
    let ahead = 1;
    while (ahead < furthest && this.#heads[(this.#tick + ahead) % slots] === none) ahead++;
    return Math.max(1, this.#epochMs + (this.#tick + ahead) * tickMs - nowMs);
  }
}

function grown(array: Int32Array<ArrayBuffer>, capacity: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(capacity);
  larger.set(array);
  return larger;
}
