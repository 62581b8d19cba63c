/** Servers that come after the programs which need them. */
import { expect, test } from 'vitest';
import { freePort, startNats, startPostgres, temporaryFolder } from '../../testing/harness/index.ts';
import { readConfig } from '../config.ts';
import { createLifecycle } from '../kernel/lifecycle.ts';
import { silentLog, type Log } from '../kernel/log.ts';
import { ground } from './ground.ts';
import { openBus, openPersistence } from './parts.ts';

/** Resolves when it has been said that something is still being waited for. */
function listening(): { log: Log; waits: Promise<void> } {
  const { promise: waits, resolve } = Promise.withResolvers<void>();
  const log = { ...silentLog, warn: (_: unknown, message: string) => void (/still waiting/.test(message) && resolve()), child: () => log } as unknown as Log;
  return { log, waits };
}

test('a database that comes after its program is found, and the program starts', async () => {
  using folder = temporaryFolder('late-postgres');
  const first = await startPostgres({ dataFolder: folder.path });
  const port = Number(new URL(first.url).port);
  await first.stop();
  const { log, waits } = listening();
  const lifecycle = createLifecycle(silentLog);
  const opening = openPersistence(ground(readConfig({ environment: {} }).config, log, lifecycle), first.url);
  await Promise.race([waits, opening]);
  const postgres = await startPostgres({ dataFolder: folder.path, port });
  await using _postgres = { [Symbol.asyncDispose]: () => postgres.stop() };
  expect(await (await opening).ping()).toBeGreaterThanOrEqual(0);
  await lifecycle.stop();
}, 60_000);

test('a NATS server that comes after its program is found, and the program starts', async () => {
  const port = await freePort();
  const { log, waits } = listening();
  const lifecycle = createLifecycle(silentLog);
  const opening = openBus(ground(readConfig({ environment: {} }).config, log, lifecycle), 'test', { servers: `127.0.0.1:${port}` });
  await Promise.race([waits, opening]);
  const nats = await startNats({ port });
  await using _nats = { [Symbol.asyncDispose]: () => nats.stop() };
  expect((await opening).state).toBe('connected');
  await lifecycle.stop();
}, 60_000);
