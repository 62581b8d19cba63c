/** A step that failed: what was wanted, what was tried with what outcome, and what to do about it. */
export class SetUpFailed extends Error {
  constructor(wanted, tried, advice) {
    super([`Drey's set-up stopped: ${wanted}. Tried:`, ...tried.map(([source, outcome]) => `  - ${source}: ${outcome}`), advice].filter(Boolean).join('\n'));
  }
}

/** Progress goes to stderr: stdout belongs to the program that is being started. */
export function announcer() {
  return (line) => console.error(`[set-up] ${line}`);
}

const STILL_AT_IT_EVERY_MS = 5000;

/** Says what begins, that it still goes on, and when it is done. */
export async function announced(say, what, work) {
  const start = Date.now();
  const seconds = () => Math.round((Date.now() - start) / 1000);
  say(`${what} ...`);
  const timer = setInterval(() => say(`${what}: ${seconds()} s so far`), STILL_AT_IT_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    say(`${what}: ended after ${seconds()} s`);
  }
}
