/** Notices keys of a bucket with a time to live that were not renewed. */
export interface Expiries {
  seen(key: string): void;
  forget(key: string): void;
  stop(): void;
}

/** Slack over the time to live, so that the look comes after the server's own sweep. */
const slackMs = 250;
/** A timer above 2^31 ms fires at once. */
const longestMs = 3_600_000;

/** `look` asks whether the key is still there, and tells whoever must know when it is not. */
export function expiries(ttlMs: number, look: (key: string) => Promise<boolean>): Expiries {
  const seenAt = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const arm = (): void => {
    if (timer !== undefined || stopped || seenAt.size === 0) return;
    let oldest = Infinity;
    for (const at of seenAt.values()) oldest = Math.min(oldest, at);
    timer = setTimeout(() => void sweep(), Math.min(longestMs, Math.max(slackMs, oldest + ttlMs + slackMs - performance.now())));
    timer.unref();
  };
  const sweep = async (): Promise<void> => {
    const due = performance.now() - ttlMs - slackMs / 2;
    for (const [key, at] of [...seenAt]) {
      if (at > due || stopped) continue;
      // While the server is away nothing can be said: look again at the next turn.
      const alive = await look(key).catch(() => true);
      if (seenAt.get(key) !== at) continue;
      if (alive) seenAt.set(key, performance.now() - ttlMs + Math.min(ttlMs, 1_000));
      else seenAt.delete(key);
    }
    timer = undefined;
    arm();
  };

  return {
    seen: (key) => {
      seenAt.set(key, performance.now());
      arm();
    },
    forget: (key) => seenAt.delete(key),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
