/**
 * One PV on the wire: its lifecycle and nothing else. Values live in the shared columns and never pass
 * a mailbox. The rest of Drey addresses a channel as (IOC, row).
 */
import { Access, ChannelState } from '../../channel-access/columns.ts';

/** Order = index in the counts of a channel set. */
export const phases = ['searching', 'connected', 'disconnected', 'denied'] as const;
export type Phase = (typeof phases)[number];

/** Never changed: channels that went through the same event share it. */
export interface ChannelLife {
  readonly phase: Phase;
  /** ms since 1970. */
  readonly since: number;
}

/** The phase of a row as the shared columns have it: how a channel begins when it joins a set. */
export function phaseOf(state: number, access: number): Phase {
  switch (state) {
    case ChannelState.connected:
      return (access & Access.read) === 0 ? 'denied' : 'connected';
    case ChannelState.disconnected:
      return 'disconnected';
    default:
      return 'searching';
  }
}
