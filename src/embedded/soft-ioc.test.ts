import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, connect as connectTcp, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually, isRunning, manyRecords, recordsDb, startOwner, startSoftIoc, temporaryFolder } from '../../testing/harness/index.ts';
import { softIocProgram } from '../../testing/harness/run-folder.ts';
import { startSoftIoc as startEmbedded, type Exit } from './index.ts';

const records = recordsDb([{ type: 'ao', name: '$(P=T:)X', fields: { VAL: 1 } }]);

test('an IOC listens on loopback only, at the port that it reports', async () => {
  await using ioc = await startSoftIoc({ records, macros: { P: 'T:' } });
  await reachable(ioc.port);
  const listening = readFileSync(`/proc/${ioc.process.pid}/net/tcp`, 'utf8').split('\n')
    .map((line) => line.trim().split(/\s+/)).filter(([, local, , state]) => state === '0A' && local?.endsWith(`:${ioc.port.toString(16).toUpperCase().padStart(4, '0')}`));
  expect(listening.map(([, local]) => local?.split(':')[0])).toEqual(['0100007F']);
});

test('files and text are loaded together with the same macros', async () => {
  using folder = temporaryFolder('ioc');
  const file = join(folder.path, 'a.db');
  writeFileSync(file, recordsDb([{ type: 'ai', name: '$(P)A' }]));
  await using ioc = await startSoftIoc({ databases: [file], records, macros: { P: 'T:' } });
  expect(ioc.process.lastLines().filter((line) => line.includes('db loaded')).length).toBeGreaterThanOrEqual(2);
});

test('a port that is taken is named', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  try {
    const { port } = holder.address() as AddressInfo;
    await expect(startSoftIoc({ records, port })).rejects.toThrow(`port ${port} of 127.0.0.1, wanted for a soft IOC, is taken`);
  } finally {
    holder.close();
  }
});

test('what EPICS had to say about a faulty database is in the error', async () => {
  await expect(startSoftIoc({ records: 'record(ao, "X") { field(NOSUCH, "1") }' })).rejects.toThrow(/ended while starting[\s\S]*NOSUCH/);
});

test('an IOC can be hung and go on, and still be stopped while it hangs', async () => {
  const ioc = await startSoftIoc({ records });
  ioc.kill('SIGSTOP');
  await eventually(() => stateOf(ioc.process.pid) === 'T', { saying: 'the IOC to hang' });
  ioc.kill('SIGCONT');
  await eventually(() => stateOf(ioc.process.pid) !== 'T', { saying: 'the IOC to go on' });
  ioc.kill('SIGSTOP');
  await ioc.stop();
  expect(isRunning(ioc.process.pid)).toBe(false);
});

test('a killed IOC is reported, with its last words', async () => {
  const exits: [Exit, readonly string[]][] = [];
  const ioc = await startSoftIoc({ records, onUnexpectedExit: (exit, lines) => exits.push([exit, lines]) });
  ioc.kill('SIGKILL');
  await ioc.process.exited;
  expect(exits).toEqual([[{ code: null, signal: 'SIGKILL' }, expect.arrayContaining([expect.stringContaining('iocRun')])]]);
});

test('an IOC comes back on the port that it had', async () => {
  const first = await startSoftIoc({ records });
  first.kill('SIGKILL');
  await first.process.exited;
  await using second = await startSoftIoc({ records, port: first.port });
  expect(second.port).toBe(first.port);
});

test('an IOC ends when its owner is killed with -9', async () => {
  const { command } = await softIocProgram();
  const owner = await startOwner({ kind: 'soft-ioc', command, records });
  await owner.kill('SIGKILL');
  await eventually(() => !isRunning(owner.server.pid), { saying: 'the IOC to end with its owner' });
});

test('no thread of an IOC has real-time priority', async () => {
  await using ioc = await startSoftIoc({ records });
  const policies = readdirSync(`/proc/${ioc.process.pid}/task`).map((thread) => fieldsOf(`/proc/${ioc.process.pid}/task/${thread}/stat`)[38]);
  expect(new Set(policies)).toEqual(new Set(['0']));
});

test('thousands of records load', async () => {
  await using ioc = await startSoftIoc({ records: manyRecords(5000, (n) => ({ type: 'ao', name: `MANY:${n}`, fields: { VAL: n } })) });
  await reachable(ioc.port);
});

test('a program that never serves is given up with its last words', async () => {
  await expect(startEmbedded({ command: ['/bin/sh', '-c', 'echo still thinking; sleep 60', 'sh'], environment: process.env, records, readyWithinMs: 300 }))
    .rejects.toThrow(/did not serve within 0.3 s[\s\S]*still thinking/);
});

async function reachable(port: number): Promise<void> {
  const socket = connectTcp({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  socket.destroy();
}

function stateOf(pid: number): string | undefined {
  return fieldsOf(`/proc/${pid}/stat`)[0];
}

function fieldsOf(path: string): string[] {
  const stat = readFileSync(path, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

test('an IOC that stops itself with a failed assertion while starting is started again, and given up after three times', async () => {
  using folder = temporaryFolder('ioc-crash');
  const { command } = await softIocProgram();
  const crashing = (times: number): string[] => [
    '/bin/bash', '-c',
    // Stands for EPICS: it prints its stack and the process stays.
    `echo x >> tries; if [ $(wc -l < tries) -le ${times} ]; then echo "Dumping a stack trace of thread 'main':"; exec sleep 60; fi; exec "$@"`, 'bash', ...command,
  ].map((word) => word.replaceAll('tries', join(folder.path, `tries-${times}`)));
  await using ioc = await startEmbedded({ command: crashing(1), environment: process.env, records: recordsDb([{ type: 'ao', name: 'X' }]) });
  await reachable(ioc.port);
  await expect(startEmbedded({ command: crashing(9), environment: process.env, records })).rejects.toThrow('stopped itself while starting, 3 times');
});
