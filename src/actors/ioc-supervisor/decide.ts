/**
 * What the breaker decides, as pure functions: the rolling window, what a batch says about its IOC,
 * and the sentences that people read.
 */
import { WriteOutcome } from '../../channel-access/port.ts';
import { ReadOutcome } from '../../contracts/values.ts';
import type { BreakerState } from '../../contracts/iocs.ts';
import type { BreakerOptions } from './options.ts';

/** The last outcomes, newest over oldest. A value: recording makes a new one. */
export interface Window {
  /** 1 = failure. */
  readonly ring: Uint8Array;
  readonly next: number;
  readonly calls: number;
  readonly failures: number;
}

export function emptyWindow(size: number): Window {
  return { ring: new Uint8Array(size), next: 0, calls: 0, failures: 0 };
}

export function record(window: Window, failed: boolean): Window {
  const ring = window.ring.slice();
  const full = window.calls === ring.length;
  const evicted = full ? ring[window.next]! : 0;
  const entered = failed ? 1 : 0;
  ring[window.next] = entered;
  return {
    ring,
    next: (window.next + 1) % ring.length,
    calls: full ? window.calls : window.calls + 1,
    failures: window.failures - evicted + entered,
  };
}

export function trips(window: Window, options: Pick<BreakerOptions, 'minCalls' | 'rate'>): boolean {
  return window.calls >= options.minCalls && window.failures / window.calls >= options.rate;
}

/**
 * What one batch says about its IOC.
 * `silent`: not one row was answered, and nothing else was heard either: the IOC hangs.
 * `ignored`: nothing was asked, or only the caller was wrong (no access, bad type, not connected).
 */
export type Judgement = 'ok' | 'failed' | 'silent' | 'ignored';

/** `heard`: a sign of life came from the IOC in the second half of the wait. */
export function judgeRead(outcomes: Uint8Array, heard: boolean, rate: number): Judgement {
  let silent = 0;
  let answered = 0;
  for (const outcome of outcomes) {
    if (outcome === ReadOutcome.timeout) silent++;
    else if (outcome === ReadOutcome.ok || outcome === ReadOutcome.refused || outcome === ReadOutcome.tooLarge) answered++;
  }
  const asked = silent + answered;
  if (asked === 0) return 'ignored';
  if (answered === 0) return heard ? 'failed' : 'silent';
  return silent / asked >= rate ? 'failed' : 'ok';
}

/**
 * A put-callback completes when the record's processing does, which may take minutes on a healthy
 * IOC: its timeout says nothing about the IOC. The read-back that follows every write does.
 */
export function judgeWrite(outcomes: Uint8Array): Judgement {
  let answered = 0;
  let lost = 0;
  for (const outcome of outcomes) {
    if (outcome === WriteOutcome.done || outcome === WriteOutcome.refused) answered++;
    else if (outcome === WriteOutcome.lost) lost++;
  }
  if (lost > 0) return 'failed';
  return answered > 0 ? 'ok' : 'ignored';
}

/** Rows for a probe: connected scalars, a different stretch of the channels at each attempt, so that one bad record cannot keep a breaker open. */
export function probeRowsOf(rows: Iterable<number>, isSmall: (row: number) => boolean, count: number, attempt: number): Int32Array {
  const small: number[] = [];
  for (const row of rows) if (isSmall(row)) small.push(row);
  const picked = new Int32Array(Math.min(count, small.length));
  for (let i = 0; i < picked.length; i++) picked[i] = small[(attempt * count + i) % small.length]!;
  return picked;
}

/** I2: the answer of a breaker that lets nothing through. */
export function refusalSentence(state: BreakerState, reason: string, nextProbeAt: number | null): string {
  const why = `breaker ${state === 'halfOpen' ? 'half-open' : state === 'forcedOpen' ? 'forced open' : state}: ${reason}`;
  return nextProbeAt === null ? why : `${why}; next probe at ${new Date(nextProbeAt).toISOString()}`;
}
