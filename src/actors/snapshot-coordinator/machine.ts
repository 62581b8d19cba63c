/**
 * A snapshot job. Reads are repeatable, so every outage or crash before the rows are stored leads back to
 * `resolving` with another run number (J1), which tells late answers of the older run.
 */
import { assign, setup } from 'xstate';
import type { ErrorCode } from '../../contracts/errors.ts';

export interface SnapshotContext {
  /** Counts the attempts at this job, over all processes. */
  readonly run: number;
  /** ms since 1970 of the first of the outages in a row; null when the last step went well. */
  readonly outageSince: number | null;
  readonly outages: number;
  readonly snapshotId: string | null;
  readonly reason: string | null;
  /** Of what it failed by. */
  readonly code?: ErrorCode;
}

export type SnapshotEvent =
  | { readonly type: 'resolved'; readonly run: number }
  /** A crash between storing and checkpoint shows so. */
  | { readonly type: 'foundStored'; readonly snapshotId: string }
  | { readonly type: 'gathered'; readonly run: number }
  | { readonly type: 'stored'; readonly run: number; readonly snapshotId: string }
  /** Postgres or NATS is away. */
  | { readonly type: 'outage'; readonly run: number; readonly at: number; readonly reason: string }
  | { readonly type: 'failed'; readonly run: number; readonly reason: string; readonly code: ErrorCode }
  | { readonly type: 'cancel'; readonly by: string };

export type SnapshotEffect = 'resolve' | 'gather' | 'commit' | 'discard' | 'announce';

/** How long a job waits for Postgres and NATS to come back, in all. */
export const outageLimitMs = 60_000;

export const snapshotMachine = setup({
  types: {
    context: {} as SnapshotContext,
    events: {} as SnapshotEvent,
    input: {} as { run: number },
  },
  // Performed by effects.ts; here they are names.
  actions: { resolve: () => {}, gather: () => {}, commit: () => {}, discard: () => {}, announce: () => {} },
  guards: {
    current: ({ context, event }) => !('run' in event) || event.run === context.run,
    bearable: ({ context, event }) => event.type === 'outage' && event.run === context.run && event.at - (context.outageSince ?? event.at) < outageLimitMs,
  },
}).createMachine({
  id: 'snapshot',
  context: ({ input }) => ({ run: input.run, outageSince: null, outages: 0, snapshotId: null, reason: null }),
  initial: 'resolving',
  on: {
    cancel: { target: '.cancelled', actions: assign({ reason: ({ event }) => `cancelled by ${event.by}` }) },
    failed: { guard: 'current', target: '.failed', actions: assign({ reason: ({ event }) => event.reason, code: ({ event }) => event.code }) },
    outage: [
      {
        guard: 'bearable',
        target: '.resolving',
        reenter: true,
        actions: assign(({ context, event }) => ({ run: context.run + 1, outages: context.outages + 1, outageSince: context.outageSince ?? event.at, reason: event.reason })),
      },
      { guard: 'current', target: '.failed', actions: assign({ reason: ({ event }) => event.reason, code: () => 'unavailable' }) },
    ],
  },
  states: {
    resolving: {
      entry: 'resolve',
      on: {
        resolved: { guard: 'current', target: 'gathering' },
        foundStored: { target: 'completed', actions: assign({ snapshotId: ({ event }) => event.snapshotId }) },
      },
    },
    gathering: {
      entry: 'gather',
      on: { gathered: { guard: 'current', target: 'storing', actions: assign({ outageSince: null, outages: 0, reason: null }) } },
    },
    storing: {
      entry: 'commit',
      on: {
        stored: { guard: 'current', target: 'completed', actions: assign({ snapshotId: ({ event }) => event.snapshotId }) },
        // The commit is on its way and cannot be called back: the job ends by its answer, within the limit for outages.
        cancel: {},
      },
    },
    completed: { type: 'final', entry: 'announce' },
    failed: { type: 'final', entry: 'discard' },
    cancelled: { type: 'final', entry: 'discard' },
  },
});
