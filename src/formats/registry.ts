/** The formats by name: what can be read and written as a snapshot, and as catalogue entries. */
import type { CatalogueEntry, NewCatalogueEntryInput } from '../contracts/catalogue.ts';
import type { Steps } from '../kernel/in-turns.ts';
import { readSav, writeSav } from './autosave-sav.ts';
import { readBurtSnap, writeBurtSnap } from './burt-snap.ts';
import { fields, type CatalogueSays, type Field } from './catalogue-columns.ts';
import { createCatalogueCsvWriter, groupsOf } from './catalogue-csv-writer.ts';
import { readNdjson, writeNdjson } from './drey-ndjson.ts';
import { readPhoebusConfiguration, readPhoebusSnapshot, writePhoebusSnapshot } from './phoebus-csv.ts';
import { readPsiRequest } from './psi-request.ts';
import { readPsiSnap, writePsiSnap } from './psi-snap.ts';
import { readRequest, writeRequest, type RequestOptions } from './request-files.ts';
import { createCollector, nameFault, type FileEntry, type ReadSnapshotFile, type SnapshotContent, type WrittenFile } from './snapshot-file.ts';

export const snapshotFormatNames = ['ndjson', 'sav', 'burt', 'psi', 'phoebus'] as const;
export type SnapshotFormat = (typeof snapshotFormatNames)[number];

export interface SnapshotFormatParts {
  readonly about: string;
  readonly extension: string;
  readonly contentType: string;
  /** In steps: a file may have a hundred thousand lines. */
  read(text: string): Steps<ReadSnapshotFile>;
  write(content: SnapshotContent): WrittenFile;
}

const plain = 'text/plain; charset=utf-8';

export const snapshotFormats: Record<SnapshotFormat, SnapshotFormatParts> = {
  ndjson: { about: 'Drey NDJSON, without loss', extension: 'ndjson', contentType: 'application/x-ndjson', read: readNdjson, write: writeNdjson },
  sav: { about: 'autosave .sav', extension: 'sav', contentType: plain, read: readSav, write: writeSav },
  burt: { about: 'BURT .snap', extension: 'snap', contentType: plain, read: readBurtSnap, write: writeBurtSnap },
  psi: { about: 'PSI snapshot .snap', extension: 'snap', contentType: plain, read: readPsiSnap, write: writePsiSnap },
  phoebus: { about: 'Phoebus save-and-restore CSV', extension: 'csv', contentType: 'text/csv; charset=utf-8', read: readPhoebusSnapshot, write: writePhoebusSnapshot },
};

/** By how a file begins; undefined when nothing fits. */
export function detectSnapshotFormat(text: string): SnapshotFormat | undefined {
  const start = text.slice(0, 100_000);
  if (/^\{"drey":/.test(start)) return 'ndjson';
  if (start.startsWith('--- Start BURT header')) return 'burt';
  if (/^#\s*\{/.test(start)) return 'psi';
  if (/^PV,SELECTED,/m.test(start)) return 'phoebus';
  return /^# save\/restore|^<END>\r?$/m.test(text) ? 'sav' : undefined;
}

export const catalogueFormatNames = ['csv', 'req', 'burt-req', 'psi-req', 'psi-yaml', 'phoebus'] as const;
export type CatalogueFormat = (typeof catalogueFormatNames)[number];

/** What a file of a format says of its entries, CSV apart: its first line tells. */
export const formatSays: Record<Exclude<CatalogueFormat, 'csv'>, CatalogueSays> = {
  req: { fields: ['setpointAddress'], groups: [] },
  'burt-req': { fields: ['setpointAddress', 'readOnly'], groups: [] },
  'psi-req': { fields: ['setpointAddress'], groups: [] },
  'psi-yaml': { fields: ['setpointAddress', 'absTolerance'], groups: [] },
  phoebus: { fields: ['setpointAddress', 'readbackAddress', 'readOnly'], groups: [] },
};
export const allFields: readonly Field[] = Object.values(fields);

export interface ReadCatalogue {
  readonly entries: readonly NewCatalogueEntryInput[];
  /** Line of the file per entry. */
  readonly lines: readonly number[];
  readonly faults: readonly string[];
}

export const entryInput = (entry: FileEntry): NewCatalogueEntryInput => ({
  setpointAddress: entry.setpoint, readbackAddress: entry.readback, configAddress: entry.config, device: entry.device, description: entry.description,
  absTolerance: entry.absTolerance, relTolerance: entry.relTolerance, readOnly: entry.readOnly,
});

/** Whole files; CSV is read as it comes (catalogue-csv.ts). */
export function* readCatalogue(format: Exclude<CatalogueFormat, 'csv'>, text: string, options: RequestOptions = {}): Steps<ReadCatalogue> {
  if (format === 'phoebus') return yield* phoebusCatalogue(text);
  const read = format === 'psi-yaml' ? readPsiRequest(text, options) : yield* readRequest(format === 'req' ? 'autosave' : format === 'burt-req' ? 'burt' : 'psi', text, options);
  return { ...read, entries: read.entries.map(entryInput) };
}

function* phoebusCatalogue(text: string): Steps<ReadCatalogue> {
  const collect = createCollector();
  const rows = yield* readPhoebusConfiguration(text, collect);
  const seen = new Map<string, number>();
  for (const { entry, line } of rows) {
    yield;
    for (const name of [entry.setpoint, entry.readback]) {
      const wrong = name === null ? undefined : nameFault(name);
      if (wrong !== undefined) collect.fault(line, wrong);
    }
    const earlier = seen.get(entry.setpoint!);
    if (earlier === undefined) seen.set(entry.setpoint!, line);
    else collect.fault(line, `${entry.setpoint} stands on line ${earlier} already`);
  }
  const { faults } = collect.end({});
  return faults.length > 0 ? { entries: [], lines: [], faults } : { entries: rows.map(({ entry }) => entryInput(entry)), lines: rows.map(({ line }) => line), faults };
}

const fileEntry = (entry: CatalogueEntry): FileEntry => ({
  setpoint: entry.setpointAddress, readback: entry.readbackAddress, config: entry.configAddress, device: entry.device, description: entry.description,
  absTolerance: entry.absTolerance, relTolerance: entry.relTolerance, readOnly: entry.readOnly, tags: entry.tags.map((tag) => tag.name),
});

/** All of it at once, for a few entries. `columns`: when not all. */
export function writeCatalogueCsv(entries: readonly CatalogueEntry[], columns: readonly Field[] = allFields): string {
  const writer = createCatalogueCsvWriter(groupsOf(entries), columns);
  return writer.head + writer.rows(entries);
}

export const writableCatalogueFormats = ['csv', 'req', 'burt-req'] as const;

export function writeCatalogue(format: (typeof writableCatalogueFormats)[number], entries: readonly CatalogueEntry[]): WrittenFile {
  if (format === 'csv') return { text: writeCatalogueCsv(entries), losses: [] };
  return writeRequest(format === 'req' ? 'autosave' : 'burt', entries.map(fileEntry));
}
