/** Files to catalogue entries and back: all or nothing, or the sound rows alone; every fault with its line. */
import type { CatalogueEntry } from '../../contracts/catalogue.ts';
import { DreyError } from '../../contracts/errors.ts';
import { createCatalogueCsvWriter, meansNothing } from '../../formats/catalogue-csv-writer.ts';
import { parseMacros } from '../../formats/macros.ts';
import { formatSays, writeCatalogue, type CatalogueFormat, type writableCatalogueFormats } from '../../formats/registry.ts';
import type { CatalogueExport, CatalogueImport, CatalogueStore, FileSays, ImportRow, TagGroupUse, TagStore } from '../../persistence/port.ts';
import type { Caller } from '../access.ts';
import type { CatalogueOperations } from './catalogue.ts';
import { rowsOfCsv, rowsOfFile, type Body } from './catalogue-rows.ts';
import { refusalOf } from './import-refusals.ts';

export interface CatalogueFile {
  readonly body: Body;
  readonly format: CatalogueFormat;
  readonly macros?: string;
  readonly dryRun: boolean;
  readonly onError: 'fail' | 'skip';
  /** What becomes of rows whose entry there is, and which say something else of it. */
  readonly onExisting: 'fail' | 'update';
}

export interface ImportedCatalogue {
  /** Sound rows of the file. */
  readonly rows: number;
  readonly registered: number;
  /** Rows that say what the catalogue has already. */
  readonly unchanged: number;
  /** Entries edited, or that would be. */
  readonly updated: number;
  readonly skipped: number;
  readonly errors: readonly string[];
  /** What the sound rows name as tags. */
  readonly tagGroups: readonly TagGroupUse[];
}

interface Fault {
  readonly line: number;
  readonly what: string;
}

const mostRows = 2_000_000;
const mostErrors = 1_000;
const mostFaults = 100;

export interface CatalogueFileDeps {
  readonly catalogue: CatalogueStore;
  readonly entries: CatalogueOperations;
  readonly tags: TagStore;
}

export function createCatalogueFileOperations({ catalogue, entries, tags }: CatalogueFileDeps) {
  const rowsOf = async ({ body, format, macros: text = '' }: CatalogueFile, hear: (says: FileSays) => void): Promise<ReturnType<typeof rowsOfCsv>> => {
    const macros = parseMacros(text);
    if (macros === undefined) throw new DreyError('badInput', `macros ${JSON.stringify(text.slice(0, 100))} is no list of NAME=value`);
    if (format !== 'csv') {
      hear(formatSays[format]);
      return rowsOfFile(body, format, macros);
    }
    return rowsOfCsv(body, new Set((await tags.groups()).map(({ name }) => name.toLowerCase())), hear);
  };

  return {
    import: async (caller: Caller, file: CatalogueFile): Promise<ImportedCatalogue> => {
      let says: FileSays = { fields: [], groups: [] };
      const rows = await rowsOf(file, (heard) => (says = heard));
      const staged = await catalogue.beginImport();
      try {
        const faulty = await stage(staged, rows);
        const checked = await staged.check({ forGood: !file.dryRun, edit: file.onExisting === 'update', says });
        const faults = [...faulty.first, ...checked.refusals.map((row) => ({ line: row.line, what: refusalOf(row, says) }))];
        const errors = faults.sort((a, b) => a.line - b.line).slice(0, mostErrors).map(sentence);
        const skipped = faulty.count + checked.refused;
        if (skipped > 0 && file.onError === 'fail') {
          const cure = checked.refusals.some(({ entries: there }) => there === 1) && file.onExisting === 'fail' ? '; onExisting=update changes entries that differ' : '';
          throw new DreyError('badInput', `the file has faults, nothing was registered: ${errors[0]}${skipped > 1 ? ` (and ${skipped - 1} more)` : ''}${cure}`, { faults: errors.slice(0, mostFaults) });
        }
        const { unchanged, edited: updated } = checked;
        const fresh = checked.rows - unchanged - updated;
        const registered = file.dryRun || fresh + updated === 0 ? 0 : await entries.register(caller, staged, { fresh, edited: updated });
        return { rows: checked.rows, registered, unchanged, updated, skipped, errors, tagGroups: checked.tagGroups };
      } finally {
        await staged.abort();
      }
    },

    /** CSV goes out page by page; the others say a name once, wherever it stands, and are made whole. */
    export: async (format: (typeof writableCatalogueFormats)[number], search: string | undefined): Promise<{ text: string | AsyncGenerator<string>; losses: readonly string[] }> => {
      const found = await catalogue.export(search === undefined ? {} : { search });
      if (format === 'csv') {
        const lost = await found.countTexts(meansNothing);
        return { text: csvOf(found), losses: lost === 0 ? [] : [`${lost} devices or descriptions are "nan" or "none", which an import reads as nothing`] };
      }
      const all: CatalogueEntry[] = [];
      for await (const page of found.pages()) all.push(...page);
      return writeCatalogue(format, all);
    },
  };
}
export type CatalogueFileOperations = ReturnType<typeof createCatalogueFileOperations>;

async function* csvOf({ tagGroups, pages }: CatalogueExport): AsyncGenerator<string> {
  const writer = createCatalogueCsvWriter(tagGroups);
  yield writer.head;
  for await (const page of pages()) yield writer.rows(page);
}

const sentence = ({ line, what }: Fault): string => `line ${line}: ${what}`;

/** D1: what breaks the file itself is refused whatever else is wished: nobody knows what its other rows are. */
async function stage(staged: CatalogueImport, rows: ReturnType<typeof rowsOfCsv>): Promise<{ first: Fault[]; count: number }> {
  const first: Fault[] = [];
  const broken: Fault[] = [];
  let count = 0;
  let sound = 0;
  for await (const some of rows) {
    const batch: ImportRow[] = [];
    for (const row of some) {
      if ('entry' in row) batch.push(row);
      else if ('broken' in row) broken.push({ line: row.line, what: row.broken });
      else if (++count <= mostErrors) first.push({ line: row.line, what: row.fault });
    }
    sound += batch.length;
    if (broken.length > 0 || batch.length === 0) continue;
    if (sound > mostRows) throw new DreyError('tooLarge', `the file has more than ${mostRows} entries, which is as many as are taken at once: cut it up`);
    await staged.add(batch);
  }
  if (broken.length === 0) return { first, count };
  const faults = broken.map(sentence);
  throw new DreyError('invalid', `the file is broken, nothing was registered: ${faults[0]}`, { faults });
}
