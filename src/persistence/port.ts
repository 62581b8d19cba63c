/**
 * The port to what must last. Values go in and out as columns; metadata as plain objects.
 *
 * What an implementation promises:
 * - S1: a snapshot becomes visible in one step, when it is whole; an aborted or crashed one leaves nothing.
 * - S2: nothing done to the catalogue changes what an old snapshot answers.
 * - S3: values come back bit for bit.
 * - When the database is away, calls fail with DreyError `unavailable` within seconds, and work again when it is back.
 * - D1: malformed ids are DreyError `notFound` or `badInput`, never a database error.
 */
import type { CatalogueChannel, CatalogueEntry, CatalogueEntryEdit, EntryField, NewCatalogueEntry, Tag } from '../contracts/catalogue.ts';
import type { RuleKind } from '../contracts/automation.ts';
import type { RestoreRow } from '../contracts/restores.ts';
import type { SnapshotQuality, SnapshotScope, SnapshotSummary, StoredMode } from '../contracts/snapshots.ts';
import type { ChannelMeta, ValueColumns } from '../contracts/values.ts';

export interface Persistence {
  readonly catalogue: CatalogueStore;
  readonly tags: TagStore;
  readonly snapshots: SnapshotStore;
  readonly restores: RestoreStore;
  readonly apiKeys: ApiKeyStore;
  readonly rules: RuleStore;
  readonly audit: AuditStore;
  /** Brings the schema to this program's version; safe when several processes do it at once. */
  migrate(): Promise<void>;
  /** Cheap round trip, for health. Ms it took; rejects with `unavailable`. */
  ping(): Promise<number>;
  close(): Promise<void>;
}

export interface Revisions {
  readonly catalogue: number;
  readonly directory: number;
}

export interface EntryFilter {
  /** Substring of any address, device or description, case-insensitive; `*` and `?` are wildcards. */
  readonly search?: string;
  /** {groupId: [tagId]}: OR inside a group, AND across. */
  readonly tagFilters?: Readonly<Record<string, readonly string[]>>;
  /** Any of these tag ids. */
  readonly tags?: readonly string[];
  /** Any of these devices, exactly. */
  readonly devices?: readonly string[];
}

/** An entry and the line of the file that it stands on. Its tags are named (`tagNames`), never given by id. */
export interface ImportRow {
  readonly line: number;
  readonly entry: NewCatalogueEntry;
}

/** What a file says of its entries; of the rest it says nothing, and that is neither compared nor changed. */
export interface FileSays {
  readonly fields: readonly EntryField[];
  /** Tag groups, whatever their case. */
  readonly groups: readonly string[];
}

/** What can be compared of an entry: its fields, and its tags by name, in order. */
export interface EntryTold extends Omit<NewCatalogueEntry, 'tags' | 'tagNames'> {
  readonly tags: readonly { readonly group: string; readonly name: string }[];
}

/** A row whose addresses stand on an earlier line already (`earlier`), or are those of an entry that differs. An entry is known by its setpoint, one without by its readback and config. */
export interface RefusedRow {
  readonly line: number;
  readonly setpoint: string | null;
  readonly readback: string | null;
  readonly config: string | null;
  readonly earlier: number | null;
  /** Entries there are of these addresses. More than one: none of them can be meant. */
  readonly entries: number;
  /** Absent of a row that has an earlier line. `tags`: of the groups that the file names. */
  readonly differs: { readonly was: EntryTold; readonly is: EntryTold } | null;
}

export interface CheckedImport {
  /** Sound rows: new ones, those to edit, and those that the catalogue has already. */
  readonly rows: number;
  readonly unchanged: number;
  readonly edited: number;
  readonly refused: number;
  /** In the order of the rows, the first 1000. */
  readonly refusals: readonly RefusedRow[];
  readonly tagGroups: readonly TagGroupUse[];
}

export interface CommittedImport {
  readonly registered: number;
  readonly revision: number;
  /** The first 100 of those made. */
  readonly first: readonly CatalogueEntry[];
  /** The first 100 of those edited. */
  readonly before: readonly CatalogueEntry[];
  readonly after: readonly CatalogueEntry[];
}

/** A tag group that the rows of a file name; names are told apart without regard to case. */
export interface TagGroupUse {
  readonly name: string;
  /** There is no such group yet. */
  readonly isNew: boolean;
  readonly tags: number;
  /** Of them, those that there are not yet. */
  readonly newTags: number;
  readonly firstNewTags: readonly string[];
}

/** Rows of any number on their way into the catalogue. Nothing is there before the commit; every import ends with `commit` or `abort`. */
export interface CatalogueImport {
  add(rows: readonly ImportRow[]): Promise<void>;
  /**
   * After the last row. A row that says nothing else than its entry is `unchanged`; one that differs is refused, or, with `edit`, edits the entry.
   * Refused rows are left out of what is committed. `forGood`: a commit may follow, so the catalogue stays as it is found.
   */
  check(options: { forGood: boolean; edit: boolean; says: FileSays }): Promise<CheckedImport>;
  commit(): Promise<CommittedImport>;
  /** Does nothing after a commit. */
  abort(): Promise<void>;
}

export interface CatalogueExport {
  /** Names of the tag groups that any of the entries uses. */
  readonly tagGroups: readonly string[];
  /** Texts of devices and descriptions that stand in any of the entries and fit the pattern given. */
  countTexts(pattern: string): Promise<number>;
  pages(): AsyncGenerator<CatalogueEntry[]>;
}

export interface ChannelPage {
  /** Ids above this. */
  readonly after: number;
  readonly limit: number;
}

export interface CatalogueStore {
  revisions(): Promise<Revisions>;
  /** All or nothing. `conflict` lists up to 10 setpoint addresses that exist already; unknown tag ids are `notFound`. */
  create(entries: readonly NewCatalogueEntry[]): Promise<{ entries: CatalogueEntry[]; revision: number }>;
  /** The same for files of any length: what is in them never is in memory whole. */
  beginImport(): Promise<CatalogueImport>;
  edit(id: string, edit: CatalogueEntryEdit): Promise<{ before: CatalogueEntry; after: CatalogueEntry; revision: number }>;
  delete(ids: readonly string[]): Promise<{ deleted: CatalogueEntry[]; revision: number }>;
  get(id: string): Promise<CatalogueEntry>;
  /** Ordered by id; `continuationToken` = last id of the page before. */
  list(filter: EntryFilter, page: { pageSize: number; continuationToken?: string }): Promise<{ results: CatalogueEntry[]; continuationToken: string | null; totalCount: number }>;
  /** Ordered by setpoint, else readback, else config; each entry once, whatever fits. */
  search(filter: EntryFilter, page: { limit: number; offset: number }): Promise<{ results: CatalogueEntry[]; totalCount: number }>;
  devices(): Promise<string[]>;
  /** All that fit, as of one revision whatever is changed meanwhile: in pages by id. */
  export(filter: EntryFilter): Promise<CatalogueExport>;

  /** Channels that current entries name, by id, in pages. */
  channels(page: ChannelPage): Promise<{ revision: number; channels: CatalogueChannel[]; more: boolean }>;
  /** The same with the channels as JSON: an array of [id, name, IOC or null]. */
  channelsAsJson(page: ChannelPage): Promise<{ revision: number; channels: string; more: boolean }>;
  /** The channel ids of a scope, ascending. `entryIds` = the entries selected, null for all. Unknown ids or names: `notFound` with `faults` naming up to 100. */
  resolve(scope: SnapshotScope): Promise<{ channels: Int32Array; entryIds: string[] | null; revisions: Revisions }>;
  /** Last known IOC of every current channel: `iocs[iocIndex[i]]` serves `channels[i]`; -1 = never found. Ascending by id. */
  directory(): Promise<{ channels: Int32Array; iocIndex: Int32Array; iocs: string[]; revisions: Revisions }>;
  /** ioc -> channel ids found there. */
  updateDirectory(found: Readonly<Record<string, readonly number[]>>): Promise<void>;
  /** Ids of these names, in their order; names that the dictionary lacks are added to it. The catalogue stays as it is. */
  ensureChannels(names: readonly string[]): Promise<Int32Array>;
  /** Names by channel id. */
  names(channels: Int32Array): Promise<string[]>;
  /** What a restore or compare needs of the setpoints among these channels in today's catalogue. Rows for channels that no current entry has as setpoint are left out. */
  setpoints(channels: Int32Array): Promise<SetpointInfo[]>;
  /** The same as columns, ascending by channel, for tens of thousands of them. */
  setpointColumns(channels: Int32Array): Promise<SetpointColumns>;
}

export interface SetpointColumns {
  readonly channel: Int32Array;
  readonly readOnly: Uint8Array;
  readonly absTolerance: Float64Array;
  readonly relTolerance: Float64Array;
}

export interface SetpointInfo {
  readonly channel: number;
  readonly entryId: string;
  readonly readOnly: boolean;
  readonly absTolerance: number;
  readonly relTolerance: number;
}

export interface TagGroup {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly tags: readonly Tag[];
  readonly createdDate: string;
  readonly lastModifiedDate: string;
}

/** Fields that are absent stay as they are. */
export interface TagEdit {
  readonly name?: string;
  readonly description?: string;
}

export interface TagStore {
  groups(): Promise<TagGroup[]>;
  createGroup(name: string, description: string | null): Promise<TagGroup>;
  createTag(groupId: string, name: string, description: string | null): Promise<TagGroup>;
  /** `conflict` on a name that another group, or another tag of the group, has whatever its case. Old snapshots keep the old name (S2). */
  editGroup(id: string, edit: TagEdit): Promise<TagGroup>;
  editTag(groupId: string, tagId: string, edit: TagEdit): Promise<TagGroup>;
  /** Entries of today's catalogue that have any of these tags. */
  taggedEntries(tagIds: readonly string[]): Promise<number>;
  deleteGroup(id: string): Promise<void>;
  deleteTag(groupId: string, tagId: string): Promise<void>;
  /** {groupName: [tagName]}; makes what is missing. */
  ensure(groups: Readonly<Record<string, readonly string[]>>): Promise<{ groupsCreated: number; tagsCreated: number; tagsSkipped: number }>;
}

export interface NewSnapshot {
  readonly title: string;
  readonly description: string;
  readonly createdBy: string;
  readonly mode: StoredMode;
  readonly scope: SnapshotScope;
  readonly kind: SnapshotSummary['kind'];
  /** The job that makes it; storing twice for one job and kind is `conflict` (a crash between storing and checkpoint shows so). */
  readonly jobId: string;
  /** The entries it is of: by id, all that have one of the channels written as setpoint, or null for all there are. */
  readonly entryIds: readonly string[] | 'setpoints' | null;
  readonly catalogueRevision: number;
  /** When it was taken, where that was elsewhere; absent: now. */
  readonly createdAt?: Date;
  readonly labels?: readonly string[];
  readonly golden?: boolean;
  /** schedule:<id> or trigger:<id>. */
  readonly origin?: string;
}

/** One database transaction. Parts are written while others are still being gathered. */
export interface SnapshotWriter {
  /** Rows in any order of parts, each channel once. Resolves when the next part may come (back-pressure). */
  write(part: ValueColumns): Promise<void>;
  /** Makes the snapshot visible, whole. */
  commit(quality: SnapshotQuality): Promise<SnapshotSummary>;
  /** Leaves nothing. Idempotent. */
  abort(): Promise<void>;
}

export interface SnapshotFilter {
  readonly title?: string;
  /** Snapshots that hold an entry with any of these tag ids. */
  readonly tags?: readonly string[];
  readonly kind?: SnapshotSummary['kind'];
  /** Part of who took it, whatever the case. */
  readonly author?: string;
  readonly from?: Date;
  readonly to?: Date;
  /** Snapshots that hold a row of this channel, with a value or without. */
  readonly pvName?: string;
  /** Snapshots with any of these labels, exactly. */
  readonly labels?: readonly string[];
  readonly golden?: boolean;
  readonly origin?: string;
  /** Absent: createdDate, newest first. */
  readonly sort?: SnapshotSort;
  readonly order?: 'asc' | 'desc';
}

export const snapshotSorts = ['createdDate', 'title', 'createdBy', 'pvCount'] as const;
export type SnapshotSort = (typeof snapshotSorts)[number];

/** One side of one entry in a snapshot, columns aside: what the catalogue said then (S2). */
export interface SnapshotEntryRow {
  readonly entryId: string;
  readonly device: string;
  readonly description: string;
  readonly absTolerance: number;
  readonly relTolerance: number;
  readonly readOnly: boolean;
  readonly tags: readonly string[];
  readonly setpoint: SnapshotCell | null;
  readonly readback: SnapshotCell | null;
  readonly config: SnapshotCell | null;
}

/** `row` indexes the columns beside. A channel named by the catalogue of then but absent from the snapshot has row -1. */
export interface SnapshotCell {
  readonly name: string;
  readonly row: number;
}

export interface SnapshotPage {
  readonly summary: SnapshotSummary;
  /** Entries that match, in all pages. */
  readonly totalCount: number;
  /** Ordered by name of setpoint, else readback, else config. */
  readonly entries: readonly SnapshotEntryRow[];
  /** The same object for pages of the same entries, where they are known to be: for what is made of them alone. */
  readonly catalogue?: object;
  readonly columns: ValueColumns;
  readonly metas: ReadonlyMap<bigint, ChannelMeta>;
}

export interface NamedRole {
  readonly entryId: string;
  readonly role: 'setpoint' | 'readback' | 'config';
  readonly name: string;
}

export interface CompareOptions {
  /** Entries as they were then: their tags, devices and descriptions of that time. */
  readonly filter?: EntryFilter;
  /** Instead of those of the catalogue. */
  readonly tolerance?: { readonly abs?: number; readonly rel?: number };
}

/** Rows to be compared as columns: channel, and the tolerances for it, of each entry and role that any of the snapshots knew. */
export interface Comparable {
  readonly channel: Int32Array;
  readonly abs: Float64Array;
  readonly rel: Float64Array;
  /** Of each snapshot, ascending by channel. */
  readonly columns: readonly ValueColumns[];
  readonly metas: ReadonlyMap<bigint, ChannelMeta>;
  name(rows: readonly number[]): Promise<NamedRole[]>;
}

/** An entry is followed through its addresses, a name through everything that ever had it. */
export type HistoryOf = { readonly entryId: string } | { readonly pvName: string };

export interface HistoryPage {
  readonly from?: Date;
  readonly to?: Date;
  readonly limit: number;
  readonly offset: number;
}

export interface PvHistory {
  /** Snapshots that hold it, in all pages. */
  readonly totalCount: number;
  /** Newest first. */
  readonly points: readonly { readonly snapshot: SnapshotSummary; readonly cells: readonly { readonly role: NamedRole['role'] | 'channel'; readonly name: string; readonly row: number }[] }[];
  readonly columns: ValueColumns;
  readonly metas: ReadonlyMap<bigint, ChannelMeta>;
}

export interface SnapshotEdit {
  readonly title?: string;
  readonly description?: string;
  /** Instead of all it had. */
  readonly labels?: readonly string[];
  readonly golden?: boolean;
}

export interface SnapshotStore {
  begin(snapshot: NewSnapshot): Promise<SnapshotWriter>;
  /** The snapshot that a job has stored already, if any. */
  byJob(jobId: string, kind: SnapshotSummary['kind']): Promise<SnapshotSummary | undefined>;
  /** Newest first. Cost independent of stored values. */
  list(filter: SnapshotFilter, page: { limit: number; offset: number }): Promise<{ results: SnapshotSummary[]; totalCount: number }>;
  get(id: string): Promise<SnapshotSummary>;
  edit(id: string, edit: SnapshotEdit): Promise<SnapshotSummary>;
  /** `conflict` for a golden one. `unlessLabelled`: with one of these labels it is left too. */
  delete(id: string, options?: { unlessLabelled?: readonly string[] }): Promise<SnapshotSummary>;
  page(id: string, options: { limit?: number; offset?: number; search?: string }): Promise<SnapshotPage>;
  /**
   * The rows that are the setpoint of one of its entries, ascending by channel id: what a restore of everything is about.
   * Which channels these are is known long before their values are there; `values` lacks those that the snapshot has no row of.
   */
  setpointValues(id: string): Promise<{ summary: SnapshotSummary; channels: Int32Array; values: Promise<{ columns: ValueColumns; metas: ReadonlyMap<bigint, ChannelMeta> }> }>;
  /** All rows as columns, ascending by channel id; others may be reading them too, so they stay as they are. `channels`: only these. */
  columns(id: string, channels?: Int32Array): Promise<ValueColumns>;
  /** The first snapshot's entries and tolerances go before those that only a later one knew. */
  comparable(ids: readonly string[], options?: CompareOptions): Promise<Comparable>;
  /** Which of these devices entries of the snapshots had then. */
  devicesThen(ids: readonly string[], devices: readonly string[]): Promise<string[]>;
  /** Per entry with tags, the groups of its tags in their order; null where the tag is gone by now. */
  groupsThen(id: string): Promise<ReadonlyMap<string, readonly (string | null)[]>>;
  /** Which of these tag ids any stored snapshot knows, of tags that are gone too. */
  tagsThen(tagIds: readonly string[]): Promise<string[]>;
  /** `notFound` for entries and names that never were. */
  history(of: HistoryOf, page: HistoryPage): Promise<PvHistory>;

  /** Which of these descriptions are not stored yet. */
  unknownMetas(hashes: readonly bigint[]): Promise<bigint[]>;
  saveMetas(metas: ReadonlyMap<bigint, ChannelMeta>): Promise<void>;
  metas(hashes: readonly bigint[]): Promise<Map<bigint, ChannelMeta>>;
}

/** The rows of one restore as they ended (R4), stored once, whole, when the job ends. */
export interface StoredRestore {
  readonly jobId: string;
  readonly snapshotId: string;
  /** The snapshot with the values before, if there is one. */
  readonly beforeId?: string | null;
  readonly who: string;
  readonly reason: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly channel: Int32Array;
  readonly outcome: Uint8Array;
  /** Index in restoreReasonNames. */
  readonly why: Uint8Array;
  readonly code: Uint16Array;
  /** 1 = a write was sent, or may have been. A1: such a row is an audit event `pv.write` from here on. */
  readonly attempted: Uint8Array;
  readonly before: ValueColumns;
  readonly target: ValueColumns;
  readonly after: ValueColumns;
}

export interface RestoreStore {
  /** Storing the same job again is a no-op: the first one stands. A1: with it goes the audit event `restore.run` that says how it ended. */
  save(restore: StoredRestore): Promise<void>;
  /** Rows by outcome. */
  counts(jobId: string): Promise<Record<string, number>>;
  /** Rows in the order of their names. `outcomes`: only these, one after the other. `reasons`: rows by outcome and reason, of those that have one. */
  rows(jobId: string, options: { limit: number; offset: number; outcomes?: readonly string[] }): Promise<{ rows: RestoreRow[]; totalCount: number; counts: Record<string, number>; reasons: Record<string, Record<string, number>> }>;
}

export const apiScopes = ['read', 'write', 'snapshot', 'restore', 'admin'] as const;
export type ApiScope = (typeof apiScopes)[number];

export interface ApiKey {
  readonly id: string;
  readonly appName: string;
  readonly scopes: readonly ApiScope[];
  readonly isActive: boolean;
  readonly createdAt: string;
  /** Made or deactivated. */
  readonly updatedAt: string;
  readonly lastUsedAt: string | null;
}

export interface ApiKeyStore {
  /** The token is shown once; only its SHA-256 is stored. `conflict` on an active key of that name. */
  create(appName: string, scopes: readonly ApiScope[]): Promise<{ key: ApiKey; token: string }>;
  /** Stores a token chosen elsewhere (the first-start key). */
  adopt(appName: string, scopes: readonly ApiScope[], token: string): Promise<ApiKey>;
  /** Takes over a key of which only the SHA-256 of its token is known; undefined when this token is known already. `conflict` as with create. */
  adoptHash(key: { appName: string; scopes: readonly ApiScope[]; tokenSha256: Uint8Array; isActive: boolean }): Promise<ApiKey | undefined>;
  verify(token: string): Promise<ApiKey | undefined>;
  list(activeOnly: boolean): Promise<ApiKey[]>;
  deactivate(id: string): Promise<ApiKey>;
}

/** A schedule, trigger or webhook. */
export interface Rule<Definition = unknown> {
  readonly id: string;
  readonly kind: RuleKind;
  readonly name: string;
  readonly definition: Definition;
  /** What became of it. */
  readonly state: Readonly<Record<string, unknown>>;
  readonly createdBy: string;
  readonly createdDate: string;
  readonly lastModifiedDate: string;
}

export interface RuleStore {
  /** In the order of their making. */
  list(kind: RuleKind): Promise<Rule[]>;
  get(kind: RuleKind, id: string): Promise<Rule>;
  /** `conflict` on a name that another of its kind has, whatever the case. `at`: by the clock that its firings go by. */
  create(kind: RuleKind, rule: { name: string; definition: unknown; createdBy: string; at: Date }): Promise<Rule>;
  edit(kind: RuleKind, id: string, rule: { name: string; definition: unknown; at: Date }): Promise<Rule>;
  delete(kind: RuleKind, id: string): Promise<Rule>;
  /** Adds to its state. With an older `lastFiringAt` than the one noted, nothing. A rule that is gone is no error. */
  note(id: string, state: Readonly<Record<string, unknown>>): Promise<void>;
}

/** A1. */
export interface AuditEvent {
  readonly who: string;
  readonly what: string;
  /** The thing: an entry id, an IOC, a snapshot, a job, a PV. */
  readonly subject: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly why: string;
  readonly result: string;
}

export interface AuditStore {
  /** Everything but the rows of restores, which are audit events by being stored. */
  record(events: readonly AuditEvent[]): Promise<void>;
  list(filter: { what?: string; subject?: string; who?: string }, page: { limit: number; offset: number }): Promise<{ results: (AuditEvent & { id: string; at: string })[]; totalCount: number }>;
}
