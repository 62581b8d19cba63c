// IOCs that die, hang, move and come back. These run side by side, each on IOCs of its own.
import { describe, expect, test } from 'vitest';
import { ChannelState } from '../../../src/channel-access/columns.ts';
import { eventually, faultLasting, freePort, hang, recordsDb, startSoftIoc } from '../../harness/index.ts';
import { Client, type Create } from './client.ts';
import { freeUdpPort } from './udp-port.ts';

const one = (name: string, value: number): string => recordsDb([{ type: 'ao', name, fields: { VAL: value, PINI: 'YES' } }, { type: 'calcout', name: `${name}:SLOW`, fields: { CALC: 'A', ODLY: 3 } }]);

async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const startedAt = performance.now();
  return { result: await work, ms: performance.now() - startedAt };
}

export function describeFaults(create: Create): void {
  describe.concurrent('Faults', () => {
    test('an IOC that is killed disconnects at once; restarted on its port, channels and monitors come back', async () => {
      const ioc = await startSoftIoc({ records: one('K', 1) });
      await using client = await Client.start(create, { ports: [ioc.port] });
      const [row] = await client.connect(['K'], { monitor: true }) as unknown as [number];
      await client.until(() => client.monitored(row).num === 1, { saying: 'the first value' });
      const from = client.events.length;
      ioc.kill('SIGKILL');
      const { ms } = await timed(client.seen('channels.disconnected', { from, saying: 'the channel to be disconnected', where: ({ rows }) => rows.includes(row) }));
      expect(ms).toBeLessThan(1_000);
      const down = await client.seen('circuit.down', { from, saying: 'the circuit to be down' });
      expect(down).toMatchObject({ ioc: ioc.address, reason: expect.stringMatching(/./) as string });
      expect(client.ca.columns.state[row]).toBe(ChannelState.disconnected);
      expect((await client.readOne(row)).outcome).toBe('disconnected');
      expect(client.monitored(row).outcome).toBe('disconnected');
      expect(await client.write(row, 1)).toBe('disconnected');
      expect(await client.ca.alive(ioc.address, 200)).toBe(false);
      await ioc.process.exited;
      await using back = await startSoftIoc({ records: one('K', 2), port: ioc.port });
      // Left to itself, libca searches for a lost IOC every ten seconds.
      const again = await timed(client.connected(Int32Array.of(row)));
      expect(again.ms).toBeLessThan(5_000);
      await client.until(() => client.monitored(row).num === 2, { saying: 'the monitor to be set again' });
      expect((await client.readOne(row)).num).toBe(2);
      expect(client.iocOf(row)).toBe(back.address);
      expect(await client.write(row, 3)).toBe('done');
    });

    test('I1: a hung IOC costs its own rows one deadline and another IOC nothing', async () => {
      await using hung = await startSoftIoc({ records: one('H', 1) });
      await using well = await startSoftIoc({ records: one('W', 1) });
      await using client = await Client.start(create, { ports: [hung.port, well.port] });
      const [row, other] = await client.connect(['H', 'W'], { monitor: true }) as unknown as [number, number];
      await client.until(() => client.monitored(row).num === 1, { saying: 'the first value' });
      const from = client.events.length;
      await hang(hung.process);
      const late = timed(client.readOne(row, 500));
      const reads = [];
      for (let n = 0; n < 20; n++) reads.push(await timed(client.readOne(other, 500)));
      expect(reads.every(({ result }) => result.outcome === 'ok')).toBe(true);
      expect(reads.map(({ ms }) => ms).sort((a, b) => a - b)[10]).toBeLessThan(100);
      const { result, ms } = await late;
      expect(result.outcome).toBe('timeout');
      expect(ms).toBeGreaterThan(450);
      expect(ms).toBeLessThan(800);
      const silent = await client.seen('circuit.unresponsive', { from, saying: 'the IOC to be unresponsive' });
      expect(silent.ioc).toBe(hung.address);
      expect(silent.silentMs).toBeGreaterThan(100);
      expect(client.of('circuit.unresponsive', from).filter(({ ioc }) => ioc === well.address)).toEqual([]);
      expect(await client.ca.alive(hung.address, 200)).toBe(false);
      expect(await client.ca.alive(well.address, 2_000)).toBe(true);
      expect(await client.write(other, 2)).toBe('done');
    });

    test('late answers of an abandoned read never show up in a later one', async () => {
      await using ioc = await startSoftIoc({ records: one('L', 1) });
      await using client = await Client.start(create, { ports: [ioc.port] });
      const [row] = await client.connect(['L']) as unknown as [number];
      const before = client.ca.statistics();
      await hang(ioc.process);
      const abandoned = await Promise.all([client.readOne(row, 150), client.readOne(row, 300)]);
      expect(abandoned.map(({ outcome }) => outcome)).toEqual(['timeout', 'timeout']);
      // An IOC that owes an answer already need not be sent more.
      const sent = client.ca.statistics().reads > before.reads;
      const from = client.events.length;
      ioc.kill('SIGCONT');
      // The IOC answers the old reads with 1, before or after this.
      expect(await client.write(row, 2)).toBe('done');
      for (let n = 0; n < 20; n++) expect((await client.readOne(row)).num).toBe(2);
      if (sent) expect(client.ca.statistics().lateReplies).toBeGreaterThan(0);
      const unresponsive = client.of('circuit.unresponsive').length;
      if (unresponsive > 0) await client.seen('circuit.responsive', { from, saying: 'the IOC to be responsive again' });
      expect(await client.ca.alive(ioc.address, 2_000)).toBe(true);
    });

    test('an IOC that hangs for long and goes on is responsive again, with all its channels and updates', async () => {
      await using ioc = await startSoftIoc({ records: one('G', 1) });
      await using client = await Client.start(create, { ports: [ioc.port] });
      const [row] = await client.connect(['G'], { monitor: true }) as unknown as [number];
      expect(await client.write(row, 2)).toBe('done');
      await hang(ioc.process);
      await client.seen('circuit.unresponsive', { saying: 'the IOC to be unresponsive' });
      const from = client.events.length;
      const { result, ms } = await timed(client.write(row, 9, 300));
      expect(result).toBe('timeout');
      expect(ms).toBeLessThan(800);
      expect(await client.write(row, 10, 300)).toBe('busy');
      ioc.kill('SIGCONT');
      await client.seen('circuit.responsive', { from, saying: 'the IOC to be responsive' });
      await client.connected(Int32Array.of(row));
      // What was sent arrives after all: that is why its outcome was unknown.
      await client.until(() => client.monitored(row).num === 9, { saying: 'the late write to show' });
      await eventually(async () => (await client.write(row, 11)) === 'done', { saying: 'the channel to be free again' });
      expect((await client.readOne(row)).num).toBe(11);
    });

    test('R4: a put under way when its IOC dies is lost, one not yet sent is not', async () => {
      const ioc = await startSoftIoc({ records: one('P', 1) });
      await using client = await Client.start(create, { ports: [ioc.port] });
      const rows = await client.connect(['P:SLOW.A', 'P']);
      client.ca.prepareWrites(ioc.address, rows);
      expect(await client.write(rows[1]!, 5)).toBe('done');
      const outcomes = client.writeAll(rows, [1, 2], { deadlineMs: 20_000, window: 1 });
      // Only when the first one is with the IOC does it process.
      await eventually(async () => (await client.readOne(rows[0]!)).num === 1, { saying: 'the put to be under way' });
      ioc.kill('SIGKILL');
      const { result, ms } = await timed(outcomes);
      expect(result[0]).toBe('lost');
      expect(result[1]).toMatch(/^(disconnected|notSent)$/);
      expect(ms).toBeLessThan(2_000);
    });

    test('an IOC that moves to another port is found there', async () => {
      const ports = [await freePort(), await freePort()] as const;
      const first = await startSoftIoc({ records: one('M', 1), port: ports[0] });
      await using client = await Client.start(create, { ports });
      const [row] = await client.connect(['M'], { monitor: true }) as unknown as [number];
      expect(client.iocOf(row)).toBe(first.address);
      const from = client.events.length;
      first.kill('SIGKILL');
      await client.seen('channels.disconnected', { from, saying: 'the channel to be disconnected' });
      await using second = await startSoftIoc({ records: one('M', 2), port: ports[1] });
      const found = await client.seen('channels.found', { from, saying: 'the channel to be found anew', withinMs: 10_000 });
      expect([found.ioc, [...found.rows]]).toEqual([second.address, [row]]);
      await client.connected(Int32Array.of(row));
      expect((await client.readOne(row)).num).toBe(2);
    });

    test('an IOC back after more than ten seconds is found within two by its beacon', async () => {
      const repeaterPort = await freeUdpPort();
      const beaconAddresses = [`127.0.0.1:${repeaterPort}`];
      const port = await freePort();
      await using client = await Client.start(create, { ports: [port], environment: { repeaterPort, maxSearchPeriod: 300 } });
      // After the client: an IOC's beacons come every 20 ms at first, and every 15 s soon.
      await using first = await startSoftIoc({ records: one('B', 1), port, beaconAddresses });
      const rows = await client.connect(['B'], { monitor: true });
      await client.seen('beacon', { saying: 'the first beacon', where: ({ ioc }) => ioc === first.address });
      first.kill('SIGKILL');
      await client.seen('channels.disconnected', { saying: 'the channel to be disconnected' });
      // The search has come to intervals of many seconds by then.
      await faultLasting(10_500);
      const from = client.events.length;
      await using second = await startSoftIoc({ records: one('B', 2), port, beaconAddresses });
      await timed(client.connected(rows, 2_000));
      const beacon = await client.seen('beacon', { from, saying: 'the beacon of the restart' });
      expect(beacon).toEqual({ kind: 'beacon', ioc: second.address, what: 'restarted' });
    });
  });
}
