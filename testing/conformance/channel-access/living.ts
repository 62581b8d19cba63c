// Opening, closing, searching, stopping.
import { describe, expect, test } from 'vitest';
import { ChannelState } from '../../../src/channel-access/columns.ts';
import { WriteOutcome } from '../../../src/channel-access/port.ts';
import { readOutcomeNames, ReadOutcome, ValueKind } from '../../../src/contracts/values.ts';
import { eventually, freePort, recordsDb, startSoftIoc } from '../../harness/index.ts';
import { Client, rowsOf, writables, type Create } from './client.ts';
import { mixed } from './iocs.ts';

interface Ports { readonly values: number; readonly many: number }

export function describeLiving(create: Create, the: () => Client, ports: () => Ports, mixedCount: number): void {
  describe('A client', () => {
    test('finds channels, then connects them, and says so in this order', async () => {
      await using client = await Client.start(create, { ports: [ports().values, ports().many] });
      const rows = await client.connect(['C:X', 'C:MANY:0']);
      await client.seen('channels.described', { saying: 'a description' });
      for (const [index, port] of [ports().values, ports().many].entries()) {
        const ioc = `127.0.0.1:${port}`;
        await client.seen('channels.connected', { saying: 'its channel to be connected', where: (event) => event.ioc === ioc });
        expect(client.iocOf(rows[index]!)).toBe(ioc);
        const kinds = client.events.filter((event) => 'ioc' in event && event.ioc === ioc).map(({ kind }) => kind);
        expect(kinds.filter((kind) => ['channels.found', 'circuit.up', 'channels.connected'].includes(kind))).toEqual(['channels.found', 'circuit.up', 'channels.connected']);
      }
      expect(client.ca.statistics()).toMatchObject({ channels: 2, connected: 2, searching: 0 });
      expect(client.ca.statistics().circuits).toBeGreaterThanOrEqual(2);
    });

    test('S1: reads of a name that nobody has answer at once that it was not found', async () => {
      const rows = the().ca.open(['C:NO:SUCH:PV', 'C:NONE:EITHER']);
      const startedAt = performance.now();
      const values = rowsOf(await the().ca.read(`127.0.0.1:${ports().values}`, rows, 3_000));
      expect(values.map(({ outcome }) => outcome)).toEqual(['notFound', 'notFound']);
      expect(performance.now() - startedAt).toBeLessThan(1_000);
      expect(the().ca.statistics().searching).toBeGreaterThanOrEqual(2);
      the().ca.close(rows);
    });

    test('connects an IOC that comes later', async () => {
      const port = await freePort();
      await using client = await Client.start(create, { ports: [port] });
      const rows = client.ca.open(['LATE'], { monitor: true });
      expect(client.ca.columns.state[rows[0]!]).toBe(ChannelState.searching);
      await using _ioc = await startSoftIoc({ port, records: recordsDb([{ type: 'ao', name: 'LATE', fields: { VAL: 4, PINI: 'YES' } }]) });
      await client.connected(rows);
      expect((await client.readOne(rows[0]!)).num).toBe(4);
    });

    test(`reads ${mixedCount} channels of many kinds right`, async () => {
      await using client = await Client.start(create, { ports: [ports().values, ports().many] });
      const rows = await client.connect(Array.from({ length: mixedCount }, (_, n) => `C:MANY:${n}`), { monitor: true });
      const read = await client.read(rows);
      await client.until(() => rows.every((row) => client.monitored(row).outcome === 'ok'), { saying: 'all first values' });
      const expected = (n: number): unknown => {
        const value = mixed(n).fields!.VAL!;
        return typeof value === 'string' ? value : Number(value);
      };
      for (let n = 0; n < mixedCount; n++) {
        const row = read[n]!;
        expect(row.kind === 'text' ? row.text : row.num, `C:MANY:${n}`).toBe(expected(n));
        expect(client.monitored(rows[n]!), `C:MANY:${n} monitored`).toMatchObject({ num: row.num, text: row.text, timeNs: row.timeNs });
      }
    });

    test('gives a name that is opened twice two rows, which live and die apart', async () => {
      const rows = await the().connect(['C:X', 'C:X']);
      const [one, two] = rows as unknown as [number, number];
      expect(one).not.toBe(two);
      the().ca.close(Int32Array.of(one, 99_999, -1));
      expect((await the().readOne(two)).outcome).toBe('ok');
      await eventually(() => the().ca.columns.state[one] === ChannelState.free, { saying: 'the closed row to be free' });
      the().ca.close(rows);
      the().ca.close(rows);
    });

    test('refuses what its columns cannot hold, and takes it when rows were closed', async () => {
      await using client = await Client.start(create, { ports: [ports().many], options: { capacity: 10 } });
      const rows = await client.connect(Array.from({ length: 10 }, (_, n) => `C:MANY:${n}`));
      expect(() => client.ca.open(['C:MANY:11'])).toThrow(RangeError);
      expect(() => client.ca.open(['C:MANY:11'])).toThrow(/\b10\b/);
      client.ca.close(rows.slice(0, 4));
      const fresh = await eventually(() => {
        try {
          return client.ca.open(['C:MANY:11', 'C:MANY:12', 'C:MANY:13', 'C:MANY:14']);
        } catch {
          return false;
        }
      }, { saying: 'room for four' });
      await client.connected(fresh);
      expect((await client.readOne(fresh[0]!)).num).toBe(11);
      expect((await client.readOne(rows[9]!)).num).toBe(-9);
    });

    test('S1: an array above EPICS_CA_MAX_ARRAY_BYTES is not read in part, and its circuit reads on', async () => {
      await using client = await Client.start(create, { ports: [ports().values], environment: { maxArrayBytes: 16_384, autoArrayBytes: false } });
      const rows = await client.connect(['C:ARRAY:BIG', 'C:GUARDED']);
      const [big, small] = rows as unknown as [number, number];
      await using filler = await Client.start(create, { ports: [ports().values] });
      const [full] = await filler.connect(['C:ARRAY:BIG']) as unknown as [number];
      expect(await filler.write(full, { kind: ValueKind.double, array: new Float64Array(100_000).fill(1) })).toBe('done');
      const read = await client.read(rows);
      expect(read.map(({ outcome, bytes }) => [outcome, bytes])).toEqual([['tooLarge', undefined], ['ok', undefined]]);
      expect(await client.write(big, { kind: ValueKind.double, array: new Float64Array(3_000) })).toBe('doesNotFit');
      expect((await client.readOne(small)).num).toBe(7);
    });

    test('serves several IOCs by several threads', async () => {
      await using client = await Client.start(create, { ports: [ports().values, ports().many], options: { threads: 2 } });
      const [values, many] = await client.connect(['C:GUARDED', 'C:MANY:1'], { monitor: true }) as unknown as [number, number];
      const [a, b] = await Promise.all([client.readOne(values), client.readOne(many)]);
      expect([a.num, b.num]).toEqual([7, 1]);
      await client.until(() => client.monitored(values).num === 7 && client.monitored(many).num === 1, { saying: 'both monitored' });
    });

    test('a put on a record that another client keeps busy is done when its turn comes, and holds up no other', async () => {
      await using another = await Client.start(create, { ports: [ports().values] });
      const [theirs] = await another.connect(['C:SLOW.A']) as unknown as [number];
      const rows = await the().connect(['C:SLOW.A', 'C:X']);
      const [slow, quick] = rows as unknown as [number, number];
      the().ca.prepareWrites(the().iocOf(slow), rows);
      expect(await the().write(quick, 1)).toBe('done');
      const first = another.write(theirs, 21);
      await eventually(async () => (await another.readOne(theirs)).num === 21, { saying: 'the record to be busy' });
      const startedAt = performance.now();
      const second = the().write(slow, 22, 5_000);
      expect(await the().write(quick, 2)).toBe('done');
      expect(performance.now() - startedAt).toBeLessThan(500);
      expect([await first, await second]).toEqual(['done', 'done']);
      expect((await the().readOne(slow)).num).toBe(22);
    });

    test('knows whether an IOC is alive', async () => {
      const [row] = await the().connect(['C:X']) as unknown as [number];
      expect(await the().ca.alive(the().iocOf(row), 2_000)).toBe(true);
      const startedAt = performance.now();
      expect(await the().ca.alive('127.0.0.1:1', 200)).toBe(false);
      expect(performance.now() - startedAt).toBeLessThan(600);
    });

    test('reports a PV on two IOCs and uses the first that answered', async () => {
      const records = recordsDb([{ type: 'ao', name: 'TWICE' }]);
      await using a = await startSoftIoc({ records });
      await using b = await startSoftIoc({ records });
      await using client = await Client.start(create, { ports: [a.port, b.port] });
      const [row] = await client.connect(['TWICE']) as unknown as [number];
      const { used, other, name } = await client.seen('channel.duplicate', { saying: 'the duplicate' });
      expect([name, used]).toEqual(['TWICE', client.iocOf(row)]);
      expect(new Set([used, other])).toEqual(new Set([a.address, b.address]));
    });

    test('creates no channels on an IOC where they are not allowed, until they are', async () => {
      await using client = await Client.start(create, { ports: [ports().values] });
      const ioc = `127.0.0.1:${ports().values}`;
      client.ca.allowConnect(ioc, false);
      const rows = client.ca.open(['C:X']);
      await client.seen('channels.found', { saying: 'the channel to be found' });
      // Another client of the same IOC connects meanwhile: there was time to.
      await using witness = await Client.start(create, { ports: [ports().values] });
      await witness.connect(['C:X']);
      expect(client.ca.columns.state[rows[0]!]).not.toBe(ChannelState.connected);
      client.ca.allowConnect(ioc, true);
      await client.connected(rows);
    });

    test('settles everything when stopped, says nothing afterwards, and can be stopped twice', async () => {
      const client = await Client.start(create, { ports: [ports().values] });
      const [row, slow] = await client.connect(['C:X', 'C:SLOW.A']) as unknown as [number, number];
      const ioc = client.iocOf(row);
      const read = client.ca.read(ioc, Int32Array.of(row), 60_000);
      const write = client.ca.write(ioc, Int32Array.of(slow, slow), writables([1, 2]), { deadlineMs: 60_000, window: 1 });
      const alive = client.ca.alive(ioc, 60_000);
      await Promise.all([client.ca.stop(), client.ca.stop()]);
      const [values, written, lived] = await Promise.all([read, write, alive]);
      expect(readOutcomeNames[values.outcome[0]!]).toMatch(/^(ok|disconnected|cancelled)$/);
      expect([...written.outcome]).not.toContain(WriteOutcome.pending);
      expect([...written.outcome]).not.toContain(WriteOutcome.done);
      expect(typeof lived).toBe('boolean');
      const events = client.events.length;
      expect((await client.ca.read(ioc, Int32Array.of(row), 1_000)).outcome[0]).not.toBe(ReadOutcome.ok);
      expect((await client.ca.write(ioc, Int32Array.of(row), writables([1]), { deadlineMs: 1_000, window: 1 })).outcome[0]).not.toBe(WriteOutcome.done);
      expect(await client.ca.alive(ioc, 100)).toBe(false);
      expect(client.events.length).toBe(events);
    });
  });
}
