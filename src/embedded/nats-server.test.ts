import { createServer, type AddressInfo } from 'node:net';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { eventually, isRunning, startNats, startOwner, temporaryFolder } from '../../testing/harness/index.ts';
import { natsServerProgram } from '../../testing/harness/run-folder.ts';
import type { Exit } from './index.ts';

test('a second server on the same data folder is refused with the pid of the holder', async () => {
  using folder = temporaryFolder('nats');
  await using _first = await startNats({ dataFolder: folder.path });
  await expect(startNats({ dataFolder: folder.path })).rejects.toThrow(new RegExp(`in use by process ${process.pid} since`));
});

test('a port that is taken is named', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  try {
    await eventually(() => holder.listening, { saying: 'the holder to listen' });
    const { port } = holder.address() as AddressInfo;
    await expect(startNats({ port })).rejects.toThrow(`port ${port} of 127.0.0.1, wanted for nats-server, is taken`);
  } finally {
    holder.close();
  }
});

test('J1: what a stream took is still there after kill -9 of the server and a start on the same port', async () => {
  using folder = temporaryFolder('nats');
  const exits: Exit[] = [];
  const first = await startNats({ dataFolder: folder.path, onUnexpectedExit: (exit) => exits.push(exit) });
  const client = await connect(first.connection);
  await (await jetstreamManager(client)).streams.add({ name: 'kept', subjects: ['kept.>'] });
  await jetstream(client).publish('kept.one', 'value');
  await client.close();
  first.process.signal('SIGKILL');
  expect(await first.process.exited).toEqual({ code: null, signal: 'SIGKILL' });
  expect(exits).toEqual([{ code: null, signal: 'SIGKILL' }]);

  await using second = await startNats({ dataFolder: folder.path, port: first.port });
  expect(second.port).toBe(first.port);
  const again = await connect(second.connection);
  expect((await (await jetstreamManager(again)).streams.info('kept')).state.messages).toBe(1);
  await again.close();
});

test('an orderly stop is not reported as unexpected', async () => {
  const exits: Exit[] = [];
  const server = await startNats({ onUnexpectedExit: (exit) => exits.push(exit) });
  await server.stop();
  await server.stop();
  expect(exits).toEqual([]);
});

test('the server ends when its owner is killed with -9, and the folder is free again', async () => {
  using folder = temporaryFolder('nats');
  const { command } = await natsServerProgram();
  const owner = await startOwner({ kind: 'nats', dataFolder: folder.path, command });
  expect(isRunning(owner.server.pid)).toBe(true);
  await owner.kill('SIGKILL');
  await eventually(() => !isRunning(owner.server.pid), { saying: 'the nats-server to end with its owner' });
  await using _next = await startNats({ dataFolder: folder.path });
});

test('a server left running where the kernel does not tell it of its owner\'s death is stopped by the next owner', async () => {
  using folder = temporaryFolder('nats');
  const { command } = await natsServerProgram();
  const owner = await startOwner({ kind: 'nats', dataFolder: folder.path, command }, { PATH: '/no/setpriv/here' });
  await owner.kill('SIGKILL');
  expect(isRunning(owner.server.pid)).toBe(true);
  await using _next = await startNats({ dataFolder: folder.path });
  expect(isRunning(owner.server.pid)).toBe(false);
});

test('the server is out of reach of a terminal\'s Ctrl-C', async () => {
  await using server = await startNats();
  const [, , processGroup, session] = statFields(server.process.pid);
  expect([processGroup, session]).toEqual([String(server.process.pid), String(server.process.pid)]);
});

test('with a password, clients without it are turned away, and it is kept for its owner only', async () => {
  using folder = temporaryFolder('nats');
  await using server = await startNats({ dataFolder: folder.path, withPassword: true });
  await expect(connect({ servers: server.connection.servers, reconnect: false })).rejects.toThrow(/authorization/i);
  await (await connect(server.connection)).close();
  expect(statSync(join(folder.path, 'password')).mode & 0o077).toBe(0);
});

test('a server that cannot start says the end of its log', async () => {
  using folder = temporaryFolder('nats');
  const { startNatsServer } = await import('./index.ts');
  await expect(startNatsServer({ command: ['/bin/sh', '-c', 'echo the reason; exit 3', 'sh'], dataFolder: folder.path, environment: process.env }))
    .rejects.toThrow(/ended while starting[\s\S]*the reason/);
  await expect(startNatsServer({ command: ['/nowhere/nats-server'], dataFolder: folder.path, environment: { PATH: '' } })).rejects.toThrow(/\/nowhere\/nats-server/);
  await using _after = await startNats({ dataFolder: folder.path }); // neither failure kept the lock
});

/** state, parent, group, session, as proc(5) lists them after the name. */
function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
