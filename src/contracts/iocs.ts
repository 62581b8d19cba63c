/** IOCs as operators and services see them. */
import { z } from 'zod';

/** Breaker states: the top-level states of the IOC actor. */
export const breakerState = z.enum(['closed', 'open', 'halfOpen', 'forcedOpen', 'observing']);
export type BreakerState = z.output<typeof breakerState>;

export const iocView = z.object({
  /** "host:port" of the CA server. */
  name: z.string(),
  /** The ioc-host process that owns its actor. */
  host: z.string(),
  state: breakerState,
  /** Why it is in this state, for people. */
  reason: z.string(),
  since: z.string(),
  circuit: z.enum(['up', 'down', 'unresponsive']),
  channels: z.object({ total: z.number(), connected: z.number(), disconnected: z.number(), searching: z.number(), denied: z.number() }),
  /** Operations in the rolling window. */
  window: z.object({ calls: z.number(), failures: z.number() }),
  /** Failed openings in a row; the backoff doubles with it. */
  attempt: z.number(),
  nextProbeAt: z.string().nullable(),
  restarts: z.number(),
  /** Who forced the state, when operators did. */
  forcedBy: z.string().nullable(),
});
export type IocView = z.output<typeof iocView>;

export const channelView = z.object({
  name: z.string(),
  state: z.enum(['searching', 'connected', 'disconnected', 'denied']),
  since: z.string(),
});
export type ChannelView = z.output<typeof channelView>;

/** Operator commands on an IOC's breaker; who and why go to the audit log (A1). */
export const iocCommand = z.object({
  command: z.enum(['open', 'close', 'observe']),
  reason: z.string().trim().min(1, 'say why: it goes to the audit log').max(1000),
});
export type IocCommand = z.output<typeof iocCommand>;
