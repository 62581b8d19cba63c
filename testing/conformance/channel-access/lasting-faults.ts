// Faults that take their time, of all implementations side by side: the minutes are waited for once.
import { describe, expect, test } from 'vitest';
import { ChannelState } from '../../../src/channel-access/columns.ts';
import { createWireClient } from '../../../src/channel-access/wire/index.ts';
import type { SoftIoc } from '../../../src/embedded/index.ts';
import { eventually, faultLasting, freePort, manyRecords, recordsDb, startSoftIoc, type RecordText } from '../../harness/index.ts';
import { Client, type Create } from './client.ts';
import { blockingDb, settable, settableDb } from './iocs.ts';
import { freeUdpPort } from './udp-port.ts';

export interface Implementation { readonly name: string; readonly create: Create }

const records = (value: number): string => recordsDb([
  { type: 'ao', name: 'GONE', fields: { VAL: value, PINI: 'YES' } }, { type: 'waveform', name: 'GONE:ARRAY', fields: { FTVL: 'DOUBLE', NELM: 8, INP: `[${value},${value}]`, PINI: 'YES' } },
]);

const goneMs = 100_000;
/** By its beacon; the search is urged a second after it, for the sake of a whole facility that comes back. */
const foundByBeaconMs = 5_000;
const longestSearchSeconds = 8;

export function describeLastingFaults(implementations: readonly Implementation[]): void {
  describe.concurrent('Lasting faults', () => {
    test(`an IOC that is gone for ${goneMs / 1_000} s comes back with everything, at once by its beacon and else by the search`, async () => {
      const port = await freePort();
      const clients = await Promise.all(implementations.flatMap(({ name, create }) => ['beacon', 'search'].map(async (by) => {
        const repeaterPort = await freeUdpPort();
        const client = await Client.start(create, { ports: [port], environment: { repeaterPort, maxSearchPeriod: by === 'beacon' ? 300 : longestSearchSeconds } });
        return { name: `${name}, by its ${by}`, by, client, repeaterPort };
      })));
      const beaconAddresses = clients.filter(({ by }) => by === 'beacon').map(({ repeaterPort }) => `127.0.0.1:${repeaterPort}`);
      try {
        const first = await startSoftIoc({ port, records: records(1), beaconAddresses });
        const rows = await Promise.all(clients.map(({ client }) => client.connect(['GONE', 'GONE:ARRAY'], { monitor: true })));
        for (const { by, client } of clients) if (by === 'beacon') await client.seen('beacon', { saying: 'the first beacon', where: ({ ioc }) => ioc === first.address });
        first.kill('SIGKILL');
        await first.process.exited;
        await Promise.all(clients.map(({ name, client }) => client.seen('channels.disconnected', { saying: `the channels of ${name} to be disconnected` })));
        await faultLasting(goneMs);
        for (const [i, { name, client }] of clients.entries()) {
          const startedAt = performance.now();
          expect((await client.read(rows[i]!)).map(({ outcome }) => outcome), name).toEqual(['disconnected', 'disconnected']);
          expect(await client.writeAll(rows[i]!, [5, 5], { deadlineMs: 5_000, window: 2 }), name).toEqual(['disconnected', 'disconnected']);
          expect(performance.now() - startedAt, name).toBeLessThan(1_000);
          expect(client.of('thread.exited'), name).toEqual([]);
        }
        await using _back = await startSoftIoc({ port, records: records(2), beaconAddresses });
        await Promise.all(clients.map(async ({ name, by, client }, i) => {
          const [number, array] = rows[i] as unknown as [number, number];
          await client.until(() => rows[i]!.every((row) => client.ca.columns.state[row] === ChannelState.connected), {
            saying: `${name}: the channels`, withinMs: by === 'beacon' ? foundByBeaconMs : longestSearchSeconds * 1_000 + 3_000,
          });
          await client.until(() => client.monitored(number).num === 2 && client.monitored(array).bytes?.length === 16, { saying: `${name}: the monitors to be set again` });
          expect((await client.readOne(number)).num, name).toBe(2);
        }));
        // One after the other: each is a put of its own on the same record.
        for (const [i, { name, client }] of clients.entries()) expect(await client.write(rows[i]![0]!, 10 + i), name).toBe('done');
      } finally {
        await Promise.all(clients.map(({ client }) => client.ca.stop()));
      }
    }, goneMs + 60_000);

    for (const { name, create } of implementations) {
      test(`R4: ${name}: completions that an overloaded IOC loses cost their own puts a timeout, and their channels are written again`, async () => {
        await using ioc = await startSoftIoc({ records: settableDb(flood) + blockingDb + manyRecords(ownCount, own) });
        await using client = await Client.start(create, { ports: [ioc.port] });
        const rows = await client.connect(Array.from({ length: ownCount }, (_, n) => own(n).name));
        const [written, tried, others] = [rows.subarray(0, 64), rows.subarray(64, 112), rows.subarray(112)];
        const write = (to: Int32Array, value: number): Promise<string[]> => client.writeAll(to, Array.from(to, () => value), { deadlineMs: ownDeadlineMs, window: ownCount });
        expect(new Set(await write(rows, 1))).toEqual(new Set(['done']));

        await using _flooder = await overflow(ioc);
        const startedAt = performance.now();
        const outcomes = await write(written, 2);
        expect(performance.now() - startedAt).toBeLessThan(2 * ownDeadlineMs);
        const lost = written.filter((_, i) => outcomes[i] === 'timeout');
        expect(lost.length, `of ${written.length} puts, those whose completion was lost`).toBeGreaterThan(0);
        expect(outcomes.filter((outcome) => outcome !== 'done' && outcome !== 'timeout')).toEqual([]);
        // What was written is there; that it is done was never said.
        expect((await client.read(written)).every(({ num }) => num === 2)).toBe(true);

        // As soon as the IOC completes anything again, so do those that lost nothing; the lost ones are refused at once.
        let next = 0;
        await eventually(async () => (await write(tried.subarray(next, ++next), 3))[0] === 'done', { saying: 'the IOC to complete puts again', withinMs: 20_000 });
        expect(new Set(await write(others, 3))).toEqual(new Set(['done']));
        expect(new Set(await write(lost, 3))).toEqual(new Set(['busy']));
        await eventually(async () => (await write(lost, 4)).every((outcome) => outcome === 'done'), { saying: 'the channels to be written again', withinMs: 45_000, everyMs: 1_000 });
        expect((await client.read(lost)).every(({ num }) => num === 4)).toBe(true);
        const stoppedAt = performance.now();
        await client.ca.stop();
        expect(performance.now() - stoppedAt).toBeLessThan(3_000);
      }, 120_000);
    }
  });
}

const flood = 6_000;
const ownCount = 128, ownDeadlineMs = 1_000;
const own = (n: number): RecordText => ({ type: 'longout', name: `OWN:${n}` });

/** Another client, one that observes no window. When this resolves the IOC's callback queue is full, and stays so for a while. */
async function overflow(ioc: SoftIoc): Promise<AsyncDisposable> {
  const client = await Client.start(createWireClient, { ports: [ioc.port] });
  const rows = await client.connect(Array.from({ length: flood }, (_, n) => settable(n).name));
  const [block, blocked] = await client.connect(['BLOCK.A', 'BLOCKED']) as unknown as [number, number];
  client.ca.prepareWrites(ioc.address, rows);
  const read = async (row: number): Promise<number> => (await client.readOne(row)).num;
  const writing: Promise<unknown>[] = [client.write(block, 1, 500)];
  await eventually(async () => await read(blocked) === 1, { saying: 'the IOC to be busy', everyMs: 5 });
  writing.push(client.writeAll(rows, Array.from(rows, () => 7), { deadlineMs: 500, window: flood }));
  await eventually(async () => await read(rows[flood - 1]!) === 7, { saying: 'the last put to have arrived', everyMs: 5 });
  return {
    [Symbol.asyncDispose]: async () => {
      await client.ca.stop();
      await Promise.all(writing);
    },
  };
}
