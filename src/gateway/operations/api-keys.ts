/** Keys of programs. A token is shown once; what is stored is its hash. */
import { z } from 'zod';
import { DreyError } from '../../contracts/errors.ts';
import { apiScopes, type ApiKey, type ApiKeyStore } from '../../persistence/port.ts';
import { flagsOf, scopesOf, type Caller } from '../access.ts';
import type { Audit } from '../audit.ts';

const scope = z.enum(apiScopes);

export const newApiKey = z.strictObject({
  appName: z.string().trim().min(1).max(255).describe('name of the program or person; unique among the active keys'),
  scopes: z.array(scope).optional().describe('read: all reads; write: catalogue and tags; snapshot: take, edit, delete snapshots; restore: write to the machine, open and close breakers; admin: keys'),
  readAccess: z.boolean().optional().describe('the same as the scope read'),
  writeAccess: z.boolean().optional().describe('the same as the scopes write, snapshot and restore; not admin'),
});

export const apiKeyView = z.object({
  id: z.string(),
  appName: z.string(),
  scopes: z.array(scope),
  readAccess: z.boolean(),
  writeAccess: z.boolean(),
  isActive: z.boolean(),
  createdAt: z.string().describe('ISO 8601'),
  updatedAt: z.string().describe('made or deactivated, ISO 8601'),
  lastUsedAt: z.string().nullable().describe('ISO 8601; null = never'),
});
export const createdApiKey = apiKeyView.extend({ token: z.string().describe('shown this once') });

const view = (key: ApiKey): z.output<typeof apiKeyView> => ({ ...key, scopes: [...key.scopes], ...flagsOf(key) });

export function createApiKeyOperations({ keys, audit }: { keys: ApiKeyStore; audit: Audit }) {
  return {
    list: async (activeOnly: boolean) => (await keys.list(activeOnly)).map(view),

    create: async (caller: Caller, wanted: z.output<typeof newApiKey>): Promise<z.output<typeof createdApiKey>> => {
      const scopes = scopesOf(wanted);
      // 409, as the Squirrel contract has it.
      if (scopes.length === 0) throw new DreyError('conflict', `a key for "${wanted.appName}" needs a right: give scopes, readAccess or writeAccess`);
      return audit.change(caller, { what: 'apiKeys.create', subject: wanted.appName, after: { scopes } }, async () => {
        const { key, token } = await keys.create(wanted.appName, scopes);
        return { value: { ...view(key), token }, after: view(key) };
      });
    },

    deactivate: async (caller: Caller, id: string, force: boolean) => {
      const key = (await keys.list(false)).find((candidate) => candidate.id === id.toLowerCase());
      if (!key) throw new DreyError('notFound', `there is no API key "${id}"`);
      if (!key.isActive) throw new DreyError('conflict', `the API key "${key.appName}" (${id}) is inactive already`);
      if (key.id === caller.keyId && !force) throw new DreyError('conflict', `"${key.appName}" is the key of this very request: say force=true to deactivate it all the same`);
      return audit.change(caller, { what: 'apiKeys.deactivate', subject: key.appName, before: view(key) }, async () => {
        const after = view(await keys.deactivate(id));
        return { value: after, after };
      });
    },
  };
}
export type ApiKeyOperations = ReturnType<typeof createApiKeyOperations>;
