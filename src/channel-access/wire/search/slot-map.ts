/** Which slot an id has: an open-addressing table in typed arrays, a tenth of a Map's memory at a million ids. */

const empty = -1;

export class SlotMap {
  #ids = new Int32Array(16);
  #slots = new Int32Array(16).fill(empty);
  #mask = 15;
  size = 0;

  /** -1 when the id has none. */
  get(id: number): number {
    return this.#slots[this.#place(id)]!;
  }

  set(id: number, slot: number): void {
    const place = this.#place(id);
    if (this.#slots[place] === empty && ++this.size * 2 > this.#mask) {
      this.#grow();
      this.#put(this.#place(id), id, slot);
    } else this.#put(place, id, slot);
  }

  delete(id: number): void {
    let hole = this.#place(id);
    if (this.#slots[hole] === empty) return;
    this.size--;
    // What stands behind and was displaced past the hole moves up, so that no search ends at it.
    for (let at = (hole + 1) & this.#mask; this.#slots[at] !== empty; at = (at + 1) & this.#mask) {
      const home = this.#home(this.#ids[at]!);
      if (((at - home) & this.#mask) < ((at - hole) & this.#mask)) continue;
      this.#put(hole, this.#ids[at]!, this.#slots[at]!);
      hole = at;
    }
    this.#slots[hole] = empty;
  }

  #place(id: number): number {
    let at = this.#home(id);
    while (this.#slots[at] !== empty && this.#ids[at] !== id) at = (at + 1) & this.#mask;
    return at;
  }

  #home(id: number): number {
    // Callers number upwards; unmixed, what is asked for next lies next to it, in the cache.
    return id & this.#mask;
  }

  #put(place: number, id: number, slot: number): void {
    this.#ids[place] = id;
    this.#slots[place] = slot;
  }

  #grow(): void {
    const ids = this.#ids;
    const slots = this.#slots;
    this.#ids = new Int32Array(ids.length * 2);
    this.#slots = new Int32Array(ids.length * 2).fill(empty);
    this.#mask = this.#ids.length - 1;
    for (let at = 0; at < ids.length; at++) {
      if (slots[at] !== empty) this.#put(this.#place(ids[at]!), ids[at]!, slots[at]!);
    }
  }
}
