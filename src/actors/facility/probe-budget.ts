/**
 * How many IOCs may be probed at once, over the whole facility: after a network fault hundreds of
 * breakers come due together, and the network is the last that needs them all at once.
 */
export interface ProbeBudget {
  /** Calls `granted` when it is this IOC's turn, possibly at once. Asking again replaces the request. */
  request(ioc: string, granted: () => void): void;
  /** Gives back a turn or a place in the queue. Safe at any time. */
  release(ioc: string): void;
}

export function createProbeBudget(cap: number): ProbeBudget {
  const probing = new Set<string>();
  const waiting = new Map<string, () => void>();

  const grantNext = (): void => {
    while (probing.size < cap) {
      const next = waiting.entries().next();
      if (next.done) return;
      const [ioc, granted] = next.value;
      waiting.delete(ioc);
      probing.add(ioc);
      granted();
    }
  };

  return {
    request: (ioc, granted) => {
      probing.delete(ioc);
      waiting.set(ioc, granted);
      grantNext();
    },
    release: (ioc) => {
      const held = probing.delete(ioc);
      if (!waiting.delete(ioc) && held) grantNext();
    },
  };
}
