// libca waits half a minute for a silent IOC before it ends a context; nobody else shall.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Client, type Create } from '../../../testing/conformance/channel-access/index.ts';
import { hang, manyRecords, startSoftIoc } from '../../../testing/harness/index.ts';
import { libcaOnThisMachine } from '../../../testing/harness/libca.ts';
import { createWireClient } from '../wire/index.ts';
import { createLibcaClient } from './index.ts';
import { createSweptLibcaClient } from './swept/index.ts';

const native = await libcaOnThisMachine();
const libca: Create = (options) => createLibcaClient({ ...options, ...native });
const swept: Create = (options) => createSweptLibcaClient({ ...options, library: native.library, sweepMs: 50 });
const names = Array.from({ length: 100 }, (_, i) => `A:${i}`);
const records = manyRecords(names.length, (i) => ({ type: 'calc', name: names[i]!, fields: { SCAN: '.1 second', INPA: names[i]!, CALC: 'A+1' } }));
const stopsWithinMs = 1_500;

const unresponsive = (client: Client): Promise<unknown> => client.seen('circuit.unresponsive', { saying: 'the IOC to be unresponsive' });
const givenUp = (client: Client): Promise<unknown> => client.seen('channels.disconnected', { saying: 'its circuit to be given up', withinMs: 15_000 });

test.each([
  ['libca', 'hangs', libca, unresponsive],
  ['libca', 'has hung until its circuit was given up', libca, givenUp],
  ['libca without native code', 'hangs', swept, unresponsive],
  ['libca without native code', 'has hung until its circuit was given up', swept, givenUp],
] as const)('I1: %s: nothing is left of it after a stop while an IOC %s', async (_variant, _fault, create, noticed) => {
  await using ioc = await startSoftIoc({ records });
  const client = await Client.start(create, { ports: [ioc.port], environment: { connectionTimeout: 1 } });
  const rows = await client.connect(names, { monitor: true });
  expect(await client.writeAll(rows.subarray(0, 3), [1, 2, 3], { deadlineMs: 3_000, window: 8 })).toEqual(['done', 'done', 'done']);
  expect(threadsOfLibca()).not.toEqual([]);
  await hang(ioc.process);
  await noticed(client);
  const startedAt = performance.now();
  await client.ca.stop();
  expect(performance.now() - startedAt).toBeLessThan(stopsWithinMs);
  expect(threadsOfLibca()).toEqual([]);
}, 60_000);

test.each([['libca', libca], ['libca without native code', swept]] as const)('%s: circuits of another client to the same IOC survive its stop', async (_variant, create) => {
  await using ioc = await startSoftIoc({ records });
  await using other = await Client.start(createWireClient, { ports: [ioc.port] });
  const rows = await other.connect(names, { monitor: true });
  const client = await Client.start(create, { ports: [ioc.port] });
  await client.connect(names);
  await client.ca.stop();
  expect(await other.ca.alive(ioc.address, 2_000)).toBe(true);
  expect((await other.read(rows)).every(({ outcome }) => outcome === 'ok')).toBe(true);
  expect(other.of('circuit.down')).toEqual([]);
});

/** Those of circuits. */
function threadsOfLibca(): string[] {
  return readdirSync('/proc/self/task').map((id) => readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim()).filter((name) => name.startsWith('CAC-TCP'));
}
