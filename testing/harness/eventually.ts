import { inspect } from 'node:util';

export interface Waiting {
  /** What is waited for, as it will stand in the error. */
  saying: string;
  withinMs?: number;
  everyMs?: number;
}

/**
 * Looks at a real process or server until the check gives something: not undefined, null or false.
 * Only for what sends no signal of its own; the error states the last thing seen.
 */
export async function eventually<T>(check: () => T | Promise<T>, { saying, withinMs = 5000, everyMs = 10 }: Waiting): Promise<NonNullable<Exclude<T, false>>> {
  const end = performance.now() + withinMs;
  for (let looks = 1; ; looks++) {
    const seen = await check();
    if (seen !== undefined && seen !== null && seen !== false) return seen as NonNullable<Exclude<T, false>>;
    if (performance.now() >= end) throw new Error(`waited ${withinMs} ms for ${saying}; looked ${looks} times, last saw ${inspect(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Like eventually(), for a value that should become equal to what is expected. */
export async function eventuallyEqual<T>(read: () => T | Promise<T>, expected: T, { saying, withinMs = 5000, everyMs = 10 }: Waiting): Promise<void> {
  const end = performance.now() + withinMs;
  for (;;) {
    const seen = await read();
    if (Object.is(seen, expected)) return;
    if (performance.now() >= end) throw new Error(`waited ${withinMs} ms for ${saying} to be ${inspect(expected)}; last saw ${inspect(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
