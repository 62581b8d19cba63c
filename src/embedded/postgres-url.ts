/** The embedded Postgres of a data folder, as seen by another command on this machine. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Undefined when the folder has none. It answers only while a Drey runs on the folder. */
export function embeddedPostgresUrl(dataFolder: string, database: string): string | undefined {
  const [password, port] = ['password', 'port'].map((name) => join(dataFolder, name));
  if (!existsSync(password!) || !existsSync(port!)) return undefined;
  return `postgresql://drey:${readFileSync(password!, 'utf8').trim()}@127.0.0.1:${readFileSync(port!, 'utf8').trim()}/${database}`;
}
