/**
 * Live values on their way from the ioc-hosts to the gateways, over core NATS: nothing is kept. Hosts
 * send only while a gateway says that it is interested, and only rows that changed.
 *
 * What makes it whole all the same: frames of a host are numbered, so that a gateway that misses one
 * asks for the full picture; and a host with nothing to say sends an empty frame every
 * {@link liveBeatMs}, so that a miss, or a host that fell silent, is noticed.
 */

/** Event `drey.v1.live.interest`, JSON. Renewed every {@link interestRenewMs}; a gateway that dies is forgotten after `validMs`. */
export interface LiveInterest {
  readonly gateway: string;
  /** Changes are gathered this long; the shortest wish of all gateways counts. 0 = not interested any more. */
  readonly windowMs: number;
  readonly validMs: number;
  /** Host of which every row is wanted, not only the changed ones; '*' = all hosts. */
  readonly full?: string;
}

/** Event `drey.v1.live.updates.<host>`: the head of a frame whose rows have changed. `channel` = channel ids. A row `notOwned` is watched here no more. */
export interface LiveUpdates {
  readonly host: string;
  /** Another one after each start of the host: its numbers begin anew. */
  readonly boot: string;
  /** 1, 2, 3 … */
  readonly sequence: number;
  /** Of a full picture: what is not in it from `first` to `last` is not watched by this host. */
  readonly full?: 'first' | 'more' | 'last' | 'only';
}

export const liveWindowMs = { least: 50, most: 1_000 } as const;
export const interestRenewMs = 2_000;
export const interestValidMs = 7_000;
export const liveBeatMs = 1_000;
