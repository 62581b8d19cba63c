/** Who waits to hear that an IOC has taken everything that was sent to it before. */
export class Probes {
  readonly #waiting: ((alive: boolean) => void)[] = [];

  add(done: (alive: boolean) => void): void {
    this.#waiting.push(done);
  }

  /** Whether it was still waiting. */
  abandon(done: (alive: boolean) => void): boolean {
    const at = this.#waiting.indexOf(done);
    if (at >= 0) this.#waiting.splice(at, 1);
    return at >= 0;
  }

  get areWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  answer(alive: boolean): void {
    for (const done of this.#waiting.splice(0)) done(alive);
  }
}
