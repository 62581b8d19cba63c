/**
 * What a thread has of libca, noted where it survives the thread. Should the thread die, libca's own
 * threads go on: they keep its circuits, and write to its memory. So both are known, and can be ended.
 */
import type { Pointer } from './ffi.ts';

export interface Remains {
  /** 0 when there are none. */
  readonly context: Pointer;
  readonly memory: Pointer;
  /** The end of its pipe that the sink writes to. */
  readonly fd: number;
}

const places = 3;

export function newRemains(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * places * Float64Array.BYTES_PER_ELEMENT);
}

export function noteRemains(all: SharedArrayBuffer, thread: number, { context, memory, fd }: Remains): void {
  new Float64Array(all).set([context, memory, fd], thread * places);
}

/** Nobody else finds them afterwards. */
export function takeRemains(all: SharedArrayBuffer, thread: number): Remains {
  const at = thread * places;
  const [context = 0, memory = 0, fd = 0] = new Float64Array(all).slice(at, at + places);
  noteRemains(all, thread, { context: 0, memory: 0, fd: 0 });
  return { context, memory, fd };
}
