// A sweep can end because its channels go, when answers to some of them are already here.
import { expect, test } from 'vitest';
import { Client } from '../../../testing/conformance/channel-access/client.ts';
import { blockingDb } from '../../../testing/conformance/channel-access/iocs.ts';
import { eventually, manyRecords, startSoftIoc } from '../../../testing/harness/index.ts';
import { libcaOnThisMachine } from '../../../testing/harness/libca.ts';
import { ReadOutcome } from '../../contracts/values.ts';
import { createWireClient } from '../wire/index.ts';
import { createLibcaClient } from './index.ts';
import { longestPiece } from './memory.ts';

const arrays = Array.from({ length: longestPiece }, (_, i) => `A:${i}`);
const records = manyRecords(arrays.length, (i) => ({ type: 'waveform', name: arrays[i]!, fields: { FTVL: 'DOUBLE', NELM: 4, INP: '[1,2,3,4]', PINI: 'YES' } })) + blockingDb;

test('S1: arrays whose channels are closed amid a read are there as a whole or not at all', async () => {
  await using ioc = await startSoftIoc({ records });
  const native = await libcaOnThisMachine();
  await using client = await Client.start((options) => createLibcaClient({ ...options, ...native }), { ports: [ioc.port] });
  const rows = await client.connect([...arrays, 'BLOCK:0']);
  await using other = await Client.start(createWireClient, { ports: [ioc.port] });
  const [block, held] = await other.connect(['BLOCK.A', 'BLOCK:0']) as unknown as [number, number];
  const blocking = other.write(block, 1, 500);
  await eventually(async () => (await other.readOne(held, 200)).outcome === 'timeout', { saying: 'the IOC to hold BLOCK:0' });
  const asked = client.ca.statistics().reads;
  const reading = client.ca.read(ioc.address, rows, 10_000);
  // That the last one is asked too means that all before it have been answered; it will not be for a while.
  await client.until(() => client.ca.statistics().reads === asked + rows.length, { saying: 'the last piece to be asked' });
  client.ca.close(rows);
  const values = await reading;
  expect(values.outcome[arrays.length]).toBe(ReadOutcome.disconnected);
  values.outcome.forEach((outcome, i) => {
    if (outcome === ReadOutcome.ok) expect(values.bytes.get(i)?.length).toBe(32);
    else expect([outcome, values.bytes.has(i), values.timeNs[i]]).toEqual([ReadOutcome.disconnected, false, 0n]);
  });
  await blocking;
}, 60_000);
