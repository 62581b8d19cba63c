/**
 * Circuits on which events pour in are read all together at a beat instead of at every packet: waking
 * up is what an update costs most. The beat is the pulse's, so that what is read is told at once. They
 * rest only while nothing is asked of the IOC; any request wakes them, so that answers never wait.
 */
import { now } from '../clock.ts';

export interface Resting {
  /** Takes what has come. */
  wake(): void;
  /** That has been taken, if there was anything: rests on if more is to be expected. */
  settle(): void;
}

export const restMs = 50;
/** For a circuit that has so much to say that the IOC may soon wait for room. */
const shortRestMs = 8;

export class Rests {
  readonly #onBeat: (lateMs: number) => void;
  readonly #atBeat: Resting[] = [];
  readonly #soon: Resting[] = [];

  /** @param onBeat Called when what came until the beat has been read. */
  constructor(onBeat: (lateMs: number) => void = () => undefined) {
    this.#onBeat = onBeat;
  }

  add(circuit: Resting): void {
    this.#atBeat.push(circuit);
    if (this.#atBeat.length > 1) return;
    const dueAt = now() + restMs;
    setTimeout(() => {
      const lateMs = now() - dueAt;
      this.#end(this.#atBeat.splice(0), () => this.#onBeat(lateMs));
    }, restMs);
  }

  addShortly(circuit: Resting): void {
    this.#soon.push(circuit);
    if (this.#soon.length === 1) setTimeout(() => this.#end(this.#soon.splice(0)), shortRestMs);
  }

  #end(circuits: readonly Resting[], then?: () => void): void {
    for (const circuit of circuits) circuit.wake();
    // Sockets are read before that.
    setImmediate(() => {
      for (const circuit of circuits) circuit.settle();
      then?.();
    });
  }
}
