/** Files to catalogue entries and back: all or nothing, or the sound rows alone; every fault with its line. */
import { newCatalogueEntry, type CatalogueEntry, type NewCatalogueEntry } from '../../contracts/catalogue.ts';
import { DreyError } from '../../contracts/errors.ts';
import { parseMacros } from '../../formats/macros.ts';
import { readCatalogue, writeCatalogue, type CatalogueFormat, type writableCatalogueFormats } from '../../formats/registry.ts';
import type { WrittenFile } from '../../formats/snapshot-file.ts';
import type { CatalogueStore } from '../../persistence/port.ts';
import type { Caller } from '../access.ts';
import { mostEntriesAtOnce, type CatalogueOperations } from './catalogue.ts';
import type { ChannelNames } from './channel-names.ts';
import { faulty } from './snapshot-files.ts';

export interface CatalogueImport {
  readonly text: string;
  readonly format: CatalogueFormat;
  readonly macros?: string;
  readonly dryRun: boolean;
  readonly onError: 'fail' | 'skip';
}

export interface ImportedCatalogue {
  /** Sound rows of the file. */
  readonly rows: number;
  readonly registered: number;
  readonly skipped: number;
  readonly errors: readonly string[];
}

const mostErrors = 1_000;
const lineOf = (fault: string): string => fault.slice(0, fault.indexOf(':'));

export function createCatalogueFileOperations({ catalogue, entries, names }: { catalogue: CatalogueStore; entries: CatalogueOperations; names: ChannelNames }) {
  /** Line and name of entries whose setpoint another entry of today's catalogue has. */
  const takenSetpoints = async (fresh: readonly NewCatalogueEntry[]): Promise<Set<string>> => {
    const { byName } = await names.current();
    const known = fresh.flatMap(({ setpointAddress }) => (setpointAddress === null ? [] : (byName.get(setpointAddress) ?? [])));
    const nameOf = new Map(known.map(({ id, name }) => [id, name]));
    return new Set((await catalogue.setpoints(Int32Array.from(nameOf.keys()).sort())).map(({ channel }) => nameOf.get(channel)!));
  };

  return {
    import: async (caller: Caller, { text, format, macros: macroText = '', dryRun, onError }: CatalogueImport): Promise<ImportedCatalogue> => {
      const macros = parseMacros(macroText);
      if (macros === undefined) throw new DreyError('badInput', `macros ${JSON.stringify(macroText.slice(0, 100))} is no list of NAME=value`);
      const read = readCatalogue(format, text, { macros, skipFaulty: onError === 'skip' });
      const faults = [...read.faults];
      const lines: number[] = [];
      const fresh: NewCatalogueEntry[] = [];
      read.entries.forEach((entry, i) => {
        const checked = newCatalogueEntry.safeParse(entry);
        if (!checked.success) return void faults.push(`line ${read.lines[i]}: ${checked.error.issues[0]!.message}`);
        fresh.push(checked.data);
        lines.push(read.lines[i]!);
      });
      const taken = await takenSetpoints(fresh);
      const sound = fresh.filter(({ setpointAddress }, i) => {
        if (setpointAddress === null || !taken.has(setpointAddress)) return true;
        faults.push(`line ${lines[i]}: ${setpointAddress} is the setpoint of another catalogue entry`);
        return false;
      });
      if (faults.length > 0 && onError === 'fail') throw faulty('the file has faults, nothing was registered', faults);
      if (sound.length > mostEntriesAtOnce) throw new DreyError('tooLarge', `the file has ${sound.length} entries, at most ${mostEntriesAtOnce} are taken at once: cut it up`);
      const created: readonly CatalogueEntry[] = dryRun || sound.length === 0 ? [] : await entries.create(caller, sound);
      return { rows: sound.length, registered: created.length, skipped: new Set(faults.map(lineOf)).size, errors: faults.slice(0, mostErrors) };
    },

    export: async (format: (typeof writableCatalogueFormats)[number], search: string | undefined): Promise<WrittenFile> => {
      const all: CatalogueEntry[] = [];
      for (let continuationToken: string | undefined, more = true; more; ) {
        const page = await catalogue.list(search === undefined ? {} : { search }, { pageSize: 10_000, ...(continuationToken === undefined ? {} : { continuationToken }) });
        all.push(...page.results);
        more = page.continuationToken !== null;
        continuationToken = page.continuationToken ?? undefined;
      }
      return writeCatalogue(format, all);
    },
  };
}
export type CatalogueFileOperations = ReturnType<typeof createCatalogueFileOperations>;
