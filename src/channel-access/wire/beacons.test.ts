import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { freeUdpPort } from '../../../testing/conformance/channel-access/udp-port.ts';
import { eventually, recordsDb, startSoftIoc } from '../../../testing/harness/index.ts';
import { softIocProgram } from '../../../testing/harness/run-folder.ts';
import { readCaEnvironment } from '../environment.ts';
import { startBeacons } from './beacons.ts';

const records = recordsDb([{ type: 'ao', name: 'X' }]);

interface Listening extends AsyncDisposable {
  readonly news: string[];
  stop(): Promise<void>;
}

async function listening(repeaterPort: number, beaconPeriod = 15): Promise<Listening> {
  const read = readCaEnvironment({});
  if (!read.ok) throw new Error('the defaults are faulty');
  const news: string[] = [];
  const beacons = await startBeacons({ ...read.environment, repeaterPort, beaconPeriod }, (ioc, what) => news.push(`${what} ${ioc}`), { heartbeatMs: 100, sweepMs: 20 });
  return { news, stop: beacons.stop, [Symbol.asyncDispose]: beacons.stop };
}

async function socketFor(): Promise<Socket & AsyncDisposable> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return Object.assign(socket, { [Symbol.asyncDispose]: () => new Promise<void>((done) => socket.close(() => done())) });
}

function message(code: number, port = 0, id = 0, address = 0): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16BE(code, 0);
  bytes.writeUInt16BE(port, 6);
  bytes.writeUInt32BE(id, 8);
  bytes.writeUInt32BE(address, 12);
  return bytes;
}

describe('Beacons of a real IOC', () => {
  test('tell that it is new, then restarted, then missing', async () => {
    const repeater = await freeUdpPort();
    await using heard = await listening(repeater, 2);
    const first = await startSoftIoc({ records, beaconAddresses: [`127.0.0.1:${repeater}`] });
    await eventually(() => heard.news.includes(`new ${first.address}`), { saying: 'the IOC to be new' });
    first.kill('SIGKILL');
    await first.process.exited;
    await using second = await startSoftIoc({ records, port: first.port, beaconAddresses: [`127.0.0.1:${repeater}`] });
    await eventually(() => heard.news.includes(`restarted ${first.address}`), { saying: 'the IOC to be restarted' });
    second.kill('SIGKILL');
    await eventually(() => heard.news.at(-1) === `missing ${first.address}`, { saying: 'the IOC to be missing', withinMs: 10_000 });
  });

  test('come through the repeater of EPICS base while that runs, and to our own port when it is gone', async () => {
    const port = await freeUdpPort();
    const repeater = await startReferenceRepeater(port);
    try {
      await using heard = await listening(port);
      await using ioc = await startSoftIoc({ records, beaconAddresses: [`127.0.0.1:${port}`] });
      await eventually(() => heard.news.includes(`new ${ioc.address}`), { saying: 'a beacon through the repeater' });
      const gone = once(repeater, 'exit');
      repeater.kill('SIGKILL');
      await gone;
      await eventually(() => heard.news.length > 1 || sendBeacon(port), { saying: 'a beacon at our own port', everyMs: 50 });
      expect(heard.news.at(-1)).toBe('new 127.0.0.1:7001');
    } finally {
      repeater.kill('SIGKILL');
    }
  });
});

describe('A repeater of ours', () => {
  test('registers and confirms clients, old and new, and passes on what comes with the sender\'s address', async () => {
    const port = await freeUdpPort();
    await using heard = await listening(port);
    await using client = await socketFor();
    await using old = await socketFor();
    const got = { client: [] as Buffer[], old: [] as Buffer[] };
    client.on('message', (bytes) => got.client.push(bytes));
    old.on('message', (bytes) => got.old.push(bytes));
    client.send(message(24), port, '127.0.0.1');
    old.send(Buffer.alloc(0), port, '127.0.0.1');
    await eventually(() => [got.client, got.old].every((seen) => seen.some((bytes) => bytes.readUInt16BE(0) === 17)), { saying: 'both to be confirmed' });
    await using server = await socketFor();
    server.send(message(13, 7000, 5), port, '127.0.0.1');
    const expected = message(13, 7000, 5, 0x7f00_0001);
    await eventually(() => [got.client, got.old].every((seen) => seen.some((bytes) => bytes.equals(expected))), { saying: 'both to hear the beacon' });
    expect(heard.news).toEqual(['new 127.0.0.1:7000']);
  });

  test('serves a second listener, which takes its place when it stops', async () => {
    const port = await freeUdpPort();
    const first = await listening(port);
    await using second = await listening(port);
    await using server = await socketFor();
    await eventually(() => { server.send(message(13, 7000, 5), port, '127.0.0.1'); return second.news.length > 0; }, { saying: 'the second to hear by way of the first' });
    expect([first.news, second.news]).toEqual([['new 127.0.0.1:7000'], ['new 127.0.0.1:7000']]);
    await first.stop();
    await eventually(() => { server.send(message(13, 7002, 5), port, '127.0.0.1'); return second.news.length > 1; }, { saying: 'the second to hear by itself', everyMs: 50 });
    // A third one now finds the port taken and registers with the second.
    await using third = await listening(port);
    await eventually(() => { server.send(message(13, 7003, 5), port, '127.0.0.1'); return third.news.length > 0; }, { saying: 'the third to hear by way of the second', everyMs: 50 });
  });

  test('outlives clients that vanish and datagrams of any bytes', async () => {
    const port = await freeUdpPort();
    await using heard = await listening(port);
    for (let n = 0; n < 20; n++) {
      const client = await socketFor();
      client.send(message(24), port, '127.0.0.1');
      await once(client, 'message');
      await client[Symbol.asyncDispose]();
    }
    await using stranger = await socketFor();
    for (const bytes of fc.sample(fc.uint8Array({ maxLength: 100 }), { numRuns: 200, seed: 1 })) stranger.send(bytes, port, '127.0.0.1');
    stranger.send(message(13, 7000, 5).subarray(0, 15), port, '127.0.0.1');
    await eventually(() => { stranger.send(message(13, 7001, 5), port, '127.0.0.1'); return heard.news.includes('new 127.0.0.1:7001'); }, { saying: 'a beacon after all that' });
  });
});

function sendBeacon(port: number): false {
  const socket = createSocket('udp4');
  socket.send(message(13, 7001, 0), port, '127.0.0.1', () => socket.close());
  return false;
}

/** The repeater of EPICS base: its own program, or out of the library that comes with the packaged soft IOC. */
async function startReferenceRepeater(port: number): Promise<ReturnType<typeof spawn>> {
  const { found } = await softIocProgram();
  const library = join(found, 'lib', 'libca.so');
  const [program, ...args] = existsSync(library)
    ? ['python3', '-c', `import ctypes; ctypes.CDLL(${JSON.stringify(library)})._Z11ca_repeaterv()`] as const
    : [join(dirname(found), 'caRepeater')] as const;
  const child = spawn(program, args, { env: { ...process.env, EPICS_CA_REPEATER_PORT: String(port) }, stdio: 'inherit' });
  await using client = await socketFor();
  let confirmed = false;
  client.on('message', () => { confirmed = true; });
  await eventually(() => {
    client.send(message(24), port, '127.0.0.1');
    return confirmed;
  }, { saying: 'the repeater of EPICS base to confirm', everyMs: 50 });
  return child;
}
