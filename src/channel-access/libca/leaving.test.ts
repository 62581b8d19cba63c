// A sweep can end because its channels go, when answers to some of them are already here.
import { expect, test } from 'vitest';
import { Client } from '../../../testing/conformance/channel-access/client.ts';
import { manyRecords, startSoftIoc } from '../../../testing/harness/index.ts';
import { libcaOnThisMachine } from '../../../testing/harness/libca.ts';
import { ReadOutcome, ValueKind } from '../../contracts/values.ts';
import { createLibcaClient } from './index.ts';

const count = 300;
const elements = 5_000;
const names = Array.from({ length: count }, (_, i) => `A:${i}`);

test('S1: arrays whose channels are closed amid a read are there as a whole or not at all', async () => {
  await using ioc = await startSoftIoc({ records: manyRecords(count, (i) => ({ type: 'waveform', name: `A:${i}`, fields: { FTVL: 'DOUBLE', NELM: elements } })) });
  const native = await libcaOnThisMachine();
  await using client = await Client.start((options) => createLibcaClient({ ...options, ...native }), { ports: [ioc.port] });
  const array = { kind: ValueKind.double, array: new Float64Array(elements).fill(1) };
  let rows = await client.connect(names);
  expect(new Set(await client.writeAll(rows, names.map(() => array), { deadlineMs: 30_000, window: 8 }))).toEqual(new Set(['done']));
  // Somewhere among these the first answers have come and the last have not.
  for (const afterMs of [1, 3, 6, 10, 15, 20, 30]) {
    const reading = client.ca.read(ioc.address, rows, 10_000);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    client.ca.close(rows);
    const values = await reading;
    values.outcome.forEach((outcome, i) => {
      if (outcome === ReadOutcome.ok) expect(values.bytes.get(i)?.length).toBe(8 * elements);
      else expect([outcome, values.bytes.has(i), values.timeNs[i]]).toEqual([ReadOutcome.disconnected, false, 0n]);
    });
    rows = await client.connect(names);
  }
}, 60_000);
