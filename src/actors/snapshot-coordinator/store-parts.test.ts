import { expect, test } from 'vitest';
import { DreyError } from '../../contracts/errors.ts';
import type { SnapshotSummary } from '../../contracts/snapshots.ts';
import { emptyValueColumns } from '../../contracts/values.ts';
import type { Clock } from '../../kernel/clock.ts';
import { silentLog } from '../../kernel/log.ts';
import type { NewSnapshot, SnapshotStore } from '../../persistence/port.ts';
import { tallyQuality } from '../../snapshots/quality.ts';
import { storeParts } from './store-parts.ts';

/** Every pause is over at once, and takes its time. */
function hastyClock(): Clock {
  let now = 0;
  return { now: () => now, setTimeout: (run, ms) => queueMicrotask(() => { now += ms; run(); }), clearTimeout: () => {} };
}
const away = () => new DreyError('unavailable', 'Postgres is away');
const summary = { id: 's' } as SnapshotSummary;
const quality = () => tallyQuality().finish(1);
const part = (rows: number) => emptyValueColumns(rows);

type Step = 'begin' | 'write' | 'commit' | 'byJob';
/** `fault` says what goes wrong at a call; 'after' = it happens and its answer is lost. */
function fakeStore(fault: (step: Step, call: number) => Error | 'after' | undefined) {
  const calls: string[] = [];
  const seen = { calls, committed: [] as number[][], aborted: 0 };
  let stored = false;
  const call = (step: Step, happen: () => void = () => {}): void => {
    calls.push(step);
    const what = fault(step, calls.length);
    if (what === undefined || what === 'after') happen();
    if (what === 'after') throw away();
    if (what) throw what;
  };
  const store = {
    byJob: async () => {
      call('byJob');
      return stored ? summary : undefined;
    },
    begin: async () => {
      call('begin');
      const rows: number[] = [];
      return {
        write: async (columns: { length: number }) => call('write', () => rows.push(columns.length)),
        commit: async () => {
          call('commit', () => {
            stored = true;
            seen.committed.push(rows);
          });
          return summary;
        },
        abort: async () => void (seen.aborted += 1),
      };
    },
  } as unknown as SnapshotStore;
  return { store, seen };
}
const start = (store: SnapshotStore, limitMs = 60_000) => storeParts({ store, snapshot: { jobId: 'j', kind: 'snapshot' } as NewSnapshot, clock: hastyClock(), log: silentLog, limitMs });

test('parts are written as they come, in one transaction', async () => {
  const { store, seen } = fakeStore(() => undefined);
  const parts = start(store);
  parts.add(part(1));
  await new Promise(setImmediate);
  expect(seen.calls).toEqual(['begin', 'write']);
  parts.add(part(2));
  expect(await parts.commit(quality)).toBe(summary);
  expect(seen.calls).toEqual(['begin', 'write', 'write', 'commit']);
});

for (const step of ['begin', 'write', 'commit'] as const) {
  test(`S1: Postgres away at ${step} and back: everything is written again, whole, once`, async () => {
    let failed = 0;
    const { store, seen } = fakeStore((at) => (at === step && failed++ < 2 ? away() : undefined));
    const parts = start(store);
    parts.add(part(1));
    parts.add(part(2));
    expect(await parts.commit(quality)).toBe(summary);
    expect(seen.committed).toEqual([[1, 2]]);
  });
}

test('J1: a commit whose answer was lost is found again and not repeated', async () => {
  let failed = 0;
  const { store, seen } = fakeStore((at) => (at === 'commit' && failed++ === 0 ? 'after' : undefined));
  const parts = start(store);
  parts.add(part(1));
  expect(await parts.commit(quality)).toBe(summary);
  expect(seen.committed).toEqual([[1]]);
});

test('Postgres that stays away ends it with the reason', async () => {
  const { store, seen } = fakeStore((_, call) => (call > 1_000 ? new Error('it is tried for ever') : away()));
  const parts = start(store, 5_000);
  parts.add(part(1));
  await expect(parts.commit(quality)).rejects.toMatchObject({ code: 'unavailable', message: 'Postgres was away for more than 5 s: Postgres is away' });
  expect(seen.committed).toEqual([]);
});

test('what is no outage is not tried again', async () => {
  const { store, seen } = fakeStore((at) => (at === 'write' ? new DreyError('internal', 'disk full') : undefined));
  const parts = start(store);
  parts.add(part(1));
  await expect(parts.commit(quality)).rejects.toThrow('disk full');
  expect(seen.calls).toEqual(['begin', 'write']);
  expect(seen.aborted).toBe(1);
});

test('S1: given up, it leaves nothing, while parts are written and while it waits for Postgres', async () => {
  const { store, seen } = fakeStore(() => undefined);
  const parts = start(store);
  parts.add(part(1));
  await new Promise(setImmediate);
  parts.abort();
  await new Promise(setImmediate);
  expect([seen.committed, seen.aborted]).toEqual([[], 1]);
  const gone = fakeStore(() => away());
  const waiting = storeParts({ store: gone.store, snapshot: { jobId: 'j', kind: 'snapshot' } as NewSnapshot, clock: { ...hastyClock(), setTimeout: () => undefined }, log: silentLog, limitMs: 60_000 });
  await new Promise(setImmediate);
  waiting.abort();
  await expect(waiting.commit(quality)).rejects.toMatchObject({ code: 'unavailable' });
  expect(gone.seen.committed).toEqual([]);
});
