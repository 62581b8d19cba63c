// libca gives up the first circuit of a silent IOC and the one for puts at different moments.
import { expect, test } from 'vitest';
import { Client, type Create } from '../../../testing/conformance/channel-access/index.ts';
import { hang, manyRecords, startSoftIoc } from '../../../testing/harness/index.ts';
import { libcaOnThisMachine } from '../../../testing/harness/libca.ts';
import { createLibcaClient } from './index.ts';
import { createSweptLibcaClient } from './swept/index.ts';

const native = await libcaOnThisMachine();
const variants: readonly (readonly [string, Create])[] = [
  ['libca', (options) => createLibcaClient({ ...options, ...native })],
  ['libca without native code', (options) => createSweptLibcaClient({ ...options, library: native.library, sweepMs: 50 })],
];
const names = Array.from({ length: 300 }, (_, i) => `A:${i}`);
/** After EPICS_CA_CONN_TMO libca still waits five seconds for an echo. */
const givenUpWithinMs = 15_000;

test.concurrent.each(variants)('%s: channels with circuits that were given up are written again when their IOC goes on', async (_name, create) => {
  await using ioc = await startSoftIoc({ records: manyRecords(names.length, (i) => ({ type: 'ao', name: names[i]! })) });
  await using client = await Client.start(create, { ports: [ioc.port], environment: { connectionTimeout: 1 } });
  const rows = await client.connect(names);
  const writeAll = (value: number): Promise<string[]> => client.writeAll(rows, names.map(() => value), { deadlineMs: 5_000, window: 8 });
  expect(new Set(await writeAll(1))).toEqual(new Set(['done']));
  await hang(ioc.process);
  await client.seen('channels.disconnected', { saying: 'the circuit to be given up', withinMs: givenUpWithinMs });
  ioc.kill('SIGCONT');
  await client.connected(rows);
  expect(new Set(await writeAll(2))).toEqual(new Set(['done']));
}, 60_000);
