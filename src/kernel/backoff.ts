/** Growing, jittered pauses. Jitter keeps hundreds of actors that failed together from returning together. */
export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** min(max, base * 2^attempt), times a random 0.5 to 1. `attempt` counts from 0; `random` is in [0, 1). */
export function backoffMs(attempt: number, options: BackoffOptions, random: number): number {
  // 2^30 would overflow nothing here, but a timer above 2^31 ms fires at once.
  const full = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt, 30));
  return Math.round(full * (0.5 + random / 2));
}
