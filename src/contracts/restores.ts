/**
 * Restores: the plan that is shown, and what became of each row.
 * R1: only what the plan shows is written. R4: every row ends in exactly one outcome.
 */
import { z } from 'zod';

/** R4. Numbers are in the log and in the database: append, never renumber. */
export const RestoreOutcome = {
  pending: 0,
  /** Written and completed, and could not be read back. */
  written: 1,
  /** Written and read back within tolerance. */
  verified: 2,
  /** Live value already within tolerance: nothing was written. */
  unchanged: 3,
  /** Not written, for the reason in `why`. */
  skipped: 4,
  /** The IOC's breaker is open: not written, nothing queued. */
  held: 5,
  failed: 6,
  /** It may or may not have been written: look at the PV, nothing is repeated unasked (R2). */
  unknown: 7,
} as const;
export type RestoreOutcome = (typeof RestoreOutcome)[keyof typeof RestoreOutcome];
export const restoreOutcomeNames = ['pending', 'written', 'verified', 'unchanged', 'skipped', 'held', 'failed', 'unknown'] as const;

/** The reason of an outcome. Numbers are in the log and in the database: append, never renumber. */
export const restoreReasonNames = [
  'none',
  'readOnlyEntry', // the catalogue entry is read-only
  'noSavedValue', // the snapshot row has no value
  'noSetpoint', // the entry has no setpoint address
  'notInCatalogue', // the channel is in no catalogue entry any more
  'noWriteAccess', // the IOC grants no write access
  'outOfLimits', // outside the drive limits; the IOC would clamp it
  'wrongType', // the saved value cannot be represented in the channel's type
  'labelGone', // the saved enum label does not exist any more
  'disconnected',
  'notFound',
  'iocOpen',
  'timeout', // no completion within the deadline
  'refused', // the IOC refused the write
  'circuitLost', // the circuit was lost before completion
  'differs', // written, completed, and reads back different
  'notReadBack', // written, completed, and the read-back did not come
  'processDied', // the process died between attempt and outcome
  'cancelled',
  'busy', // an earlier put on this channel has not completed
  'hostLost', // the ioc-host did not answer
  'expired', // the work item came too late to be started
  'notOwned', // the ioc-host asked does not watch the channel
  'notRead', // its live value could not be read, so it could not be kept before (R3)
] as const;
export type RestoreReason = (typeof restoreReasonNames)[number];
export const restoreReasonSentences: Record<RestoreReason, string> = {
  none: '',
  readOnlyEntry: 'its catalogue entry is read-only',
  noSavedValue: 'the snapshot holds no value for it',
  noSetpoint: 'its catalogue entry has no setpoint address',
  notInCatalogue: 'it is in no catalogue entry any more',
  noWriteAccess: 'the IOC grants no write access',
  outOfLimits: 'the saved value is outside the drive limits (DRVL, DRVH)',
  wrongType: 'the saved value does not fit the type of the channel',
  labelGone: 'the saved enum label does not exist on the IOC any more',
  disconnected: 'the channel is disconnected from its IOC',
  notFound: 'no IOC has answered a search for this name',
  iocOpen: 'the circuit breaker of its IOC is open',
  timeout: 'the IOC did not complete the write within the deadline',
  refused: 'the IOC refused the write',
  circuitLost: 'the circuit to the IOC was lost before the write completed',
  differs: 'it reads back different from what was written',
  notReadBack: 'it was written, but reading it back failed',
  processDied: 'a process died between the attempt and its outcome',
  cancelled: 'the restore was cancelled before its turn',
  busy: 'an earlier write on this channel has not completed',
  hostLost: 'the ioc-host did not answer',
  expired: 'the work item came too late to be started',
  notOwned: 'the ioc-host asked does not watch this channel (it moved, or was removed meanwhile)',
  notRead: 'the IOC did not answer when its live value was read, and what cannot be kept before is not overwritten',
};

/**
 * What to restore. No selection = every row of the snapshot that has a setpoint; `pvIds: []` selects
 * nothing and writes nothing (R1). Ids and names that are not in the snapshot are an error.
 */
export const restoreRequest = z.object({
  pvIds: z.array(z.string()).optional().describe('catalogue entry ids; [] = none, absent (and no pvNames) = every row with a setpoint'),
  pvNames: z.array(z.string()).optional().describe('setpoint channel names'),
  reason: z.string().trim().max(1000).default('').describe('why it is done; goes to the audit log'),
  deadlineMs: z.number().int().min(100).max(600_000).default(5_000).describe('deadline of one put-callback, ms'),
});
export type RestoreRequest = z.output<typeof restoreRequest>;
export type RestoreRequestInput = z.input<typeof restoreRequest>;

/** What a plan expects of a row. */
export const planVerdict = z.enum(['write', 'unchanged', 'skipped', 'held', 'failed']);
export type PlanVerdict = z.output<typeof planVerdict>;

/** A value as JSON: see docs/values.md. NaN and infinities are the strings "NaN", "Infinity", "-Infinity"; int64 beyond 2^53 are strings. */
export const jsonValue: z.ZodType<JsonValue> = z.union([z.number(), z.string(), z.array(z.union([z.number(), z.string()])), z.null()]);
export type JsonValue = number | string | readonly (number | string)[] | null;

export const planRow = z.object({
  pvId: z.string().nullable().describe('catalogue entry; null when it is gone'),
  pvName: z.string().describe('setpoint channel'),
  ioc: z.string().nullable().describe('host:port that served it last'),
  verdict: planVerdict.describe('what a restore would do with it now'),
  why: z.string().describe('name of the reason; none for rows that will be written'),
  detail: z.string().describe('the reason in a sentence, with the values and limits at stake'),
  target: jsonValue.describe('what would be written, in units'),
  live: jsonValue.describe('what is there now, in units'),
  difference: z.union([z.number(), z.string()]).nullable().describe('target - live for numbers, else null'),
  units: z.string().nullable().describe('engineering units'),
  writable: z.boolean().nullable().describe('whether the IOC grants write access; null when not known'),
});
export type PlanRow = z.output<typeof planRow>;

export const rowsByReason = z.record(z.string(), z.record(z.string(), z.number()));
export const restorePlan = z.object({
  snapshotId: z.string(),
  madeAt: z.string(),
  counts: z.record(z.string(), z.number()).describe('all rows by verdict'),
  reasons: rowsByReason.describe('all rows that have a reason, by verdict and name of the reason'),
  totalCount: z.number().describe('rows that fit the filter, in all pages'),
  limit: z.number().describe('rows of a page'),
  offset: z.number().describe('rows skipped'),
  rows: z.array(planRow),
});
export type RestorePlan = z.output<typeof restorePlan>;

export const restoreRow = z.object({
  pvId: z.string().nullable(),
  pvName: z.string(),
  outcome: z.enum(restoreOutcomeNames).describe('what became of it'),
  why: z.string().describe('name of the reason'),
  detail: z.string().describe('the reason in a sentence'),
  before: jsonValue.describe('live value before the first write'),
  target: jsonValue.describe('what was to be written'),
  after: jsonValue.describe('what was read back'),
});
export type RestoreRow = z.output<typeof restoreRow>;
