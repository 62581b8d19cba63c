// Answers that their reader gives back: what is read into their memory later.
import { describe, expect, test } from 'vitest';
import { emptyValueColumns, type ValueColumns } from '../../../src/contracts/values.ts';
import { hang, manyRecords, startSoftIoc } from '../../harness/index.ts';
import { Client, rowsOf, type Create } from './client.ts';
import { mixed } from './iocs.ts';

/** Enough rows for their memory to be worth keeping. */
const count = 300;
const repeated = (rows: readonly number[]): Int32Array => Int32Array.from({ length: count }, (_, i) => rows[i % rows.length]!);

/** Connected, and described too: a description that comes between two reads would be a difference. */
async function connectDescribed(client: Client, names: readonly string[]): Promise<number[]> {
  const rows = await client.connect(names);
  await client.until(() => rows.every((row) => client.ca.columns.metaHash[row] !== 0n), { saying: 'all descriptions' });
  return Array.from(rows);
}

/** A row without a value, and without a trace of one. */
const blank = { kind: 'none', severity: 'NO_ALARM', status: 'NO_ALARM', timeNs: 0n, num: 0, text: undefined, bytes: undefined, raw: false, metaHash: 0n };

export function describeRecycling(create: Create, the: () => Client): void {
  describe('An answer that is given back', () => {
    test('S1: leaves nothing in a later read of other channels, rows without a value included', async () => {
      const client = the();
      const connected = await connectDescribed(client, ['C:LIMITED', 'C:LONG', 'C:TEXT', 'C:LONGTEXT.VAL$', 'C:ARRAY:LONG', 'C:ARRAY:EMPTY', 'C:GUARD:CHANGES', 'C:GUARD:LOCK', 'C:NEVER']);
      const [limited, integer, text, long, array, empty, changes, lock, never] = connected as [number, number, number, number, number, number, number, number, number];
      const ioc = client.iocOf(limited);
      const [nowhere] = client.ca.open(['C:NO:SUCH:PV']) as unknown as [number];
      await client.write(limited, 4.5);
      await client.write(text, 'a text');
      await client.write(long, 'x'.repeat(500));
      const second = repeated([never, nowhere, changes, text, empty, nowhere, integer]);
      expect(await client.write(lock, 2)).toBe('done');
      await client.until(() => client.ca.columns.access[changes] === 0, { saying: 'the read access to go' });
      const fresh = rowsOf(await client.ca.read(ioc, second, 3_000));
      expect(new Set(fresh.map(({ outcome }) => outcome))).toEqual(new Set(['ok', 'notFound', 'noReadAccess']));

      const first = await client.ca.read(ioc, repeated([limited, long, array, limited, limited, text, limited]), 3_000);
      expect(new Set(rowsOf(first).map(({ outcome }) => outcome))).toEqual(new Set(['ok']));
      client.ca.recycle(first);
      const values = await client.ca.read(ioc, second, 3_000);
      expect(Array.from(values.channel)).toEqual(Array.from(second));
      const rows = rowsOf(values);
      expect(rows).toEqual(fresh);
      for (const row of rows) if (row.outcome !== 'ok') expect(row).toMatchObject(blank);

      // A shorter one, and one that asks nobody at all.
      client.ca.recycle(values);
      const shorter = rowsOf(await client.ca.read(ioc, second.subarray(7, 294), 3_000));
      expect(shorter).toEqual(fresh.slice(7, 294));
      expect(await client.write(lock, 0)).toBe('done');
      client.ca.close(Int32Array.of(...connected, nowhere));
    });

    test('is empty from then on, but for its texts; given back again, or foreign, it changes nothing', async () => {
      const client = the();
      const rows = await connectDescribed(client, ['C:GUARDED', 'C:NEVER', 'C:TEXT', 'C:ARRAY:DOUBLE']);
      const ioc = client.iocOf(rows[0]!);
      expect(await client.write(rows[2]!, 'stays')).toBe('done');
      const asked = [repeated(rows), repeated(rows.toReversed())];
      const expected = await Promise.all(asked.map(async (each) => rowsOf(await client.ca.read(ioc, each, 3_000))));
      const given = await client.ca.read(ioc, asked[0]!, 3_000);
      const like: ValueColumns = { ...given };
      client.ca.recycle(like);
      expect(rowsOf(given)).toEqual(expected[0]);
      client.ca.recycle(given);
      client.ca.recycle(given);
      expect([given.outcome.length, given.num.length, given.timeNs.length, given.bytes.get(3)?.length]).toEqual([0, 0, 0, 0]);
      expect(given.text.get(2)).toBe('stays');
      const foreign = emptyValueColumns(count);
      foreign.outcome.fill(1);
      client.ca.recycle(foreign);
      expect(foreign.outcome.every((outcome) => outcome === 1)).toBe(true);
      // Two at once, kept side by side.
      const both = await Promise.all(asked.map((each) => client.ca.read(ioc, each, 3_000)));
      expect(both.map(rowsOf)).toEqual(expected);
      client.ca.close(Int32Array.from(rows));
    });

    test('S1: serves a read whose deadline passes, and the one after it, which no late answer reaches', async () => {
      await using ioc = await startSoftIoc({ records: manyRecords(count, mixed) });
      await using client = await Client.start(create, { ports: [ioc.port] });
      const rows = Int32Array.from(await connectDescribed(client, Array.from({ length: count }, (_, n) => `C:MANY:${n}`)));
      const first = await client.ca.read(ioc.address, rows, 3_000);
      const seen = rowsOf(first);
      expect(seen.every(({ outcome }) => outcome === 'ok')).toBe(true);
      client.ca.recycle(first);
      await hang(ioc.process);
      for (const asked of [rows, rows.toReversed()]) {
        const late = await client.ca.read(ioc.address, asked, 200);
        expect(Array.from(late.channel)).toEqual(Array.from(asked));
        for (const row of rowsOf(late)) expect(row).toMatchObject({ ...blank, outcome: 'timeout', code: 0 });
        client.ca.recycle(late);
      }
      ioc.kill('SIGCONT');
      expect(await client.ca.alive(ioc.address, 3_000)).toBe(true);
      const after = await client.ca.read(ioc.address, rows.toReversed(), 3_000);
      expect(rowsOf(after)).toEqual(seen.toReversed());
    });
  });
}
