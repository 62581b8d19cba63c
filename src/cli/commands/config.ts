import { Command } from 'commander';
import { describeConfig, type ReadConfig } from '../../config.ts';
import { printJson, printTable } from '../output.ts';

export function configCommand(read: () => ReadConfig): Command {
  return new Command('config')
    .description('every setting: its value, where it came from, what it is for; secrets hidden')
    .option('--json', 'print JSON')
    .action((options: { json?: true }) => {
      const rows = describeConfig(read());
      if (options.json) return printJson(rows);
      printTable(['VARIABLE', 'VALUE', 'FROM', 'WHAT IT IS'], rows.map((row) => [row.variable, row.value || '-', row.source, row.about]));
    });
}
