/**
 * One PV on the wire, as an actor: its lifecycle and nothing else. Values live in the shared columns
 * and never pass a mailbox, and there is no `after` here: timers per channel make stopping quadratic
 * over the whole system. Nobody outside its channel set holds a reference to it; the rest of Drey
 * addresses a channel as (IOC, row).
 */
import { Access, ChannelState } from '../../channel-access/columns.ts';
import { fromTransition, type ActorRefFrom } from 'xstate';

/** Order = index in the counts of a channel set. */
export const phases = ['searching', 'connected', 'disconnected', 'denied'] as const;
export type Phase = (typeof phases)[number];

export interface ChannelLife {
  readonly phase: Phase;
  /** ms since 1970. */
  readonly since: number;
}

/** `at` in ms since 1970. One event object serves a whole batch of channels. */
export type ChannelEvent =
  /** A search was answered, or begins anew. */
  | { readonly type: 'ca.searching'; readonly at: number }
  | { readonly type: 'ca.connected'; readonly at: number }
  | { readonly type: 'ca.disconnected'; readonly at: number }
  /** Connected, and the IOC grants no read access. */
  | { readonly type: 'ca.denied'; readonly at: number };

const phaseOfEvent: Record<ChannelEvent['type'], Phase> = {
  'ca.searching': 'searching',
  'ca.connected': 'connected',
  'ca.disconnected': 'disconnected',
  'ca.denied': 'denied',
};

export const channelLogic = fromTransition(
  (life: ChannelLife, event: ChannelEvent): ChannelLife => {
    const phase = phaseOfEvent[event.type];
    // An unknown event (XState's own included) changes nothing.
    return phase === undefined || phase === life.phase ? life : { phase, since: event.at };
  },
  ({ input }: { input: ChannelLife }) => input,
);
export type ChannelRef = ActorRefFrom<typeof channelLogic>;

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
