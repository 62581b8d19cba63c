#!/usr/bin/env node
/** Composition: roles run here, everything else is the command line (cli/), which talks to a gateway. */
import { readConfig, type Config, type SettingName } from './config.ts';
import type { ServerAnswer } from './cli/commands/doctor.ts';
import { runCli } from './cli/index.ts';
import { reportFault } from './cli/fault.ts';

/** Roles are loaded when they run: a quick command should not pay for a database driver. */
async function runRole(role: 'up' | 'gateway' | 'coordinator' | 'ioc-host', flags: Partial<Record<SettingName, unknown>>): Promise<void> {
  const read = readConfig({ flags });
  if (role === 'up') await (await import('./roles/up.ts')).runUp(read);
  else await (await import('./roles/single.ts')).runSingle(role, read);
  process.exit(0);
}

async function createKey(appName: string, scopes: readonly string[]): Promise<string> {
  return (await import('./roles/create-key.ts')).createKey(readConfig(), appName, scopes);
}

async function examineServers(config: Config): Promise<readonly ServerAnswer[]> {
  return (await import('./roles/examine-servers.ts')).examineServers(config);
}

async function migrateSquirrel(from: string, dryRun: boolean, flags: Partial<Record<SettingName, unknown>>): Promise<{ report: unknown; lines: readonly string[] }> {
  const { migrateSquirrel: migrate, reportLines } = await import('./roles/squirrel/index.ts');
  const report = await migrate(readConfig({ flags }), from, dryRun);
  return { report, lines: reportLines(report) };
}

// `drey … | head` closes the pipe when it has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.on('unhandledRejection', (reason) => {
  reportFault(reason);
  process.exit(1);
});

try {
  await runCli(process.argv.slice(2), { runRole, examineServers, createKey, migrateSquirrel });
} catch (error) {
  process.exitCode = reportFault(error);
}
