/** First in, first out, for slots by the million. */
export class IdQueue {
  #ids: number[] = [];
  #head = 0;

  get size(): number {
    return this.#ids.length - this.#head;
  }

  push(id: number): void {
    this.#ids.push(id);
  }

  /** Up to `most` that are still wanted; those that are not are dropped. */
  take(most: number, wanted: (id: number) => boolean): Int32Array {
    const taken: number[] = [];
    while (taken.length < most && this.#head < this.#ids.length) {
      const id = this.#ids[this.#head++]!;
      if (wanted(id)) taken.push(id);
    }
    if (this.#head > 65_536 || this.#head === this.#ids.length) {
      this.#ids = this.#ids.slice(this.#head);
      this.#head = 0;
    }
    return Int32Array.from(taken);
  }
}
