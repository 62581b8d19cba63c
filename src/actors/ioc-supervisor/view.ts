/** An IOC actor as operators and services see it. Pure: snapshot in, view out. */
import type { SnapshotFrom } from 'xstate';
import type { BreakerState, IocView } from '../../contracts/iocs.ts';
import { countsOf, type ChannelSetRef, type ChannelSetTable } from '../pv-channel/index.ts';
import type { IocMachine } from './machine.ts';

export type IocSnapshot = SnapshotFrom<IocMachine>;

/** The breaker state: the name of the top-level state. The two transient ones show as what they lead to. */
export function breakerOf(snapshot: IocSnapshot): BreakerState {
  const value = snapshot.value;
  const top = typeof value === 'string' ? value : Object.keys(value)[0]!;
  return top === 'faulted' ? 'open' : top === 'starting' ? 'closed' : (top as BreakerState);
}

export function channelTableOf(snapshot: IocSnapshot): ChannelSetTable | undefined {
  return (snapshot.children.channels as ChannelSetRef | undefined)?.getSnapshot().context;
}

/** Channels that stay connected while their IOC hangs, or while its breaker keeps everybody off it, are of no use to anybody. */
function channelsOf(table: ChannelSetTable | undefined, usable: boolean): IocView['channels'] {
  const counts = table ? countsOf(table) : { total: 0, searching: 0, connected: 0, disconnected: 0, denied: 0 };
  return usable ? { ...counts, unresponsive: 0 } : { ...counts, connected: 0, denied: 0, unresponsive: counts.connected + counts.denied };
}

export function viewOf(snapshot: IocSnapshot, host: string, restarts: number): IocView {
  const { context } = snapshot;
  const state = breakerOf(snapshot);
  return {
    name: context.ioc,
    host,
    state,
    reason: context.reason,
    since: new Date(context.since).toISOString(),
    circuit: context.circuit,
    channels: channelsOf(channelTableOf(snapshot), context.circuit !== 'unresponsive' && (state === 'closed' || state === 'observing')),
    window: { calls: context.window.calls, failures: context.window.failures },
    attempt: context.attempt,
    nextProbeAt: context.nextProbeAt === null ? null : new Date(context.nextProbeAt).toISOString(),
    restarts,
    forcedBy: context.order?.who ?? null,
  };
}
