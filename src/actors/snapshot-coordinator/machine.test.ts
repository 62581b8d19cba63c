import fc from 'fast-check';
import { expect, test } from 'vitest';
import { initialTransition, transition, type SnapshotFrom } from 'xstate';
import { outageLimitMs, snapshotMachine, type SnapshotContext, type SnapshotEvent } from './machine.ts';

type Snapshot = SnapshotFrom<typeof snapshotMachine>;

/** A coordinator that may crash between any two moves, over a database that stores a job's snapshot once. */
class Game {
  kept: SnapshotContext | undefined;
  stored: string | undefined;
  commits = 0;
  readonly runs: number[] = [];
  snapshot!: Snapshot;
  due: string[] = [];

  constructor() {
    this.boot();
  }
  boot(): void {
    this.due = [];
    this.enter(...initialTransition(snapshotMachine, { run: (this.kept?.run ?? 0) + 1 }));
  }
  enter(next: Snapshot, actions: readonly { type: string }[]): void {
    this.snapshot = next;
    this.kept = next.context;
    this.due.push(...actions.map(({ type }) => type));
  }
  post(event: SnapshotEvent): void {
    if (this.snapshot.status !== 'done') this.enter(...transition(snapshotMachine, this.snapshot, event));
  }
  /** `lost`: the effect happens and its answer does not come. */
  act(lost: boolean): void {
    const effect = this.due.shift();
    const { run } = this.snapshot.context;
    const post = (event: SnapshotEvent): void => (lost ? this.post({ type: 'outage', run, at: 1_000, reason: 'away' }) : this.post(event));
    if (effect === 'resolve') {
      this.runs.push(run);
      if (this.stored) post({ type: 'foundStored', snapshotId: this.stored });
      else post({ type: 'resolved', run });
    } else if (effect === 'gather') post({ type: 'gathered', run });
    else if (effect === 'commit') {
      this.commits += 1;
      expect(this.stored, 'a job stores its snapshot once').toBeUndefined();
      this.stored = 's';
      post({ type: 'stored', run, snapshotId: 's' });
    }
  }
}

const moves = fc.array(fc.constantFrom('act', 'act', 'act', 'lost', 'crash', 'crash before answer', 'late'), { maxLength: 40 });

test('J1, S1: whatever crashes, the job completes with one snapshot, found again if it had been stored', () => {
  fc.assert(
    fc.property(moves, (drawn) => {
      const game = new Game();
      for (const move of drawn) {
        if (move === 'act' || move === 'lost') game.act(move === 'lost');
        else if (move === 'late') {
          // Answers of an earlier run change nothing.
          const before = game.snapshot.value;
          const run = game.snapshot.context.run - 1;
          for (const type of ['resolved', 'gathered'] as const) game.post({ type, run });
          game.post({ type: 'stored', run, snapshotId: 'other' });
          game.post({ type: 'failed', run, reason: 'old', code: 'internal' });
          expect(game.snapshot.value).toBe(before);
        } else if (game.snapshot.status !== 'done') {
          if (move === 'crash before answer') {
            const kept = game.kept;
            const { post } = game;
            game.post = () => {};
            game.act(false);
            game.post = post;
            game.kept = kept;
          }
          game.boot();
        }
      }
      for (let i = 0; i < 10; i++) game.act(false);
      expect(game.snapshot).toMatchObject({ value: 'completed', context: { snapshotId: 's' } });
      expect(game.commits).toBe(1);
      expect(game.runs).toEqual([...new Set(game.runs)].sort((a, b) => a - b));
    }),
    { numRuns: 500 },
  );
});

test('cancel ends the job in any state but the commit, whose answer decides', () => {
  const through = (...events: SnapshotEvent[]): Snapshot => {
    let [snapshot] = initialTransition(snapshotMachine, { run: 1 });
    for (const event of events) [snapshot] = transition(snapshotMachine, snapshot, event);
    return snapshot;
  };
  const cancel: SnapshotEvent = { type: 'cancel', by: 'bob' };
  const resolved: SnapshotEvent = { type: 'resolved', run: 1 };
  const gathered: SnapshotEvent = { type: 'gathered', run: 1 };
  expect(through(cancel)).toMatchObject({ value: 'cancelled', context: { reason: 'cancelled by bob' } });
  expect(through(resolved, cancel).value).toBe('cancelled');
  expect(through(resolved, gathered, cancel).value).toBe('storing');
  expect(through(resolved, gathered, cancel, { type: 'stored', run: 1, snapshotId: 's' }).value).toBe('completed');
});

test('outages are borne for a minute in a row, then the job fails with their reason', () => {
  let [snapshot] = initialTransition(snapshotMachine, { run: 1 });
  const outage = (at: number): void => void ([snapshot] = transition(snapshotMachine, snapshot, { type: 'outage', run: snapshot.context.run, at, reason: 'NATS is away' }));
  outage(0);
  outage(outageLimitMs - 1);
  expect(snapshot).toMatchObject({ value: 'resolving', context: { run: 3, outages: 2 } });
  outage(outageLimitMs);
  expect(snapshot).toMatchObject({ value: 'failed', context: { reason: 'NATS is away' } });
});
