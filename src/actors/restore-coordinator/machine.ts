/**
 * A restore job. Until `writing` nothing has touched the machine, and an outage or a crash leads back to
 * `resolving`. From `writing` on the plan is fixed and kept (R1), the log is the truth (R2), and there is no
 * way but forward: outages are waited for, and every row ends in exactly one outcome (R4).
 */
import { setup } from 'xstate';
import type { ErrorCode } from '../../contracts/errors.ts';

export interface RestoreContext {
  /** Counts the attempts up to the first write, over all processes. */
  readonly run: number;
  readonly outageSince: number | null;
  readonly outages: number;
  /** The snapshot with the values about to be overwritten (R3); null = nothing is to be written. */
  readonly beforeId: string | null;
  readonly cancelledBy: string | null;
  readonly reason: string | null;
  /** Of what it failed by. */
  readonly code?: ErrorCode;
}

export type RestoreEvent =
  | { readonly type: 'resolved'; readonly run: number; readonly rows: number }
  | { readonly type: 'read'; readonly run: number }
  | { readonly type: 'planned'; readonly run: number; readonly writes: number }
  | { readonly type: 'kept'; readonly run: number; readonly snapshotId: string }
  /** Every row has its outcome. */
  | { readonly type: 'settled' }
  | { readonly type: 'stored' }
  | { readonly type: 'outage'; readonly run: number; readonly at: number; readonly reason: string }
  | { readonly type: 'failed'; readonly run: number; readonly reason: string; readonly code: ErrorCode }
  | { readonly type: 'cancel'; readonly by: string };

export type RestoreEffect = 'resolve' | 'read' | 'plan' | 'keep' | 'write' | 'hurry' | 'store' | 'discard' | 'announce';

export const outageLimitMs = 60_000;
/** What was written must be told: its outcomes wait longer for Postgres. */
export const storeLimitMs = 600_000;

const nothing = () => {};
const within = (limitMs: number) => ({ context, event }: { context: RestoreContext; event: RestoreEvent }): boolean =>
  event.type === 'outage' && event.run === context.run && event.at - (context.outageSince ?? event.at) < limitMs;

const base = setup({
  types: { context: {} as RestoreContext, events: {} as RestoreEvent, input: {} as { run: number } },
  // Performed by effects.ts; here they are names.
  actions: { resolve: nothing, read: nothing, plan: nothing, keep: nothing, write: nothing, hurry: nothing, store: nothing, discard: nothing, announce: nothing },
  guards: {
    current: ({ context, event }) => !('run' in event) || event.run === context.run,
    bearable: within(outageLimitMs),
    bearableForStoring: within(storeLimitMs),
    wasCancelled: ({ context }) => context.cancelledBy !== null,
  },
});

const well = base.assign({ outageSince: null, outages: 0, reason: null });
const suffer = base.assign(({ context, event }) =>
  event.type === 'outage' ? { outages: context.outages + 1, outageSince: context.outageSince ?? event.at, reason: event.reason } : {},
);
const startOver = base.assign(({ context }) => ({ run: context.run + 1 }));
const cancelled = base.assign({ cancelledBy: ({ context, event }) => context.cancelledBy ?? (event.type === 'cancel' ? event.by : null) });
const kept = base.assign({ beforeId: ({ context, event }) => (event.type === 'kept' ? event.snapshotId : context.beforeId) });
const why = base.assign(({ event }) => ({ reason: 'reason' in event ? event.reason : null, code: event.type === 'failed' ? event.code : ('unavailable' as const) }));

const giveUp = { guard: 'current', target: 'failed', actions: why } as const;
/** Before the first write. */
const untouched = {
  cancel: { target: 'cancelled', actions: cancelled },
  failed: giveUp,
  outage: [{ guard: 'bearable', target: 'resolving', reenter: true, actions: [suffer, startOver] }, giveUp],
} as const;

export const restoreMachine = base.createMachine({
  id: 'restore',
  context: ({ input }) => ({ run: input.run, outageSince: null, outages: 0, beforeId: null, cancelledBy: null, reason: null }),
  initial: 'resolving',
  states: {
    resolving: {
      entry: 'resolve',
      on: {
        ...untouched,
        resolved: [
          // R1: an empty selection writes nothing.
          { guard: ({ context, event }) => event.run === context.run && event.rows === 0, target: 'storing', actions: well },
          { guard: 'current', target: 'reading' },
        ],
      },
    },
    reading: { entry: 'read', on: { ...untouched, read: { guard: 'current', target: 'planning' } } },
    planning: {
      entry: 'plan',
      on: {
        ...untouched,
        planned: [
          { guard: ({ context, event }) => event.run === context.run && event.writes === 0, target: 'storing', actions: well },
          { guard: 'current', target: 'keeping' },
        ],
      },
    },
    keeping: {
      entry: 'keep',
      on: { ...untouched, kept: { guard: 'current', target: 'writing', actions: [well, kept] } },
    },
    writing: {
      entry: 'write',
      on: {
        settled: { target: 'storing', actions: well },
        outage: { guard: 'current', target: 'writing', reenter: true, actions: suffer },
        failed: giveUp,
        cancel: { actions: [cancelled, 'hurry'] },
      },
    },
    storing: {
      entry: 'store',
      on: {
        stored: [{ guard: 'wasCancelled', target: 'cancelled', actions: well }, { target: 'completed', actions: well }],
        outage: [{ guard: 'bearableForStoring', target: 'storing', reenter: true, actions: suffer }, giveUp],
        failed: giveUp,
      },
    },
    completed: { type: 'final', entry: 'announce' },
    cancelled: { type: 'final', entry: ['discard', 'announce'] },
    failed: { type: 'final', entry: ['discard', 'announce'] },
  },
});
