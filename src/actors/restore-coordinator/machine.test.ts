/**
 * The whole of a restore as a game: a coordinator (machine, kept plan, ledger) that may crash between any two
 * moves, a work queue that drops repeated ids and delivers again, hosts that follow the log's protocol and may
 * die between any two of their steps. Whatever the order of moves: R2 no row is written twice, R4 every row
 * ends in exactly one outcome, and it is a true one.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { initialTransition, transition, type EventFromLogic, type SnapshotFrom } from 'xstate';
import { RestoreOutcome, restoreReasonNames } from '../../contracts/restores.ts';
import { emptyValueColumns } from '../../contracts/values.ts';
import type { RestoreLogEntry, RowResult } from '../../contracts/work.ts';
import { packPlan, unpackPlan, type KeptPlan, type PackedPlan } from './kept-plan.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { outageLimitMs, restoreMachine, type RestoreContext, type RestoreEvent } from './machine.ts';

type Snapshot = SnapshotFrom<typeof restoreMachine>;
const none = emptyValueColumns(0);
const slice = 2;

function planOf(items: readonly number[]): KeptPlan {
  const item = items.flatMap((rows, number) => Array<number>(rows).fill(number));
  return {
    channel: Int32Array.from(item, (_, row) => row), verdict: new Uint8Array(item.length), why: new Uint8Array(item.length), item: Int32Array.from(item),
    absTolerance: new Float64Array(item.length), relTolerance: new Float64Array(item.length), items: items.map((_, i) => ({ ioc: `i${i}`, host: 'h', startBefore: 0 })),
  };
}

class Game {
  readonly log: RestoreLogEntry[] = [];
  readonly writes = new Map<string, number>();
  readonly queue = new Map<number, { acknowledged: boolean; steps: Generator<void> | undefined }>();
  kept: { value: string; context: RestoreContext; plan?: PackedPlan } | undefined;
  beforeImages = 0;
  stored: Uint8Array | undefined;
  saves = 0;
  cancelRequested = false;
  // What a crash takes away.
  snapshot!: Snapshot;
  due: string[] = [];
  ledger: Ledger | undefined;
  heard = 0;
  plan: KeptPlan | undefined;
  readonly sizes: readonly number[];

  constructor(sizes: readonly number[]) {
    this.sizes = sizes;
    this.boot();
  }

  boot(): void {
    this.ledger = undefined;
    this.heard = 0;
    this.plan = this.kept?.plan && unpackPlan(this.kept.plan);
    if (this.kept?.plan) {
      this.snapshot = restoreMachine.resolveState({ value: 'writing', context: this.kept.context });
      this.due = ['write'];
      this.save();
    } else {
      const [first, actions] = initialTransition(restoreMachine, { run: (this.kept?.context.run ?? 0) + 1 });
      this.enter(first, actions);
    }
    if (this.cancelRequested) this.post({ type: 'cancel', by: 'x' });
  }
  save(): void {
    const value = this.snapshot.value as string;
    this.kept = { value, context: this.snapshot.context, ...(['writing', 'storing'].includes(value) && this.plan ? { plan: packPlan(this.plan) } : {}) };
    this.saves += 1;
  }
  enter(next: Snapshot, actions: readonly { type: string }[]): void {
    const names = actions.map(({ type }) => type);
    const moved = this.snapshot === undefined || next.value !== this.snapshot.value || names.length > 0;
    this.snapshot = next;
    if (moved) this.save();
    this.due.push(...names);
  }
  post(event: RestoreEvent): void {
    if (this.snapshot.status === 'done') return;
    this.enter(...transition(restoreMachine, this.snapshot, event as EventFromLogic<typeof restoreMachine>));
  }

  /** One effect of the coordinator, as effects.ts performs it. */
  act(): void {
    const effect = this.due.shift();
    const { run } = this.snapshot.context;
    const rows = this.sizes.reduce((sum, size) => sum + size, 0);
    switch (effect) {
      case 'resolve': return this.post({ type: 'resolved', run, rows });
      case 'read': return this.post({ type: 'read', run });
      case 'plan':
        this.plan = planOf(this.sizes);
        return this.post({ type: 'planned', run, writes: this.sizes.length });
      case 'keep':
        this.beforeImages = 1;
        return this.post({ type: 'kept', run, snapshotId: 'before' });
      case 'write':
        expect(this.beforeImages, 'R3: kept before the first write').toBe(1);
        this.ledger = createLedger(this.plan!);
        this.heard = 0;
        this.hear(this.log.length);
        for (const item of this.ledger.openItems()) if (!this.queue.has(item)) this.queue.set(item, { acknowledged: false, steps: undefined });
        return this.look();
      case 'store': {
        const book = this.ledger ?? createLedger(this.plan ?? planOf([]));
        // Storing again is a no-op: the first one stands.
        this.stored ??= book.outcome.slice();
        return this.post({ type: 'stored' });
      }
      default: return undefined;
    }
  }
  hear(entries: number): void {
    for (; entries > 0 && this.heard < this.log.length; entries--) this.ledger!.apply(this.log[this.heard++]!, none);
  }
  look(): void {
    if (this.snapshot.value === 'writing' && this.ledger?.openItems().length === 0) this.post({ type: 'settled' });
  }
  listen(): void {
    if (this.snapshot.value !== 'writing' || !this.ledger) return;
    this.hear(1);
    this.look();
  }

  /** A host works through an item, one step at a time. */
  *host(item: number): Generator<void> {
    const size = this.sizes[item]!;
    const mine = (): RestoreLogEntry[] => this.log.filter((entry) => entry.item === item);
    const base = { job: 'j', item, host: 'h', at: 1 };
    const tell = (from: number, to: number, result: RowResult): void => void this.log.push({ kind: 'outcomes', ...base, from, to, results: Array.from({ length: to - from }, () => result) });
    if (mine().some((entry) => entry.kind === 'finished' || entry.kind === 'closed')) return;
    yield;
    for (let from = 0; from < size; from += slice) {
      const to = Math.min(size, from + slice);
      const about = (kind: string) => mine().some((entry) => entry.kind === kind && 'from' in entry && entry.from === from);
      if (about('outcomes')) continue;
      if (about('attempting')) {
        tell(from, to, [RestoreOutcome.unknown, restoreReasonNames.indexOf('processDied'), 0]);
        yield;
        continue;
      }
      if (this.cancelRequested) {
        tell(from, to, [RestoreOutcome.skipped, restoreReasonNames.indexOf('cancelled'), 0]);
        yield;
        continue;
      }
      this.log.push({ kind: 'attempting', ...base, from, to });
      yield;
      const entries = mine();
      const order = (kind: string) => entries.findIndex((entry) => entry.kind === kind && (kind === 'closed' || ('from' in entry && entry.from === from)));
      if (order('closed') >= 0 && order('closed') < order('attempting')) return;
      for (let row = from; row < to; row++) {
        const key = `${item}/${row}`;
        this.writes.set(key, (this.writes.get(key) ?? 0) + 1);
        yield;
      }
      tell(from, to, [RestoreOutcome.verified, 0, 0]);
      yield;
    }
    this.log.push({ kind: 'finished', ...base });
    yield;
  }
  step(item: number): void {
    const entry = this.queue.get(item);
    if (!entry || entry.acknowledged) return;
    entry.steps ??= this.host(item);
    if (entry.steps.next().done) entry.acknowledged = true;
  }
  hostDies(): void {
    for (const entry of this.queue.values()) entry.steps = undefined;
  }
}

type Move = { move: 'act' | 'listen' | 'crash' | 'hostDies' | 'cancel' | 'outage' } | { move: 'step'; item: number; times: number } | { move: 'close'; item: number };
const moves = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ move: fc.constantFrom('act' as const, 'listen' as const) }) },
    { weight: 10, arbitrary: fc.record({ move: fc.constant('step' as const), item: fc.nat(2), times: fc.integer({ min: 1, max: 5 }) }) },
    { weight: 2, arbitrary: fc.record({ move: fc.constantFrom('crash' as const, 'hostDies' as const, 'outage' as const) }) },
    { weight: 1, arbitrary: fc.record({ move: fc.constant('cancel' as const) }) },
    { weight: 2, arbitrary: fc.record({ move: fc.constant('close' as const), item: fc.nat(2) }) },
  ),
  { maxLength: 120 },
) as fc.Arbitrary<Move[]>;

function play(game: Game, drawn: readonly Move[]): void {
  for (const one of drawn) {
    switch (one.move) {
      case 'act': game.act(); break;
      case 'listen': game.listen(); break;
      case 'step': for (let i = 0; i < one.times; i++) game.step(one.item); break;
      case 'crash': if (game.snapshot.status !== 'done') { game.due = []; game.boot(); } break;
      case 'hostDies': game.hostDies(); break;
      case 'cancel': game.cancelRequested = true; game.post({ type: 'cancel', by: 'x' }); break;
      case 'outage': game.due = game.due.filter((effect) => effect === 'hurry'); game.post({ type: 'outage', run: game.snapshot.context.run, at: 1_000, reason: 'away' }); break;
      // The host is given up: the entry is the coordinator's own, and may come at any moment of the log.
      case 'close': if (game.queue.has(one.item)) game.log.push({ kind: 'closed', job: 'j', item: one.item, why: 'hostLost', at: 1 }); break;
    }
  }
  // Then all goes well.
  for (let i = 0; i < 2_000 && game.snapshot.status !== 'done'; i++) {
    game.act();
    game.sizes.forEach((_, item) => game.step(item));
    game.listen();
  }
}

test('R2, R4, J1: whatever crashes and whoever dies, no row is written twice and every row has one true outcome', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }), fc.constantFrom(0, 5), moves, (sizes, begun, drawn) => {
      const game = new Game(sizes);
      // Half of the games begin with the items published.
      for (let i = 0; i < begun; i++) game.act();
      play(game, drawn);
      expect(game.snapshot.status).toBe('done');
      const value = game.snapshot.value as string;
      for (const [row, times] of game.writes) expect(times, `row ${row}`).toBe(1);
      if (value === 'cancelled' && game.stored === undefined) {
        expect(game.writes.size).toBe(0);
        return;
      }
      expect(['completed', 'cancelled']).toContain(value);
      const plan = planOf(sizes);
      const seen = new Map<number, number>();
      for (let row = 0; row < plan.channel.length; row++) {
        const item = plan.item[row]!;
        const key = `${item}/${seen.get(item) ?? 0}`;
        seen.set(item, (seen.get(item) ?? 0) + 1);
        const outcome = game.stored![row]!;
        expect(outcome).not.toBe(RestoreOutcome.pending);
        if (outcome === RestoreOutcome.verified) expect(game.writes.get(key)).toBe(1);
        if (outcome === RestoreOutcome.skipped || outcome === RestoreOutcome.failed) expect(game.writes.has(key), `row ${key} told as not written`).toBe(false);
      }
    }),
    { numRuns: 500 },
  );
});

test('without faults the effects come in their order, once each', () => {
  const game = new Game([3]);
  const seen: string[] = [];
  const act = game.act.bind(game);
  game.act = () => {
    if (game.due[0]) seen.push(game.due[0]);
    act();
  };
  play(game, []);
  game.act();
  expect(seen).toEqual(['resolve', 'read', 'plan', 'keep', 'write', 'store', 'announce']);
  expect(game.snapshot.value).toBe('completed');
});

test('R1: an empty selection goes from resolving to storing', () => {
  const game = new Game([]);
  play(game, []);
  expect([game.snapshot.value, game.beforeImages, game.queue.size]).toEqual(['completed', 0, 0]);
});

test('outages before the first write lead back to resolving with another run, and end the job when they last', () => {
  let [snapshot] = initialTransition(restoreMachine, { run: 1 });
  const post = (event: RestoreEvent): void => void ([snapshot] = transition(restoreMachine, snapshot, event));
  post({ type: 'resolved', run: 1, rows: 5 });
  post({ type: 'outage', run: 1, at: 1_000, reason: 'Postgres is away' });
  expect(snapshot).toMatchObject({ value: 'resolving', context: { run: 2, outages: 1 } });
  post({ type: 'resolved', run: 1, rows: 5 });
  expect(snapshot.value).toBe('resolving');
  post({ type: 'outage', run: 2, at: 1_000 + outageLimitMs, reason: 'Postgres is away' });
  expect(snapshot).toMatchObject({ value: 'failed', context: { reason: 'Postgres is away' } });
});

test('an outage while values are written never ends the job', () => {
  let snapshot = restoreMachine.resolveState({ value: 'writing', context: { run: 1, outageSince: null, outages: 0, beforeId: 'b', cancelledBy: null, reason: null } });
  for (const at of [0, 1e6, 1e9]) [snapshot] = transition(restoreMachine, snapshot, { type: 'outage', run: 1, at, reason: 'NATS is away' });
  expect(snapshot).toMatchObject({ value: 'writing', context: { outages: 3 } });
});
