import { Command } from 'commander';
import type { Client } from '../client.ts';
import { print, printJson, printTable } from '../output.ts';
import { tagGroups } from '../tag-groups.ts';

export function tagCommands(connect: () => Client): Command {
  const tag = new Command('tag').description('tags of the catalogue, in groups');
  tag
    .command('list')
    .description('every group with its tags, as --tag Group=Tag takes them')
    .option('--json', 'print JSON')
    .action(async (options: { json?: true }) => {
      const groups = await tagGroups(connect());
      if (options.json) return printJson(groups);
      if (groups.length === 0) return print('no tags');
      printTable(['GROUP', 'TAGS'], groups.map(({ name, tags }) => [name, tags.map((one) => one.name).join(', ')]));
    });
  return tag;
}
