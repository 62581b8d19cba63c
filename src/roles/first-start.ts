/** What happens once: an API key for the person at the keyboard, and the demo's catalogue. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { apiScopes, type Persistence } from '../persistence/port.ts';
import { newCatalogueEntry, type NewCatalogueEntryInput } from '../contracts/catalogue.ts';

export const keyFile = (dataFolder: string): string => join(dataFolder, 'api-key');

/** The token kept in the data folder, made and registered if it is not known to the database. */
export async function firstKey(persistence: Persistence, dataFolder: string): Promise<string> {
  const file = keyFile(dataFolder);
  const kept = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  if (kept !== '' && (await persistence.apiKeys.verify(kept)) !== undefined) return kept;
  // A database of before whose key file is gone: its key is replaced, since a token cannot be read back.
  for (const key of await persistence.apiKeys.list(true)) if (key.appName === 'first-start') await persistence.apiKeys.deactivate(key.id);
  const token = kept === '' ? `drey_${randomBytes(32).toString('base64url')}` : kept;
  await persistence.apiKeys.adopt('first-start', apiScopes, token);
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return token;
}

/** Loads entries into a catalogue that never had any. Returns how many. */
export async function firstCatalogue(persistence: Persistence, entries: readonly NewCatalogueEntryInput[]): Promise<number> {
  const { catalogue } = await persistence.catalogue.revisions();
  if (catalogue > 0) return 0;
  await persistence.catalogue.create(entries.map((entry) => newCatalogueEntry.parse(entry)));
  return entries.length;
}
