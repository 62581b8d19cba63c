/** The command `drey`. Roles are run by main.ts; all else talks to a gateway over HTTP. */
import { Command, CommanderError } from 'commander';
import { readConfig, type Config, type ReadConfig, type SettingName } from '../config.ts';
import { createClient, type Client } from './client.ts';
import { configCommand } from './commands/config.ts';
import { doctorCommand, type ServerAnswer } from './commands/doctor.ts';
import { iocCommands } from './commands/ioc.ts';
import { jobCommands } from './commands/job.ts';
import { migrateCommands } from './commands/migrate.ts';
import { pvCommands } from './commands/pv.ts';
import { ruleCommands } from './commands/rules.ts';
import { snapshotCommands } from './commands/snapshot.ts';
import { tagCommands } from './commands/tag.ts';
import { exitCodes } from './fault.ts';
import { print } from './output.ts';

export type Role = 'up' | 'gateway' | 'coordinator' | 'ioc-host';
export interface CliActions {
  runRole(role: Role, flags: Partial<Record<SettingName, unknown>>): Promise<void>;
  /** What the servers answer that the configuration names. */
  examineServers(config: Config): Promise<readonly ServerAnswer[]>;
  /** Makes an API key in the database itself. */
  createKey(appName: string, scopes: readonly string[]): Promise<string>;
  /** Copies a Squirrel database into Drey's own: what was done, as data and in lines. */
  migrateSquirrel(from: string, dryRun: boolean, flags: Partial<Record<SettingName, unknown>>): Promise<{ report: unknown; lines: readonly string[] }>;
}

const roles: Record<Role, string> = {
  up: 'everything in one process, beside an embedded nats-server and Postgres and a demo facility',
  gateway: 'the HTTP door (needs NATS_URL and DATABASE_URL)',
  coordinator: 'runs snapshot and restore jobs (needs NATS_URL and DATABASE_URL)',
  'ioc-host': 'watches IOCs (needs NATS_URL)',
};

export async function runCli(argv: readonly string[], actions: CliActions): Promise<void> {
  const program = new Command('drey').description('Saves, compares and restores the state of an EPICS facility.').exitOverride().showHelpAfterError('(drey --help shows what there is)');
  program
    .option('--url <url>', 'the gateway to talk to (DREY_URL)')
    .option('--api-key <key>', 'the API key (DREY_API_KEY)')
    .option('--data <folder>', 'the data folder (DREY_DATA)');

  const flagsOf = (more: Partial<Record<SettingName, unknown>> = {}): Partial<Record<SettingName, unknown>> => ({ ...program.opts<Partial<Record<SettingName, unknown>>>(), ...more });
  const read = (): ReadConfig => readConfig({ flags: flagsOf() });
  const connect = (): Client => createClient(read().config);

  for (const [role, about] of Object.entries(roles) as [Role, string][]) {
    const command = program.command(role).description(about);
    if (role === 'up' || role === 'gateway') command.option('--port <port>', 'port of the gateway (DREY_PORT)').option('--host <address>', 'address of the gateway (DREY_HOST)');
    if (role === 'up') command.option('--no-demo', 'watch a real facility through the EPICS_CA_* variables');
    command.action(async (options: { port?: string; host?: string; demo?: boolean }) => {
      // Commander gives `demo: true` unasked; only the refusal is a flag.
      const { demo, ...rest } = options;
      await actions.runRole(role, flagsOf({ ...rest, ...(demo === false ? { demo } : {}) }));
    });
  }
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
  for (const command of program.commands) inherit(command);

  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version are no faults; everything else was printed by commander.
    process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage;
  }
}

/** Subcommands end like the program does, instead of leaving by themselves. */
function inherit(command: Command): void {
  command.exitOverride().showHelpAfterError('(--help shows what there is)');
  for (const child of command.commands) inherit(child);
}
