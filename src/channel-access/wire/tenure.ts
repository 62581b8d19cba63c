/**
 * How long a thread may write to the shared columns. libca's own threads outlive ours when it dies,
 * and go on calling the sink: they have to know that the columns belong to another thread by then.
 * A writer sets `busy`, then looks whether it may still write; whoever ends that looks at `busy` afterwards.
 */
export interface Tenure {
  readonly ended: Int32Array;
  readonly busy: Int32Array;
  /** Returns when nothing is being written that was begun before. That takes well below a microsecond. */
  pause(): void;
}

const whole = 2 * Int32Array.BYTES_PER_ELEMENT;

export function newTenure(): SharedArrayBuffer {
  return new SharedArrayBuffer(whole);
}

export function tenureOf(buffer: SharedArrayBuffer): Tenure {
  const busy = new Int32Array(buffer, Int32Array.BYTES_PER_ELEMENT, 1);
  return {
    ended: new Int32Array(buffer, 0, 1),
    busy,
    pause: () => {
      while (Atomics.load(busy, 0) !== 0);
    },
  };
}

/** Read for ever by whatever is left of dead threads. */
const over: SharedArrayBuffer[] = [];

/** From here on nothing of that thread writes to the columns. */
export function endTenure(buffer: SharedArrayBuffer): void {
  over.push(buffer);
  const { ended, pause } = tenureOf(buffer);
  Atomics.store(ended, 0, 1);
  pause();
}
