/** Reads of one IOC that wait for their turn, each with its deadline running. */
import { ReadOutcome } from '../../../contracts/values.ts';
import { after } from '../clock.ts';
import type { PackedValues } from '../packed-values.ts';
import type { ThreadContext } from './context.ts';
import { answerUnasked } from './read-answers.ts';

export interface WaitingRead {
  readonly id: number;
  /** What the answer is to be written into. */
  readonly into: PackedValues;
  /** Of its deadline. */
  readonly timer: NodeJS.Timeout;
}

export class WaitingReads {
  readonly #context: Pick<ThreadContext, 'columns' | 'outbox'>;
  readonly #late: (id: number) => void;
  readonly #reads: WaitingRead[] = [];

  /** @param late Called at the deadline of a read that waits no more. */
  constructor(context: Pick<ThreadContext, 'columns' | 'outbox'>, late: (id: number) => void) {
    this.#context = context;
    this.#late = late;
  }

  add(id: number, into: PackedValues, deadlineAt: number): void {
    this.#reads.push({ id, into, timer: after(deadlineAt, () => this.#expire(id)) });
  }

  /** The one that has waited longest; its timer is the taker's then. */
  take(): WaitingRead | undefined {
    return this.#reads.shift();
  }

  /** The circuit is gone. */
  drop(): void {
    for (const { id, into, timer } of this.#reads.splice(0)) {
      clearTimeout(timer);
      answerUnasked(this.#context, id, into, ReadOutcome.disconnected);
    }
  }

  #expire(id: number): void {
    const at = this.#reads.findIndex((waiting) => waiting.id === id);
    if (at < 0) this.#late(id);
    else answerUnasked(this.#context, id, this.#reads.splice(at, 1)[0]!.into, ReadOutcome.timeout);
  }
}
