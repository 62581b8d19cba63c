import { expect, test } from 'vitest';
import { silentLog } from '../../kernel/log.ts';
import { describeBus } from '../../../testing/conformance/bus/index.ts';
import { freePort, startNats, temporaryFolder } from '../../../testing/harness/index.ts';
import { connectNats, ensureTopology } from './index.ts';
import { isNewEnough, parseServers } from './link.ts';

describeBus('NATS', async () => {
  const folder = temporaryFolder('bus');
  const port = await freePort();
  let server = await startNats({ port, dataFolder: folder.path });
  return {
    connect: async (name = 'test') => {
      const bus = await connectNats({ servers: `127.0.0.1:${port}`, name, log: silentLog });
      await ensureTopology(bus);
      return bus;
    },
    kill: async () => {
      process.kill(server.process.pid, 'SIGKILL');
      await server.process.exited;
    },
    revive: async () => {
      server = await startNats({ port, dataFolder: folder.path });
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      folder[Symbol.dispose]();
    },
  };
});

test('no server at the address is said with the address, and without the password', async () => {
  const port = await freePort();
  const failure = connectNats({ servers: `drey:secret@127.0.0.1:${port}`, name: 'test', log: silentLog, firstConnectMs: 300 });
  await expect(failure).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(`127.0.0.1:${port}`) });
  await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
});

test('a wrong password is refused at once, the right one opens', async () => {
  await using server = await startNats({ withPassword: true });
  const { user, pass } = server.connection;
  const began = performance.now();
  await expect(connectNats({ servers: server.connection.servers, user: user!, password: 'wrong', name: 'test', log: silentLog })).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('refuses') });
  expect(performance.now() - began).toBeLessThan(5_000);
  const bus = await connectNats({ servers: `nats://${user}:${encodeURIComponent(pass!)}@${server.connection.servers}`, name: 'test', log: silentLog });
  await ensureTopology(bus);
  await Promise.all([ensureTopology(bus), ensureTopology(bus)]);
  await bus.close();
});

test('only servers from 2.10 on are new enough', () => {
  expect(['2.9.25', '1.99.0', 'unknown'].map(isNewEnough)).toEqual([false, false, false]);
  expect(['2.10.0', '2.12.1', '2.15.1-beta', '3.0.0'].map(isNewEnough)).toEqual([true, true, true, true]);
});

test('server lists are read with schemes and credentials, and an empty one is refused', () => {
  expect(parseServers(' nats://a:4222, b:4223')).toEqual({ servers: ['a:4222', 'b:4223'], tls: false });
  expect(parseServers('tls://u:p%40ss@a:4222')).toEqual({ servers: ['a:4222'], tls: true, user: 'u', password: 'p@ss' });
  expect(() => parseServers(' , ')).toThrow(/names no NATS server/);
});
