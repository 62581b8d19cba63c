/** Settings of the breaker, checked once. Times in ms. */
import { z } from 'zod';

export const breakerOptions = z
  .object({
    /** Operations remembered. */
    window: z.number().int().min(1).max(1_000).default(20),
    /** Operations in the window before the rate counts. */
    minCalls: z.number().int().min(1).default(5),
    /** Share of failures at which the breaker opens; also the share of silent rows that makes a batch a failure. */
    rate: z.number().gt(0, 'rate must be above 0, or a breaker would open without a failure').max(1).default(0.5),
    baseMs: z.number().int().min(1).default(1_000),
    maxMs: z.number().int().min(1).max(86_400_000).default(30_000),
    /** Pause between the return of a circuit and the early probe. */
    settleMs: z.number().int().min(0).max(60_000).default(200),
    /** Probes that must succeed in a row before the breaker closes. */
    probes: z.number().int().min(1).max(100).default(2),
    probeTimeoutMs: z.number().int().min(1).max(60_000).default(1_000),
    /** Channels that one probe reads. */
    probeRows: z.number().int().min(1).max(100).default(3),
    /** How long an IOC known only by name may stay away after start before its breaker opens. */
    firstContactMs: z.number().int().min(1).max(3_600_000).default(5_000),
  })
  .superRefine((options, context) => {
    if (options.minCalls > options.window) {
      context.addIssue({ code: 'custom', path: ['minCalls'], message: `minCalls is ${options.minCalls}, but only ${options.window} operations are remembered (window)` });
    }
    if (options.baseMs > options.maxMs) {
      context.addIssue({ code: 'custom', path: ['baseMs'], message: `baseMs is ${options.baseMs}, above maxMs ${options.maxMs}` });
    }
  });
export type BreakerOptions = z.output<typeof breakerOptions>;
export type BreakerOptionsInput = z.input<typeof breakerOptions>;
