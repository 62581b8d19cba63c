import { Command } from 'commander';
import { print, printJson } from '../output.ts';

export function migrateCommands(copy: (from: string, dryRun: boolean) => Promise<{ report: unknown; lines: readonly string[] }>): Command {
  const migrate = new Command('migrate').description('move in from another system');
  migrate
    .command('squirrel')
    .description('copy catalogue, tags, API keys and snapshots of a Squirrel database into Drey\'s own (DATABASE_URL, or that of a running `drey up` in the data folder); what is there already is left alone')
    .requiredOption('--from <url>', 'postgres:// address of the Squirrel database; it is only read')
    .option('--dry-run', 'say what would be copied')
    .option('--json', 'print JSON')
    .action(async ({ from, dryRun, json }: { from: string; dryRun?: true; json?: true }) => {
      const { report, lines } = await copy(from, dryRun ?? false);
      if (json) printJson(report);
      else for (const line of lines) print(line);
    });
  return migrate;
}
