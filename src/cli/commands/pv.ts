import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import type { CatalogueEntry } from '../../contracts/catalogue.ts';
import { DreyError } from '../../contracts/errors.ts';
import { parseCatalogueCsv, writeCatalogueCsv } from '../../formats/catalogue-csv.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../fault.ts';
import { cell, count, localTime, print, printJson, printTable } from '../output.ts';

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
  timestamp: string | number | null;
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

  pv.command('import <file.csv>')
    .description('register entries from CSV (columns Setpoint, Readback, Config, Device, Description, Abs Tolerance, Rel Tolerance, Read Only; others are tag groups); all or none')
    .option('--dry-run', 'check the file, register nothing')
    .option('--json', 'print JSON')
    .action(async (file: string, options: { dryRun?: true; json?: true }) => {
      const { entries, faults } = parseCatalogueCsv(readText(file));
      if (faults.length > 0) throw new DreyError('badInput', `${file} has ${count(faults.length, 'fault')}; nothing was registered`, { faults: faults.slice(0, 100) });
      const created = options.dryRun ? [] : await connect().post<CatalogueEntry[]>('/v1/pvs/multi', entries);
      if (options.json) return printJson({ entries: entries.length, registered: created.length });
      print(options.dryRun ? `${file} is sound: ${count(entries.length, 'entry', 'entries')}, nothing was registered` : `registered ${count(created.length, 'entry', 'entries')}`);
    });

  pv.command('list')
    .description('catalogue entries')
    .option('--search <text>', 'part of an address, device or description; * and ? are wildcards')
    .option('--limit <n>', 'how many', limit, 50)
    .option('--csv', 'print CSV that `pv import` takes')
    .option('--json', 'print JSON')
    .action(async (options: { search?: string; limit: number; csv?: true; json?: true }) => {
      const client = connect();
      const found: CatalogueEntry[] = [];
      let totalCount = 0;
      for (let continuationToken: string | undefined; found.length < options.limit; ) {
        const page: Page = await client.get<Page>('/v1/pvs/paged', { pvName: options.search, pageSize: Math.min(1000, options.limit - found.length), continuationToken });
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
          return [name, cell(live.value, live.enumLabel), live.units ?? '', ['', 'MINOR', 'MAJOR', 'INVALID'][live.severity ?? 0] ?? '', typeof live.timestamp === 'string' ? localTime(live.timestamp) : String(live.timestamp ?? '')];
        }),
      );
    });
  return pv;
}

function readText(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file === '-' ? 0 : file));
  } catch (error) {
    if (error instanceof TypeError) throw new DreyError('badInput', `${file} is not UTF-8 text`);
    throw new DreyError('badInput', `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
