/** A fixed number of turns at a time; who comes later waits in line. Keeps long users from taking every connection of the pool. */
export interface Turns {
  /** Resolves with the function that ends the turn. */
  take(): Promise<() => void>;
}

export function createTurns(atOnce: number): Turns {
  const waiting: (() => void)[] = [];
  let free = atOnce;
  const leave = (): void => {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
  return {
    take: async () => {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      let taken = true;
      return () => {
        if (taken) leave();
        taken = false;
      };
    },
  };
}
