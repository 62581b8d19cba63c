/** A connection outlives the request that its key was checked for: keys that have ended since end it. */
import type { Log } from '../../kernel/log.ts';
import type { ApiKeyStore } from '../../persistence/port.ts';
import { operationScopes } from '../access.ts';
import type { LiveClient } from './client.ts';

/** While the database cannot be asked nobody can deactivate a key either, and connections stay. */
export async function dismissEndedKeys(clients: Iterable<LiveClient>, keys: Pick<ApiKeyStore, 'list'>, dismiss: (client: LiveClient, why: string) => void, log: Log): Promise<void> {
  const held = [...clients].filter(({ keyId }) => keyId !== null);
  if (held.length === 0) return;
  const active = await keys.list(true).catch((error: unknown) => log.debug({ err: error }, 'the keys of WebSocket clients could not be looked up; the next beat tries again'));
  if (!active) return;
  const byId = new Map(active.map((key) => [key.id, key]));
  for (const client of held) {
    const key = byId.get(client.keyId!);
    if (key === undefined) dismiss(client, `the API key of ${client.who} was deactivated`);
    else if (!operationScopes['pvs.live'].some((scope) => key.scopes.includes(scope))) dismiss(client, `the API key of ${client.who} has no right to live values any more`);
  }
}
