import { pipeline } from 'node:stream/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { CatalogueEntry } from '../../contracts/catalogue.ts';
import { writableCatalogueFormats, writeCatalogueCsv } from '../../formats/registry.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../fault.ts';
import { cell, count, localTime, print, printJson, printTable } from '../output.ts';
import { addImportCommand } from './pv-import.ts';
import { writePieces } from '../text-file.ts';
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

  addImportCommand(pv, connect);

  pv.command('export')
    .description('the catalogue as a file that `pv import` takes')
    .addOption(new Option('--format <format>', 'csv loses nothing').choices(writableCatalogueFormats).default('csv'))
    .option('--search <text>', 'part of an address, device or description; * and ? are wildcards')
    .option('-o, --output <file>', 'where to; without it standard output')
    .action(async (options: { format: string; search?: string; output?: string }) => {
      const { pieces, losses } = await connect().downloadPieces('/v1/pvs/export', { format: options.format, pvName: options.search });
      tellLosses(losses);
      if (options.output === undefined) return pipeline(pieces, process.stdout, { end: false });
      await writePieces(options.output, pieces);
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
