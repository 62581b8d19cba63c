import { expect, test } from 'vitest';
import { Client } from '../../../testing/conformance/channel-access/client.ts';
import { hang, manyRecords, startSoftIoc } from '../../../testing/harness/index.ts';
import { libcaOnThisMachine } from '../../../testing/harness/libca.ts';
import { ReadOutcome } from '../../contracts/values.ts';
import { createLibcaClient } from './index.ts';

/** More than are asked at once. */
const count = 9_000;

test('S1: what a hung IOC was not even asked for is not taken from an earlier read', async () => {
  await using ioc = await startSoftIoc({ records: manyRecords(count, (i) => ({ type: 'ai', name: `R:${i}` })) });
  const native = await libcaOnThisMachine();
  await using client = await Client.start((options) => createLibcaClient({ ...options, ...native }), { ports: [ioc.port] });
  const rows = await client.connect(Array.from({ length: count }, (_, i) => `R:${i}`), { withinMs: 30_000 });
  const seen = async (): Promise<ReadonlySet<number>> => new Set((await client.ca.read(ioc.address, rows, 2_000)).outcome);
  expect(await seen()).toEqual(new Set([ReadOutcome.ok]));
  await hang(ioc.process);
  expect(await seen()).toEqual(new Set([ReadOutcome.timeout]));
  ioc.kill('SIGCONT');
}, 60_000);
