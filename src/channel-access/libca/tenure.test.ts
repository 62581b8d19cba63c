// libca's threads outlive ours, and write to columns that are another thread's by then.
import { expect, test } from 'vitest';
import { Client } from '../../../testing/conformance/channel-access/client.ts';
import { manyRecords, startSoftIoc } from '../../../testing/harness/index.ts';
import { libcaOnThisMachine } from '../../../testing/harness/libca.ts';
import type { WireClient } from '../wire/main/client.ts';
import { createLibcaClient } from './index.ts';

test('what a dead thread has left behind does not write to the columns any more', async () => {
  // Counts its own scans: as many updates have to be seen.
  await using ioc = await startSoftIoc({ records: manyRecords(200, (i) => ({ type: 'calc', name: `T:${i}`, fields: { SCAN: '.1 second', INPA: `T:${i}`, CALC: 'A+1' } })) });
  const native = await libcaOnThisMachine();
  await using client = await Client.start((options) => createLibcaClient({ ...options, ...native }), { ports: [ioc.port] });
  const { columns } = client.ca;
  const rows = await client.connect(Array.from({ length: 200 }, (_, i) => `T:${i}`), { monitor: true });
  const updated = () => client.until(() => rows.every((row) => columns.updates[row]! > 2), { saying: 'updates of all' });
  await updated();

  await (client.ca as WireClient).crashThread(ioc.address);
  await client.until(() => client.events.some(({ kind }) => kind === 'channels.disconnected'), { saying: 'the loss of the thread' });
  await client.connected(rows);
  await updated();

  const seen = (row: number): { num: number; updates: number } => {
    for (;;) {
      const before = Atomics.load(columns.sequence, row);
      const now = { num: columns.num[row]!, updates: columns.updates[row]! };
      if (before % 2 === 0 && Atomics.load(columns.sequence, row) === before) return now;
    }
  };
  const first = [...rows].map(seen);
  await client.until(() => rows.every((row, i) => columns.num[row]! > first[i]!.num + 5), { saying: 'five more updates of all' });
  rows.forEach((row, i) => {
    const last = seen(row);
    expect(last.updates - first[i]!.updates).toBe(last.num - first[i]!.num);
  });
});
