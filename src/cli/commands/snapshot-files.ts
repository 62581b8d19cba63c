import { Option, type Command } from 'commander';
import type { SnapshotSummary } from '../../contracts/snapshots.ts';
import { snapshotFormatNames } from '../../formats/registry.ts';
import type { Client } from '../client.ts';
import { count, print, printJson } from '../output.ts';
import { snapshotId } from '../snapshot-reference.ts';
import { readText, writePieces } from '../text-file.ts';

interface Imported {
  snapshot: SnapshotSummary | null;
  format: string;
  channels: number;
  entriesCreated: number;
  losses: string[];
}

/** To standard error: what is printed or written is the file. */
export function tellLosses(losses: readonly string[]): void {
  for (const loss of losses) process.stderr.write(`drey: ${loss}\n`);
}

export function addFileCommands(snapshot: Command, connect: () => Client): void {
  const format = (): Option => new Option('--format <format>', 'ndjson (Drey, without loss), sav (autosave), burt, psi (PSI snapshot), phoebus (CSV)').choices(snapshotFormatNames);

  snapshot
    .command('import <file>')
    .description('keep the values of a file as a snapshot: Drey NDJSON, autosave .sav, BURT .snap, PSI .snap, Phoebus CSV')
    .addOption(format())
    .option('--title <text>', 'what people will look for; without it what the file says')
    .option('--create', 'make catalogue entries for PVs that have none')
    .option('--dry-run', 'check the file, store nothing')
    .option('--json', 'print JSON')
    .action(async (file: string, options: { format?: string; title?: string; create?: true; dryRun?: true; json?: true }) => {
      const { format: wanted, title, create, dryRun } = options;
      const imported = await connect().upload<Imported>('/v1/snapshots/import', readText(file), { format: wanted, title, create, dryRun });
      if (options.json) return printJson(imported);
      tellLosses(imported.losses);
      const what = `${count(imported.channels, 'PV')} (${imported.format}), ${count(imported.entriesCreated, 'new catalogue entry', 'new catalogue entries')}`;
      print(imported.snapshot === null ? `${file} is sound: ${what}; nothing was stored` : `${imported.snapshot.id}  ${imported.snapshot.title}: ${what}`);
    });

  snapshot
    .command('export <snapshot>')
    .description('a snapshot as a file; what the format cannot hold is told on standard error')
    .addOption(format().default('ndjson'))
    .option('-o, --output <file>', 'where to; without it standard output')
    .action(async (reference: string, options: { format: string; output?: string }) => {
      const client = connect();
      const { text, losses } = await client.download(`/v1/snapshots/${await snapshotId(client, reference)}/export`, { format: options.format });
      tellLosses(losses);
      if (options.output === undefined) process.stdout.write(text);
      else await writePieces(options.output, [text]);
    });
}
