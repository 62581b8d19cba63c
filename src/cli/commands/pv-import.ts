/** `pv import`: the server checks, against its catalogue too. What includes other files is put together here, where they are. */
import { dirname, extname, join } from 'node:path';
import { Option, type Command } from 'commander';
import { newCatalogueEntry, type CatalogueEntry } from '../../contracts/catalogue.ts';
import { DreyError } from '../../contracts/errors.ts';
import { parseMacros } from '../../formats/macros.ts';
import { catalogueFormatNames, formatSays, readCatalogue, writeCatalogueCsv, type CatalogueFormat } from '../../formats/registry.ts';
import { atOnce } from '../../kernel/in-turns.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../fault.ts';
import { count, print, printJson } from '../output.ts';
import { readPieces, readStart, readText } from '../text-file.ts';

interface Imported {
  rows: number;
  registered: number;
  unchanged: number;
  updated: number;
  skipped: number;
  errors: string[];
  tagGroups: { name: string; isNew: boolean; tags: number; newTags: number; firstNewTags: string[] }[];
}
interface Options {
  format?: CatalogueFormat;
  macros: string;
  onError: 'fail' | 'skip';
  onExisting: 'fail' | 'update';
  dryRun?: true;
  json?: true;
}

const mostShown = 100;

export function addImportCommand(pv: Command, connect: () => Client): void {
  pv.command('import <file>')
    .description('register entries, or edit those there are, from CSV (columns Setpoint, Readback, Config, Device, Description, Abs Tolerance, Rel Tolerance, Read Only; others are tag groups), or from request files of autosave, BURT, PSI snapshot or Phoebus; - is standard input')
    .addOption(new Option('--format <format>', 'absent: by the name of the file').choices(catalogueFormatNames))
    .option('--macros <list>', 'for request files: P=DEMO:,M=m1', '')
    .addOption(new Option('--on-error <what>', 'fail: with any fault nothing is registered; skip: the sound lines are, and the exit code is 3').choices(['fail', 'skip']).default('fail'))
    .addOption(new Option('--on-existing <what>', 'lines that differ from an entry there is. fail: they are faults; update: they edit the entry, in the columns that the file has').choices(['fail', 'update']).default('fail'))
    .option('--dry-run', 'check the file against the catalogue, change nothing')
    .option('--json', 'print JSON')
    .action(async (file: string, options: Options) => {
      const imported = await upload(connect(), file, options);
      if (imported.skipped > 0) process.exitCode = exitCodes.incomplete;
      if (options.json) return printJson(imported);
      for (const line of report(file, imported, options.dryRun === true)) print(line);
      const shown = imported.errors.slice(0, mostShown);
      for (const error of shown) process.stderr.write(`  - ${error}\n`);
      if (imported.skipped > shown.length) process.stderr.write(`  … ${imported.skipped - shown.length} more\n`);
    });
}

export function report(file: string, { rows, registered, unchanged, updated, skipped, tagGroups }: Imported, dryRun: boolean): string[] {
  const left = skipped === 0 ? '' : `, ${count(skipped, 'line')} left out`;
  const fresh = count(dryRun ? rows - unchanged - updated : registered, 'entry', 'entries');
  const others = `${unchanged === 0 ? '' : `, ${unchanged.toLocaleString('en')} unchanged`}${left}`;
  const lines = [dryRun ? `${file}: ${fresh} would be registered${updated === 0 ? '' : `, ${updated.toLocaleString('en')} edited`}${others}; nothing was changed` : `registered ${fresh}${updated === 0 ? '' : `, edited ${updated.toLocaleString('en')}`}${others}`];
  for (const group of tagGroups) {
    const named = `${group.firstNewTags.join(', ')}${group.newTags > group.firstNewTags.length ? ', …' : ''}`;
    if (group.isNew) lines.push(`new tag group ${group.name} with ${count(group.newTags, 'new tag')}: ${named}`);
    else lines.push(`tag group ${group.name}: ${count(group.tags, 'tag')}${group.newTags === 0 ? '' : `, ${group.newTags} of them new: ${named}`}`);
  }
  return lines;
}

async function upload(client: Client, file: string, options: Options): Promise<Imported> {
  const { onError, onExisting, dryRun } = options;
  const macros = parseMacros(options.macros);
  if (macros === undefined) throw new DreyError('badInput', `--macros ${options.macros} is no list of NAME=value`);
  const given = file === '-' ? readText(file) : undefined;
  const format = options.format ?? formatOf(file, given ?? readStart(file));
  const send = (body: string | AsyncIterable<Uint8Array>): Promise<Imported> =>
    client.upload<Imported>('/v1/pvs/import', body, { onError, onExisting, dryRun }).catch((error: unknown) => {
      if (!(error instanceof DreyError)) throw error;
      throw new DreyError(error.code, error.message.replace('onExisting=update', '--on-existing update'), { ...(error.faults ? { faults: error.faults } : {}), cause: error });
    });
  if (format === 'csv') return send(given ?? readPieces(file));

  // Request files name what they include as seen from the first of them.
  const include = (path: string): string => readText(join(dirname(file), path));
  const { entries, lines, faults } = atOnce(readCatalogue(format, given ?? readText(file), { macros, include }));
  if (faults.length > 0) throw new DreyError('badInput', `${file} has ${count(faults.length, 'fault')}; nothing was registered`, { faults: faults.slice(0, mostShown) });
  // On its way each entry has a line of its own, below the one with the columns.
  const ofFile = (fault: string): string => fault.replace(/\bline (\d+)/g, (_, line: string) => `line ${lines[Number(line) - 2] ?? line}`);
  try {
    const imported = await send(writeCatalogueCsv(entries.map(asRegistered), formatSays[format].fields));
    return { ...imported, errors: imported.errors.map(ofFile) };
  } catch (error) {
    if (error instanceof DreyError && error.faults) throw new DreyError(error.code, ofFile(error.message), { faults: error.faults.map(ofFile), cause: error });
    throw error;
  }
}

function asRegistered(input: Parameters<typeof newCatalogueEntry.parse>[0]): CatalogueEntry {
  return { ...newCatalogueEntry.parse(input), id: '', tags: [], createdDate: '', lastModifiedDate: '' };
}

function formatOf(file: string, start: string): CatalogueFormat {
  const extension = extname(file).toLowerCase();
  if (extension === '.req') return 'req';
  if (['.yaml', '.yml', '.json'].includes(extension)) return 'psi-yaml';
  return /^PV\s*,/m.test(start) && !/^[^#\n]*\bsetpoint\b/im.test(start) ? 'phoebus' : 'csv';
}
