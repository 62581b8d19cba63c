/**
 * What coordinators and ioc-hosts say to each other. All of these travel as frames (contracts/frame.ts):
 * the type below is the head, and `columns` of the frame hold what the comment says.
 */
import type { BreakerState } from './iocs.ts';
import type { SnapshotMode } from './snapshots.ts';
import type { RestoreOutcome } from './restores.ts';

/** JetStream work item `drey.v1.work.<host>.read`. Columns: `channel` = channel ids to read, nothing else. */
export interface ReadItem {
  readonly kind: 'read';
  readonly job: string;
  /** Unique within the job; a re-scattered item keeps its number. */
  readonly item: number;
  /** Counts the coordinator's attempts at this job, so that answers to an older one are known. */
  readonly run: number;
  /** The IOC that the directory names; null = unresolved. The host goes by where each channel is now. */
  readonly ioc: string | null;
  readonly mode: SnapshotMode;
  readonly deadlineMs: number;
  /** ms since 1970 after which nobody waits for the answer: drop the item. */
  readonly expiresAt: number;
  /** Core NATS subject for the answer's parts. */
  readonly replyTo: string;
}

/** Answer to a read item, in parts under 1 MB. Columns: the values; `channel` = channel ids. */
export interface ReadAnswer {
  readonly job: string;
  readonly item: number;
  readonly run: number;
  readonly part: number;
  /** Parts in all, known from the first one on. */
  readonly parts: number;
  /** The IOC that serves the rows of this part now; the item may have named another, or none. Null = not found. */
  readonly ioc: string | null;
  readonly host: string;
  /** ms since 1970: first request out, last answer in. */
  readonly startedAt: number;
  readonly finishedAt: number;
  /** State of the IOC's breaker after the read. */
  readonly breaker: BreakerState | null;
  /** Why the IOC as a whole did not answer, for the quality summary; null when it did. */
  readonly iocProblem: string | null;
}

/** JetStream work item `drey.v1.work.<host>.write`. Columns: targets, `channel` = channel ids; `num` of an enum = index on the IOC now. */
export interface WriteItem {
  readonly kind: 'write';
  readonly job: string;
  readonly item: number;
  readonly ioc: string;
  readonly deadlineMs: number;
  /** Deadline of the read-back, ms. */
  readonly readDeadlineMs: number;
  readonly window: number;
  /** ms since 1970 after which it must not be started: every row ends as failed, `expired`. */
  readonly startBefore: number;
  /** Tolerances for the read-back, per row; one number: for all. */
  readonly absTolerance: readonly number[];
  readonly relTolerance: readonly number[];
  readonly who: string;
  readonly reason: string;
}

/**
 * The restore log, JetStream `drey.v1.log.restore.<job>.<item>`: the truth of what was done (R2, R4).
 * A host logs `attempting` and has it confirmed before a row of the slice is written, logs `outcomes`
 * after, logs `finished` when every row of the item has an outcome, and only then acknowledges the item.
 * A redelivered item is read from its log: rows attempted without an outcome end as `unknown`, rows not
 * attempted are written, unless a cancel came.
 */
export type RestoreLogEntry =
  | { readonly kind: 'attempting'; readonly job: string; readonly item: number; readonly host: string; readonly from: number; readonly to: number; readonly at: number }
  /** Columns: the read-back of rows from..to; `results`: in their order, see {@link RowResult}. */
  | { readonly kind: 'outcomes'; readonly job: string; readonly item: number; readonly host: string; readonly from: number; readonly to: number; readonly at: number; readonly results: readonly RowResult[] }
  | { readonly kind: 'finished'; readonly job: string; readonly item: number; readonly host: string; readonly at: number }
  /**
   * Logged by the coordinator: from here on no row of the item may be attempted; rows not attempted before it have
   * ended without the host. The order of the log decides: once its `attempting` is confirmed, and before it writes,
   * a host reads the item's log, and writes nothing if a `closed` stands before that `attempting`. It then
   * acknowledges the item. This is also how a cancel reaches it.
   */
  | { readonly kind: 'closed'; readonly job: string; readonly item: number; readonly why: 'cancelled' | 'hostLost' | 'expired'; readonly at: number };

/** [outcome, index of the reason in restoreReasonNames, protocol error code or 0, how many rows in a row end so: absent = 1] */
export type RowResult = readonly [outcome: RestoreOutcome, reason: number, code: number, rows?: number];

/** Rows that a host attempts at once at most. */
export const mostRowsAtOnce = 2_048;

/** Core request to every host `drey.v1.live.read`. Columns: `channel` = ids. A host answers for those it watches, with notOwned for the rest left out. */
export interface LiveRead {
  readonly mode: SnapshotMode;
  readonly deadlineMs: number;
}
export interface LiveAnswer {
  readonly host: string;
}

/** Core request to every host `drey.v1.live.describe`, JSON {hashes: decimal strings}; answer {metas: {hash: ChannelMeta}} of those it knows. */
export interface DescribeRequest {
  readonly hashes: readonly string[];
}

/** KV bucket `drey-hosts` (bucket TTL): one key per live ioc-host, renewed every few seconds. */
export interface HostBeat {
  readonly host: string;
  readonly startedAt: string;
  readonly at: string;
  readonly channels: number;
  /** Of IOCs that answer. */
  readonly connected: number;
  /** Connected on the wire, and their IOC does not answer or its breaker is not closed; absent from hosts of an earlier version. */
  readonly unresponsive?: number;
  readonly catalogueRevision: number;
  /** Its Channel Access client, as DREY_CA names it; absent from hosts of an earlier version. */
  readonly ca?: string;
  /** What its Channel Access client cannot do, in words; absent from hosts of an earlier version. */
  readonly lacks?: readonly string[];
}

/** KV bucket `drey-orders`, one key per IOC: the operator's order in force on its breaker, so that neither a restart nor a move to another host lifts it. */
export interface KeptOrder {
  readonly ioc: string;
  readonly command: 'open' | 'observe';
  readonly who: string;
  readonly why: string;
  /** ms since 1970; absent: until the next order. */
  readonly until?: number;
}
