// A thread's performance.now() counts from the thread's own start.
const offset = hrtime() - performance.now();

function hrtime(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Milliseconds on a clock that never jumps and is the same in every thread of the process. */
export function now(): number {
  return offset + performance.now();
}

/**
 * Runs `act` once `at` (on this clock) has passed. What has arrived by then is looked at first: a
 * thread that was busy must not take its own delay for the IOC's.
 */
export function after(at: number, act: () => void): NodeJS.Timeout {
  return setTimeout(() => setImmediate(act), Math.max(0, at - now()));
}
