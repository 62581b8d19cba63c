/** Whether a job is to be taken up now. Pure; the compare-and-set that follows decides between coordinators. */
import type { JobRecord } from '../../contracts/jobs.ts';

export interface Me {
  /** Stays the same over restarts. */
  readonly id: string;
  /** This process's name in leases: `id#` and something of its own. */
  readonly owner: string;
}

export type Claim =
  | { readonly kind: 'claim' }
  /** Finished, or in good hands until further notice. */
  | { readonly kind: 'leave' }
  /** Another's lease: look again when it has run out. */
  | { readonly kind: 'lookAt'; readonly at: number }
  /** One restore at a time: this one waits for that. */
  | { readonly kind: 'behind'; readonly job: JobRecord };

/** Clocks of two machines may differ by so much before a living coordinator loses a job. */
const skewMs = 2_000;

export const isOpen = (record: JobRecord): boolean => record.job.status === 'pending' || record.job.status === 'running';

export function claimOf(record: JobRecord, all: Iterable<JobRecord>, me: Me, now: number): Claim {
  if (!isOpen(record)) return { kind: 'leave' };
  const { lease } = record;
  if (lease !== null) {
    if (lease.owner === me.owner) return { kind: 'leave' };
    // The same coordinator before its restart: nobody else is coming for it.
    const mineBefore = lease.owner.startsWith(`${me.id}#`);
    if (!mineBefore && now < lease.until + skewMs) return { kind: 'lookAt', at: lease.until + skewMs };
  }
  const before = record.work.type === 'snapshot_restore' && record.job.status === 'pending' ? firstInLine(record, all) : record;
  return before === record ? { kind: 'claim' } : { kind: 'behind', job: before };
}

/** A restore that runs, else the one that was asked for first. */
function firstInLine(record: JobRecord, all: Iterable<JobRecord>): JobRecord {
  let first = record;
  for (const other of all) {
    if (other.work.type !== 'snapshot_restore' || !isOpen(other) || other.job.id === record.job.id) continue;
    if (rank(other) < rank(first)) first = other;
  }
  return first;
}

const rank = ({ job }: JobRecord): string => `${job.status === 'running' ? 0 : 1} ${job.createdAt} ${job.id}`;

/** Two coordinators may have claimed two restores at the same moment; the one whose claim came later in the bucket gives way. */
export function mustGiveWay(record: JobRecord, all: Iterable<JobRecord>): boolean {
  if (record.work.type !== 'snapshot_restore') return false;
  for (const other of all) {
    if (other.work.type === 'snapshot_restore' && other.job.status === 'running' && other.job.id !== record.job.id) return true;
  }
  return false;
}

const keepMs = 30 * 24 * 3_600_000;
const keepCount = 5_000;

/** Ids of finished jobs that are kept no longer: older than 30 days, or beyond the 5,000 newest. */
export function outlived(all: Iterable<JobRecord>, now: number): string[] {
  const ended = [...all].filter((record) => !isOpen(record)).map(({ job }) => ({ id: job.id, at: Date.parse(job.completedAt ?? job.createdAt) }));
  ended.sort((a, b) => b.at - a.at);
  return ended.filter(({ at }, i) => i >= keepCount || now - at > keepMs).map(({ id }) => id);
}
