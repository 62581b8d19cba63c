import { expect, test } from 'vitest';
import type { JobRecord, JobStatus } from '../../contracts/jobs.ts';
import { claimOf, mustGiveWay, outlived } from './claims.ts';

const now = 1_000_000;
const me = { id: 'c1', owner: 'c1#now' };

function record(id: string, over: { type?: 'snapshot' | 'restore'; status?: JobStatus; createdAt?: string; completedAt?: string | null; lease?: JobRecord['lease'] } = {}): JobRecord {
  const { type = 'snapshot', status = 'pending', createdAt = '2026-01-01T00:00:00.000Z', completedAt = null, lease = null } = over;
  return {
    job: {
      id, type: type === 'snapshot' ? 'snapshot_create' : 'snapshot_restore', status, progress: 0, message: '', resultId: null, error: null,
      requestedBy: 'a', createdAt, startedAt: null, completedAt, jobData: {},
    },
    work: type === 'snapshot'
      ? { type: 'snapshot_create', request: { title: 't', description: '', mode: 'live', scope: { kind: 'all' }, deadlineMs: 1 } }
      : { type: 'snapshot_restore', snapshotId: 's', request: { reason: '', deadlineMs: 1_000 } },
    cancelRequested: null, lease, checkpoint: null,
  };
}
const claim = (one: JobRecord, all: JobRecord[] = [one]) => claimOf(one, all, me, now);

test('pending jobs and running ones without a lease are claimed, ended ones never', () => {
  expect(claim(record('a')).kind).toBe('claim');
  expect(claim(record('a', { status: 'running' })).kind).toBe('claim');
  for (const status of ['completed', 'failed', 'cancelled'] as const) expect(claim(record('a', { status })).kind).toBe('leave');
});

test("another's lease is respected until it has run out, clock difference included", () => {
  const lease = (until: number) => record('a', { status: 'running', lease: { owner: 'c2#x', until } });
  expect(claim(lease(now + 5_000))).toEqual({ kind: 'lookAt', at: now + 7_000 });
  expect(claim(lease(now - 1_999))).toEqual({ kind: 'lookAt', at: now + 1 });
  expect(claim(lease(now - 2_000)).kind).toBe('claim');
});

test('J1: a lease of this coordinator from before its restart is taken up at once, its own of now left alone', () => {
  expect(claim(record('a', { status: 'running', lease: { owner: 'c1#before', until: now + 9_000 } })).kind).toBe('claim');
  expect(claim(record('a', { status: 'running', lease: { owner: 'c1#now', until: now + 9_000 } })).kind).toBe('leave');
  expect(claim(record('a', { status: 'running', lease: { owner: 'c10#x', until: now + 9_000 } })).kind).toBe('lookAt');
});

test('restores run one at a time, in the order they were asked for; snapshots wait for nothing', () => {
  const first = record('r1', { type: 'restore', createdAt: '2026-01-01T00:00:00.000Z' });
  const second = record('r2', { type: 'restore', createdAt: '2026-01-01T00:00:01.000Z' });
  const running = record('r3', { type: 'restore', status: 'running', createdAt: '2026-01-01T00:00:09.000Z', lease: { owner: 'c2#x', until: now + 9_000 } });
  expect(claim(first, [first, second]).kind).toBe('claim');
  expect(claim(second, [first, second])).toMatchObject({ kind: 'behind', job: first });
  expect(claim(first, [first, running])).toMatchObject({ kind: 'behind', job: running });
  const ended = { ...running, job: { ...running.job, status: 'completed' as const } };
  expect(claim(first, [first, ended]).kind).toBe('claim');
  const snapshot = record('s1');
  expect(claim(snapshot, [snapshot, running]).kind).toBe('claim');
});

test('of two restores claimed at the same moment the later claim gives way', () => {
  const mine = record('r1', { type: 'restore', status: 'running' });
  const other = record('r2', { type: 'restore', status: 'running' });
  expect(mustGiveWay(mine, [mine, other])).toBe(true);
  expect(mustGiveWay(mine, [mine, record('r2', { type: 'restore' })])).toBe(false);
  expect(mustGiveWay(record('s1', { status: 'running' }), [other])).toBe(false);
});

test('ended jobs are kept for 30 days and no more than 5,000 of them, open ones always', () => {
  const day = 86_400_000;
  const at = (days: number): string => new Date(now + 1e12 - days * day).toISOString();
  const old = record('old', { status: 'failed', completedAt: at(31) });
  const young = record('young', { status: 'completed', completedAt: at(29) });
  const open = record('open', { createdAt: at(100) });
  expect(outlived([old, young, open], now + 1e12)).toEqual(['old']);
  const many = Array.from({ length: 5_003 }, (_, i) => record(`j${i}`, { status: 'completed', completedAt: new Date(now + 1e12 - i * 1_000).toISOString() }));
  expect(outlived(many, now + 1e12)).toEqual(['j5000', 'j5001', 'j5002']);
});
