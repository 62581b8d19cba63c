/** What an IOC actor is told, and what it answers. */
import type { BreakerState } from '../../contracts/iocs.ts';

/** The answer to `op.ask`, given at once. */
export type Admission =
  | { readonly go: true; readonly generation: number; readonly state: BreakerState }
  /** I2: the reason, with the time of the next probe where there is one. */
  | { readonly go: false; readonly state: BreakerState; readonly problem: string; readonly nextProbeAt: number | null };

export interface OperatorOrder {
  readonly type: 'operator.open' | 'operator.close' | 'operator.observe';
  readonly who: string;
  readonly why: string;
  /** ms since 1970; without it until the next order. */
  readonly until?: number;
}

export type IocEvent =
  /** May an operation go out now? `answer` is called before `send` returns. */
  | { readonly type: 'op.ask'; readonly answer: (admission: Admission) => void }
  /** How an admitted operation ended; `generation` as admitted, so that late answers are known. */
  | { readonly type: 'op.ok'; readonly generation: number }
  | { readonly type: 'op.failed'; readonly generation: number; readonly silent: boolean; readonly reason: string }
  | { readonly type: 'ca.found' | 'ca.connected' | 'ca.disconnected' | 'ca.access'; readonly rows: Int32Array }
  | { readonly type: 'ca.circuit.up' }
  | { readonly type: 'ca.circuit.down'; readonly reason: string }
  | { readonly type: 'ca.circuit.unresponsive'; readonly silentMs: number }
  | { readonly type: 'ca.circuit.responsive' }
  /** Values arrived in the columns; the values themselves never come here. */
  | { readonly type: 'ca.pulse' }
  | { readonly type: 'channels.join'; readonly rows: Int32Array }
  | { readonly type: 'channels.leave'; readonly rows: Int32Array }
  /** The fleet-wide budget lets this IOC be probed. */
  | { readonly type: 'probe.granted' }
  | OperatorOrder
  /** F1: something inside this actor went wrong. */
  | { readonly type: 'ioc.fault'; readonly reason: string };
