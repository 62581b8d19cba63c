/** Long work in steps: everybody else of the process has a turn every few milliseconds. */

/** Does work between its yields, and gives its result at the end. */
export type Steps<Result> = Generator<void, Result, void>;

const turnMs = 10;

export async function inTurns<Result>(steps: Steps<Result>): Promise<Result> {
  for (let since = performance.now(); ; ) {
    const { done, value } = steps.next();
    if (done === true) return value as Result;
    if (performance.now() - since < turnMs) continue;
    await new Promise<void>((resolve) => setImmediate(resolve));
    since = performance.now();
  }
}

export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value as Result;
  }
}
