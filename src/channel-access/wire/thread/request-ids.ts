/** Ids of requests on one circuit: ranges that follow each other and wrap after 2^32. */
export class RequestIds {
  #next = 1;

  /** First id of a range of `count`. Ids in it are `base + i` modulo 2^32. */
  take(count: number): number {
    const base = this.#next;
    this.#next = (base + count) >>> 0;
    return base;
  }

  /** Whether an id within the last 2^31 was ever given out. */
  wasIssued(id: number): boolean {
    const age = (this.#next - id) >>> 0;
    return age > 0 && age < 0x8000_0000;
  }
}
