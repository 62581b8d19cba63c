import { writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CatalogueEntry } from '../../contracts/catalogue.ts';
import { DreyError } from '../../contracts/errors.ts';
import { writeCatalogueCsv } from '../../formats/catalogue-csv.ts';
import { parseMacros } from '../../formats/macros.ts';
import { catalogueFormatNames, readCatalogue, writableCatalogueFormats, type CatalogueFormat } from '../../formats/registry.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../fault.ts';
import { cell, count, localTime, print, printJson, printTable } from '../output.ts';
import { readText } from '../text-file.ts';
import { tellLosses } from './snapshot-files.ts';

interface Page {
  results: CatalogueEntry[];
  continuationToken: string | null;
  totalCount: number;
}
interface Live {
  value: unknown;
  enumLabel?: string | null;
  units?: string | null;
  severity: number | null;
  /** Seconds since 1970. */
  timestamp: number | null;
  outcome: string;
  reason?: string | null;
}

const limit = (text: string): number => {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('a whole number, 1 or larger.');
  return number;
};

export function pvCommands(connect: () => Client): Command {
  const pv = new Command('pv').description('the catalogue of PVs, and their live values');

  pv.command('import <file>')
    .description('register entries from CSV (columns Setpoint, Readback, Config, Device, Description, Abs Tolerance, Rel Tolerance, Read Only; others are tag groups), or from request files of autosave, BURT, PSI snapshot or Phoebus; all or none')
    .addOption(new Option('--format <format>', 'absent: by the name of the file').choices(catalogueFormatNames))
    .option('--macros <list>', 'for request files: P=DEMO:,M=m1', '')
    .option('--dry-run', 'check the file, register nothing')
    .option('--json', 'print JSON')
    .action(async (file: string, options: { format?: CatalogueFormat; macros: string; dryRun?: true; json?: true }) => {
      const macros = parseMacros(options.macros);
      if (macros === undefined) throw new DreyError('badInput', `--macros ${options.macros} is no list of NAME=value`);
      const text = readText(file);
      // Request files name what they include as seen from the first of them.
      const include = (path: string): string => readText(join(dirname(file), path));
      const { entries, faults } = readCatalogue(options.format ?? formatOf(file, text), text, { macros, include });
      if (faults.length > 0) throw new DreyError('badInput', `${file} has ${count(faults.length, 'fault')}; nothing was registered`, { faults: faults.slice(0, 100) });
      const created = options.dryRun ? [] : await connect().post<CatalogueEntry[]>('/v1/pvs/multi', entries);
      if (options.json) return printJson({ entries: entries.length, registered: created.length });
      print(options.dryRun ? `${file} is sound: ${count(entries.length, 'entry', 'entries')}, nothing was registered` : `registered ${count(created.length, 'entry', 'entries')}`);
    });

  pv.command('export')
    .description('the catalogue as a file that `pv import` takes')
    .addOption(new Option('--format <format>', 'csv loses nothing').choices(writableCatalogueFormats).default('csv'))
    .option('--search <text>', 'part of an address, device or description; * and ? are wildcards')
    .option('-o, --output <file>', 'where to; without it standard output')
    .action(async (options: { format: string; search?: string; output?: string }) => {
      const { text, losses } = await connect().download('/v1/pvs/export', { format: options.format, pvName: options.search });
      tellLosses(losses);
      if (options.output === undefined) process.stdout.write(text);
      else writeFileSync(options.output, text);
    });

  pv.command('list')
    .description('catalogue entries')
    .option('--search <text>', 'part of an address, device or description; * and ? are wildcards')
    .option('--limit <n>', 'how many; absent: 50 in a table, all in CSV and JSON', limit)
    .option('--csv', 'print CSV that `pv import` takes')
    .option('--json', 'print JSON')
    .action(async (options: { search?: string; limit?: number; csv?: true; json?: true }) => {
      const client = connect();
      const most = options.limit ?? (options.csv || options.json ? Infinity : 50);
      const found: CatalogueEntry[] = [];
      let totalCount = 0;
      for (let continuationToken: string | undefined; found.length < most; ) {
        const page: Page = await client.get<Page>('/v1/pvs/paged', { pvName: options.search, pageSize: Math.min(1000, most - found.length), continuationToken });
        found.push(...page.results);
        totalCount = page.totalCount;
        if (page.continuationToken === null) break;
        continuationToken = page.continuationToken;
      }
      if (options.json) return printJson(found);
      if (options.csv) return void process.stdout.write(writeCatalogueCsv(found));
      printTable(
        ['SETPOINT', 'READBACK', 'DEVICE', 'TOLERANCE', 'TAGS'],
        found.map((entry) => [entry.setpointAddress ?? '-', entry.readbackAddress ?? '-', entry.device, entry.absTolerance || entry.relTolerance ? `${entry.absTolerance} / ${entry.relTolerance}` : '', entry.tags.map((tag) => tag.name).join(' ')]),
      );
      if (totalCount > found.length) print(`${count(totalCount, 'entry', 'entries')} in all; see --limit`);
    });

  pv.command('get <name...>')
    .description('live values, read now; exit code 3 if any could not be read')
    .option('--json', 'print JSON')
    .action(async (names: string[], options: { json?: true }) => {
      const values = await connect().post<Record<string, Live>>('/v1/pvs/live', { pv_names: names });
      const missing = names.filter((name) => values[name]?.outcome !== 'ok');
      if (missing.length > 0) process.exitCode = exitCodes.incomplete;
      if (options.json) return printJson(values);
      printTable(
        ['PV', 'VALUE', 'UNITS', 'ALARM', 'TIME'],
        names.map((name) => {
          const live = values[name];
          if (live === undefined) return [name, 'not in the catalogue', '', '', ''];
          if (live.outcome !== 'ok') return [name, live.reason ?? live.outcome, '', '', ''];
          return [name, cell(live.value, live.enumLabel), live.units ?? '', ['', 'MINOR', 'MAJOR', 'INVALID'][live.severity ?? 0] ?? '', live.timestamp === null ? '' : localTime(new Date(Number(live.timestamp) * 1000).toISOString())];
        }),
      );
    });
  return pv;
}

function formatOf(file: string, text: string): CatalogueFormat {
  const extension = extname(file).toLowerCase();
  if (extension === '.req') return 'req';
  if (['.yaml', '.yml', '.json'].includes(extension)) return 'psi-yaml';
  return /^PV\s*,/m.test(text) && !/^[^#\n]*\bsetpoint\b/im.test(text) ? 'phoebus' : 'csv';
}
