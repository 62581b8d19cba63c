/** Files to snapshots and back. D1: what is damaged, or names what is not there, stores nothing. */
import { randomUUID } from 'node:crypto';
import { json, type Bus } from '../../bus/port.ts';
import type { NewCatalogueEntry } from '../../contracts/catalogue.ts';
import { DreyError } from '../../contracts/errors.ts';
import type { SnapshotSummary } from '../../contracts/snapshots.ts';
import { subjects } from '../../contracts/subjects.ts';
import type { ChannelMeta } from '../../contracts/values.ts';
import { allFields, detectSnapshotFormat, snapshotFormatNames, snapshotFormats, type SnapshotFormat } from '../../formats/registry.ts';
import type { FileEntry, SnapshotContent, WrittenFile } from '../../formats/snapshot-file.ts';
import { canonical, contentHash } from '../../kernel/content-hash.ts';
import { inTurns, type Steps } from '../../kernel/in-turns.ts';
import type { CatalogueStore, SnapshotEntryRow, SnapshotStore, TagStore } from '../../persistence/port.ts';
import { tallyQuality } from '../../snapshots/quality.ts';
import type { Caller } from '../access.ts';
import type { Audit } from '../audit.ts';
import type { CatalogueOperations } from './catalogue.ts';
import type { ChannelNames } from './channel-names.ts';
import { missingEntries, withCatalogueNames } from './file-entries.ts';

export interface SnapshotFileDeps {
  readonly snapshots: SnapshotStore;
  readonly catalogue: CatalogueStore;
  /** Creates entries, and says so to those who watch. */
  readonly entries: CatalogueOperations;
  readonly tags: TagStore;
  readonly names: ChannelNames;
  readonly bus: Bus;
  readonly audit: Audit;
}

export interface SnapshotImport {
  readonly text: string;
  readonly format?: SnapshotFormat;
  readonly title?: string;
  readonly description?: string;
  /** Entries for names that the catalogue lacks. */
  readonly create: boolean;
  readonly dryRun: boolean;
}

export interface ImportedSnapshot {
  readonly snapshot: SnapshotSummary | null;
  readonly format: SnapshotFormat;
  readonly channels: number;
  readonly entriesCreated: number;
  readonly losses: readonly string[];
}

const mostFaults = 100;
const entriesAtOnce = 1_000;

export function createSnapshotFileOperations({ snapshots, catalogue, entries, tags, names, bus, audit }: SnapshotFileDeps) {
  const store = async (caller: Caller, content: SnapshotContent, { title, description }: Pick<SnapshotImport, 'title' | 'description'>): Promise<SnapshotSummary> => {
    const { entryIds, revisions } = await catalogue.resolve({ kind: 'names', pvNames: [...content.names] });
    const { columns } = content;
    columns.channel.set(await catalogue.ensureChannels(content.names));
    await snapshots.saveMetas(await inTurns(hashMetas(content)));
    const quality = tallyQuality();
    quality.add({ ioc: null, startedAt: null, finishedAt: null, iocProblem: null }, columns);
    const told = [content.description, content.createdDate === '' ? '' : `saved ${content.createdDate}`, content.createdBy === '' ? '' : `by ${content.createdBy}`];
    const writer = await snapshots.begin({
      title: title ?? (content.title.trim().slice(0, 255) || 'imported'), description: (description ?? told.filter((part) => part !== '').join('\n')).slice(0, 4000), createdBy: caller.who,
      mode: 'imported', scope: { kind: 'all' }, kind: 'imported', jobId: `import-${randomUUID()}`, entryIds, catalogueRevision: revisions.catalogue,
    });
    try {
      await writer.write(columns);
      return await writer.commit({ ...quality.finish(0), iocSkewMs: null });
    } catch (error) {
      await writer.abort();
      throw error;
    }
  };

  const register = async (caller: Caller, fresh: readonly NewCatalogueEntry[]): Promise<void> => {
    const staged = await catalogue.beginImport();
    try {
      for (let at = 0; at < fresh.length; at += entriesAtOnce) await staged.add(fresh.slice(at, at + entriesAtOnce).map((entry, i) => ({ line: at + i, entry })));
      const { rows, unchanged, refusals: all } = await staged.check({ forGood: true, edit: false, says: { fields: allFields, groups: [] } });
      // Without a setpoint it is enough that there is one.
      const refusals = all.filter(({ setpoint }) => setpoint !== null);
      // Somebody was quicker, since the file was read; or the file gives one setpoint to two entries.
      if (refusals.length > 0) throw new DreyError('conflict', `${refusals[0]!.setpoint} is the setpoint of another catalogue entry; nothing was stored`, { faults: refusals.slice(0, mostFaults).map(({ setpoint }) => `${setpoint} is the setpoint of another catalogue entry`) });
      if (rows > unchanged) await entries.register(caller, staged, { fresh: rows - unchanged, edited: 0 });
    } finally {
      await staged.abort();
    }
  };

  return {
    import: async (caller: Caller, { text, format: given, title, description, create, dryRun }: SnapshotImport): Promise<ImportedSnapshot> => {
      const format = given ?? detectSnapshotFormat(text);
      if (format === undefined) throw new DreyError('badInput', `the file begins like none of the formats known: say which it is with format=${snapshotFormatNames.join('|')}`);
      const read = await inTurns(snapshotFormats[format].read(text));
      if (read.content === null) throw faulty(`the file is no sound ${snapshotFormats[format].about}, nothing was stored`, read.faults);
      if (read.content.names.length === 0) throw new DreyError('badInput', `the file holds no values (${snapshotFormats[format].about})`);

      const { byName } = await names.current();
      const content = await inTurns(withCatalogueNames(read.content, byName));
      const unknown = content.names.filter((name) => !byName.has(name));
      if (unknown.length > 0 && !create) {
        throw new DreyError('invalid', `${unknown.length} of the ${content.names.length} PVs of the file are not in the catalogue, first ${unknown[0]}: register them, or let create=true make entries; nothing was stored`, {
          faults: unknown.slice(0, mostFaults).map((name) => `${name} is not in the catalogue`),
        });
      }
      const { fresh, losses: lost } = await inTurns(missingEntries(content, byName, unknown.length > 0 ? await tags.groups() : []));
      const losses = [...read.losses, ...lost];
      const about = { format, channels: content.names.length, entriesCreated: fresh.length, losses };
      if (dryRun) return { snapshot: null, ...about };
      if (fresh.length > 0) await register(caller, fresh);
      const snapshot = await audit.change(caller, { what: 'snapshots.import', subject: title ?? content.title }, async () => {
        const stored = await store(caller, content, { title, description });
        if (bus.state === 'connected') bus.publish(subjects.snapshotEvent(stored.id), json.encode({ what: 'taken', snapshot: stored }));
        return { value: stored, subject: stored.id, after: { title: stored.title, ...about } };
      });
      return { snapshot, ...about };
    },

    export: async (id: string, format: SnapshotFormat): Promise<WrittenFile & { contentType: string; fileName: string }> => {
      const { summary, entries: rows, columns, metas } = await snapshots.page(id, {});
      const groups = await snapshots.groupsThen(id);
      const channelNames = await catalogue.names(columns.channel);
      const written = snapshotFormats[format].write({
        title: summary.title, description: summary.description, createdBy: summary.createdBy, createdDate: summary.createdDate,
        names: channelNames, columns, metas: Array.from(columns.metaHash, (hash) => metas.get(hash)), entries: rows.map((row) => entryOf(row, groups)),
      });
      return { ...written, contentType: snapshotFormats[format].contentType, fileName: `${summary.title.replaceAll(/[^A-Za-z0-9._-]+/g, '_').slice(0, 80) || 'snapshot'}.${snapshotFormats[format].extension}` };
    },
  };
}
export type SnapshotFileOperations = ReturnType<typeof createSnapshotFileOperations>;

/** Fills in the hashes. Most channels share their description with many others, and a hash costs more than a look-up. */
function* hashMetas({ columns, metas }: SnapshotContent): Steps<Map<bigint, ChannelMeta>> {
  const found = new Map<bigint, ChannelMeta>();
  const hashes = new Map<string, bigint>();
  for (const [row, meta] of metas.entries()) {
    yield;
    if (meta === undefined) continue;
    const key = canonical(meta);
    const hash = hashes.get(key) ?? contentHash(meta);
    hashes.set(key, hash);
    found.set(hash, meta);
    columns.metaHash[row] = hash;
  }
  return found;
}

export function faulty(what: string, faults: readonly string[]): DreyError {
  return new DreyError('badInput', `${what}: ${faults[0]}${faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''}`, { faults: faults.slice(0, mostFaults) });
}

const entryOf = (row: SnapshotEntryRow, groups: ReadonlyMap<string, readonly (string | null)[]>): FileEntry => ({
  setpoint: row.setpoint?.name ?? null, readback: row.readback?.name ?? null, config: row.config?.name ?? null, device: row.device, description: row.description,
  absTolerance: row.absTolerance, relTolerance: row.relTolerance, readOnly: row.readOnly, tags: row.tags,
  ...(groups.get(row.entryId)?.length === row.tags.length ? { groups: groups.get(row.entryId)! } : {}),
});
