/** Counters that a CA thread writes and the main thread reads without asking. */
export const Counter = { circuits: 0, updates: 1, reads: 2, writes: 3, lateReplies: 4, hostileCircuits: 5 } as const;
const places = 8;

export function newCounters(): SharedArrayBuffer {
  return new SharedArrayBuffer(places * Float64Array.BYTES_PER_ELEMENT + Int32Array.BYTES_PER_ELEMENT * 2);
}

export function countersOf(buffer: SharedArrayBuffer): Float64Array {
  return new Float64Array(buffer, 0, places);
}

/** Pulses that the main thread has taken: a thread that is ahead by too many waits (see pulse.ts). */
export function pulsesTaken(buffer: SharedArrayBuffer): Int32Array {
  return new Int32Array(buffer, places * Float64Array.BYTES_PER_ELEMENT, 1);
}
