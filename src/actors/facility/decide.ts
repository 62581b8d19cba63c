/** Whether and when a failed IOC actor is started again. Pure: the clock and the dice are arguments. */
import { backoffMs } from '../../kernel/backoff.ts';

export interface RestartOptions {
  /** More failures than this within the period, and the actor is given up. */
  readonly intensity: number;
  readonly periodMs: number;
  readonly baseMs: number;
  readonly maxMs: number;
}
export const restartDefaults: RestartOptions = { intensity: 3, periodMs: 60_000, baseMs: 200, maxMs: 30_000 };

export type RestartVerdict = { readonly kind: 'restart'; readonly delayMs: number } | { readonly kind: 'giveUp' };

/** `failures`: times of earlier ones, ms. Returns those that still count, this one included. */
export function decideRestart(failures: readonly number[], now: number, random: number, options: RestartOptions): { failures: readonly number[]; verdict: RestartVerdict } {
  const recent = [...failures.filter((at) => now - at < options.periodMs), now];
  if (recent.length > options.intensity) return { failures: recent, verdict: { kind: 'giveUp' } };
  return { failures: recent, verdict: { kind: 'restart', delayMs: backoffMs(recent.length - 1, options, random) } };
}
