/** IOCs as operators and services see them. */
import { z } from 'zod';

/** Breaker states: the top-level states of the IOC actor. */
export const breakerState = z.enum(['closed', 'open', 'halfOpen', 'forcedOpen', 'observing']);
export type BreakerState = z.output<typeof breakerState>;

export const iocView = z.object({
  name: z.string().describe('host:port of the CA server'),
  host: z.string().describe('the ioc-host process that owns its actor'),
  state: breakerState,
  reason: z.string().describe('why it is in this state, for people'),
  since: z.string().describe('ISO 8601'),
  circuit: z.enum(['up', 'down', 'unresponsive']).describe('the TCP connection to its CA server'),
  channels: z.object({
    total: z.number(),
    connected: z.number().describe('and the IOC answers'),
    unresponsive: z.number().optional().describe('connected on the wire, and the IOC does not answer or its breaker is not closed; absent from hosts of an earlier version'),
    disconnected: z.number(), searching: z.number(), denied: z.number(),
  }).describe('its channels, by state'),
  window: z.object({ calls: z.number(), failures: z.number() }).describe('operations in the rolling window'),
  attempt: z.number().describe('failed openings in a row; the backoff doubles with it'),
  nextProbeAt: z.string().nullable().describe('when an open breaker tries again, ISO 8601'),
  restarts: z.number().describe('of its actor'),
  forcedBy: z.string().nullable().describe('who forced the state, when operators did'),
});
export type IocView = z.output<typeof iocView>;

export const channelView = z.object({
  name: z.string(),
  state: z.enum(['searching', 'connected', 'disconnected', 'denied']),
  since: z.string().describe('ISO 8601'),
});
export type ChannelView = z.output<typeof channelView>;

/** Operator commands on an IOC's breaker; who and why go to the audit log (A1). */
export const iocCommand = z.object({
  command: z.enum(['open', 'close', 'observe']),
  reason: z.string().trim().min(1, 'say why: it goes to the audit log').max(1000),
});
export type IocCommand = z.output<typeof iocCommand>;
