/**
 * Circuits on which events pour in are read every few ms instead of at every packet: waking up is
 * what an update costs most. They rest only while nothing was asked of the IOC; any request wakes
 * them, so that answers never wait.
 */
export interface Resting {
  wake(): void;
}

export const restMs = 8;

export class Rests {
  readonly #resting: Resting[] = [];

  add(circuit: Resting): void {
    this.#resting.push(circuit);
    if (this.#resting.length === 1) setTimeout(() => this.#end(), restMs);
  }

  #end(): void {
    for (const circuit of this.#resting.splice(0)) circuit.wake();
  }
}
