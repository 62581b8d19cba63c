/**
 * Whether the database answers at all. A statement may rightly take long; a server that is frozen, or
 * whose host is gone, looks the same to its client. So while work is under way longer than usual the
 * server is asked for a sign of life, and the work ended if none comes.
 */
import type pg from 'pg';

const usualMs = 1_000;
const beatWithinMs = 2_500;
/** A machine under heavy load may miss one. */
const missesAllowed = 1;

export interface Pulse {
  /** Round trip, ms. Rejects when none comes in time. */
  beat(): Promise<number>;
  /** Calls `dead` once if the server falls silent. Returns how to stop watching. */
  watch(dead: () => void): () => void;
  stop(): Promise<void>;
}

export function createPulse(pool: pg.Pool): Pulse {
  let beating: Promise<number> | undefined;

  const takeBeat = async (): Promise<number> => {
    const began = performance.now();
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await client.query({ text: 'select 1', query_timeout: beatWithinMs } as pg.QueryConfig);
      return performance.now() - began;
    } catch (error) {
      broken = error as Error;
      throw error;
    } finally {
      client.release(broken);
    }
  };
  const beat = (): Promise<number> => {
    beating ??= takeBeat().finally(() => {
      beating = undefined;
    });
    return beating;
  };

  return {
    beat,
    watch: (dead) => {
      let watching = true;
      let misses = 0;
      const look = (): void => {
        beat().then(
          () => {
            misses = 0;
            again();
          },
          () => {
            misses += 1;
            if (misses <= missesAllowed) again(0);
            else if (watching) dead();
          },
        );
      };
      let timer: NodeJS.Timeout | undefined;
      const again = (afterMs = usualMs): void => {
        if (watching) timer = setTimeout(look, afterMs).unref();
      };
      again();
      return () => {
        watching = false;
        clearTimeout(timer);
      };
    },
    stop: () => pool.end(),
  };
}
