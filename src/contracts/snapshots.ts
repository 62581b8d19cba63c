/** Snapshots as requests and answers. */
import { z } from 'zod';

/** `live`: fresh reads. `monitored`: the columns that monitors keep, each row only if channel and circuit are alive (S1). */
export const snapshotMode = z.enum(['live', 'monitored']).describe('live: fresh reads; monitored: what the monitors keep, each row only if channel and circuit are alive');
export type SnapshotMode = z.output<typeof snapshotMode>;

/** How the values of a stored snapshot were got: `imported` = from a file or another system. */
export const storedMode = z.enum([...snapshotMode.options, 'imported']).describe('live: fresh reads; monitored: what the monitors kept; imported: from a file or another system');
export type StoredMode = z.output<typeof storedMode>;

/**
 * What to capture. `tags` = {groupId: [tagId]}: OR inside a group, AND across groups (people may name them: the gateway makes ids of it). `pvNames` are channel
 * names of catalogue entries. Catalogue ids and names that do not exist are an error that lists them.
 */
export const snapshotScope = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('all') }),
  z.object({ kind: z.literal('tags'), tags: z.record(z.string(), z.array(z.string()).min(1)) }),
  z.object({ kind: z.literal('entries'), ids: z.array(z.string()).min(1) }),
  z.object({ kind: z.literal('names'), pvNames: z.array(z.string()).min(1) }),
]);
export type SnapshotScope = z.output<typeof snapshotScope>;

/** A word or two that people hang on snapshots. */
export const snapshotLabel = z.string().trim().min(1).max(64);
export const snapshotLabels = z.array(snapshotLabel).max(32).overwrite((labels) => [...new Set(labels)]);

/** The rule that had a snapshot taken, and why now. */
export const snapshotOrigin = z.object({
  rule: z.string().describe('schedule:<id> or trigger:<id>'),
  name: z.string(),
  firedFor: z.string().describe('the moment that it stands for, ISO 8601'),
  note: z.string().describe('what people ought to know, such as firings that were missed'),
});
export type SnapshotOrigin = z.output<typeof snapshotOrigin>;

export const takeSnapshot = z.object({
  title: z.string().trim().min(1).max(255).describe('what people will look for'),
  description: z.string().trim().max(4000).default('').describe('what it is for'),
  mode: snapshotMode.default('live'),
  scope: snapshotScope.default({ kind: 'all' }).describe('what to capture; tags = {group: [tag]}, each by id or name: any of a group, in every group'),
  deadlineMs: z.number().int().min(50).max(60_000).default(2_000).describe('deadline of one IOC\'s reads, ms'),
  labels: snapshotLabels.optional().describe('words to find it by, at most 32'),
  golden: z.boolean().optional().describe('a reference: it is not deleted while it is golden; needs the scope write or admin'),
});
export type TakeSnapshot = z.output<typeof takeSnapshot>;
export type TakeSnapshotInput = z.input<typeof takeSnapshot>;

/** Truth about a snapshot's making, stored with it. Times are ISO 8601 with ms; IOC times are ns strings. */
export const snapshotQuality = z.object({
  rows: z.number().describe('channels captured'),
  outcomes: z.record(z.string(), z.number()).describe('rows by outcome: ok, timeout, disconnected, notFound, …'),
  rowsInAlarm: z.object({ minor: z.number(), major: z.number(), invalid: z.number() }).describe('rows read, by alarm severity'),
  firstReadAt: z.string().nullable().describe('first request out, ISO 8601'),
  lastReadAt: z.string().nullable().describe('last answer in, ISO 8601'),
  oldestTimeNs: z.string().nullable().describe('oldest IOC time stamp among the rows read, ns since 1970'),
  newestTimeNs: z.string().nullable().describe('newest IOC time stamp among the rows read, ns since 1970'),
  iocSkewMs: z.number().nullable().describe('spread between the IOCs\' newest stamps, ms: a clock that is off shows here'),
  iocsNotAnswering: z.array(z.object({ ioc: z.string(), rows: z.number(), reason: z.string() })).describe('IOCs of which no row was read, with the reason'),
  iocs: z.number().describe('IOCs that were asked'),
  durationMs: z.number().describe('from the request to the last answer, ms'),
});
export type SnapshotQuality = z.output<typeof snapshotQuality>;

export const snapshotSummary = z.object({
  id: z.string(),
  title: z.string(),
  description: z.string(),
  createdBy: z.string().describe('key, and person behind it when the program named one'),
  createdDate: z.string().describe('ISO 8601'),
  lastModifiedDate: z.string().describe('of title and description; values never change'),
  mode: storedMode,
  scope: snapshotScope,
  kind: z.enum(['snapshot', 'before-restore', 'imported']).describe('before-restore: the values kept before a restore\'s first write (R3); imported: from a file or another system'),
  pvCount: z.number().describe('channels captured'),
  labels: z.array(z.string()).describe('words that people hang on it'),
  golden: z.boolean().describe('a reference: neither people nor retention rules delete it while it is golden'),
  origin: z.string().nullable().describe('the rule that had it taken: schedule:<id> or trigger:<id>; null = a person or program'),
  quality: snapshotQuality,
});
export type SnapshotSummary = z.output<typeof snapshotSummary>;
