/** Snapshots as requests and answers. */
import { z } from 'zod';

/** `live`: fresh reads. `monitored`: the columns that monitors keep, each row only if channel and circuit are alive (S1). */
export const snapshotMode = z.enum(['live', 'monitored']);
export type SnapshotMode = z.output<typeof snapshotMode>;

/**
 * What to capture. `tags` = {groupId: [tagId]}: OR inside a group, AND across groups. `pvNames` are channel
 * names of catalogue entries. Catalogue ids and names that do not exist are an error that lists them.
 */
export const snapshotScope = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('all') }),
  z.object({ kind: z.literal('tags'), tags: z.record(z.string(), z.array(z.string()).min(1)) }),
  z.object({ kind: z.literal('entries'), ids: z.array(z.string()).min(1) }),
  z.object({ kind: z.literal('names'), pvNames: z.array(z.string()).min(1) }),
]);
export type SnapshotScope = z.output<typeof snapshotScope>;

export const takeSnapshot = z.object({
  title: z.string().trim().min(1).max(255),
  description: z.string().trim().max(4000).default(''),
  mode: snapshotMode.default('live'),
  scope: snapshotScope.default({ kind: 'all' }),
  /** Deadline of one IOC's reads, ms. */
  deadlineMs: z.number().int().min(50).max(60_000).default(2_000),
});
export type TakeSnapshot = z.output<typeof takeSnapshot>;
export type TakeSnapshotInput = z.input<typeof takeSnapshot>;

/** Truth about a snapshot's making, stored with it. Times are ISO 8601 with ms; IOC times are ns strings. */
export const snapshotQuality = z.object({
  rows: z.number(),
  /** Rows by outcome name; see readOutcomeNames. */
  outcomes: z.record(z.string(), z.number()),
  rowsInAlarm: z.object({ minor: z.number(), major: z.number(), invalid: z.number() }),
  firstReadAt: z.string().nullable(),
  lastReadAt: z.string().nullable(),
  /** Oldest and newest IOC time stamp among the rows read, ns since 1970 as strings. */
  oldestTimeNs: z.string().nullable(),
  newestTimeNs: z.string().nullable(),
  /** Spread between the IOCs' newest stamps, ms: a clock that is off shows here. */
  iocSkewMs: z.number().nullable(),
  /** IOCs of which no row was read, with the reason. */
  iocsNotAnswering: z.array(z.object({ ioc: z.string(), rows: z.number(), reason: z.string() })),
  iocs: z.number(),
  durationMs: z.number(),
});
export type SnapshotQuality = z.output<typeof snapshotQuality>;

export const snapshotSummary = z.object({
  id: z.string(),
  title: z.string(),
  description: z.string(),
  createdBy: z.string(),
  createdDate: z.string(),
  lastModifiedDate: z.string(),
  mode: snapshotMode,
  scope: snapshotScope,
  /** `snapshot`, or `before-restore`: the values kept before a restore's first write (R3). */
  kind: z.enum(['snapshot', 'before-restore']),
  pvCount: z.number(),
  quality: snapshotQuality,
});
export type SnapshotSummary = z.output<typeof snapshotSummary>;
