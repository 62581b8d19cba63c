/** What an IOC actor remembers between events. */
import type { Window } from './decide.ts';
import type { OperatorOrder } from './events.ts';

export interface IocContext {
  readonly ioc: string;
  readonly window: Window;
  /** Failed openings in a row. */
  readonly attempt: number;
  /** Counts the states entered: an answer from an older one is late. */
  readonly generation: number;
  readonly since: number;
  /** Why it is in this state, for people. */
  readonly reason: string;
  /** ms since 1970 of the next probe, while open. */
  readonly nextProbeAt: number | null;
  readonly probesLeft: number;
  readonly circuit: 'up' | 'down' | 'unresponsive';
  /** The order in force, while forcedOpen or observing. */
  readonly order: OperatorOrder | null;
  readonly fault: string;
  /** Not state: changed in place by pulses, read by no guard, never persisted. */
  readonly table: { heardAt: number };
}

export interface IocInput {
  readonly ioc: string;
  readonly rows: Int32Array;
  /** The order that was in force when this actor's predecessor failed. */
  readonly order: OperatorOrder | null;
  /** Whether the circuit stood then. */
  readonly circuitUp: boolean;
}

/** F1: why it ended. */
export interface IocOutput {
  readonly fault: string;
}
