/** What commands have done for them by main.ts, which alone knows the roles. */
import type { Config, SettingName } from '../config.ts';
import type { ServerAnswer } from './commands/doctor.ts';

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
