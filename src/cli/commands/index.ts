/** All commands but the roles. */
import type { Command } from 'commander';
import type { ReadConfig, SettingName } from '../../config.ts';
import type { CliActions } from '../actions.ts';
import { createClient, type Client } from '../client.ts';
import { print } from '../output.ts';
import { configCommand } from './config.ts';
import { doctorCommand } from './doctor.ts';
import { iocCommands } from './ioc.ts';
import { jobCommands } from './job.ts';
import { migrateCommands } from './migrate.ts';
import { pvCommands } from './pv.ts';
import { ruleCommands } from './rules.ts';
import { snapshotCommands } from './snapshot.ts';
import { tagCommands } from './tag.ts';

interface CommandNeeds {
  /** The configuration, with the options of the program in force. */
  readonly read: () => ReadConfig;
  readonly flagsOf: () => Partial<Record<SettingName, unknown>>;
  readonly actions: CliActions;
}

export function addCommands(program: Command, { read, flagsOf, actions }: CommandNeeds): void {
  const connect = (): Client => createClient(read().config);
  program
    .command('key <name>')
    .description('make an API key in the database: that of DATABASE_URL, or of the Drey that runs on the data folder')
    .option('--scope <scope...>', 'read, write, snapshot, restore, admin', ['read', 'write', 'snapshot', 'restore', 'admin'])
    .action(async (name: string, options: { scope: string[] }) => print(await actions.createKey(name, options.scope)));
  program.addCommand(migrateCommands((from, dryRun) => actions.migrateSquirrel(from, dryRun, flagsOf())));
  program.addCommand(doctorCommand(read, (config) => actions.examineServers(config)));
  program.addCommand(configCommand(read));
  program.addCommand(pvCommands(connect));
  program.addCommand(tagCommands(connect));
  program.addCommand(snapshotCommands(connect));
  program.addCommand(iocCommands(connect));
  program.addCommand(jobCommands(connect));
  for (const command of ruleCommands(connect)) program.addCommand(command);
}
