/** The command `drey`. Roles are run by main.ts; all else talks to a gateway over HTTP. */
import { Command, CommanderError } from 'commander';
import { readConfig, type ReadConfig, type SettingName } from '../config.ts';
import type { CliActions, Role } from './actions.ts';
import { exitCodes } from './fault.ts';

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
  try {
    // A role has to start soon, and needs none of what the other commands are made of.
    if (!(program.parseOptions([...argv]).operands[0]! in roles)) {
      const { addCommands } = await import('./commands/index.ts');
      addCommands(program, { read, flagsOf, actions });
    }
    for (const command of program.commands) inherit(command);
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
