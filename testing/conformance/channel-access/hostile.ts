// Bytes that are not Channel Access close the circuit that they came by, with a reason, and harm
// nothing else: the same client's channels on a real IOC read on as if nothing were.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../../harness/index.ts';
import { Client, type Create } from './client.ts';
import { message, startLiar, timeDouble, type Liar, type Lie, type Message } from './liar.ts';

/** Answers the first message of this command with `bytes`, and goes on honestly. */
const instead = (command: number, bytes: (asked: Message) => Buffer): Lie => {
  let done = false;
  return (asked, socket) => {
    if (done || asked.command !== command) return false;
    done = true;
    socket.write(bytes(asked));
    return true;
  };
};

const create = 18, subscribe = 1, greet = 0, read = 15;
const extended = (command: number, size: number, count: number): Buffer => {
  const header = message(command, 20, 0, 1, 1);
  header.writeUInt16BE(0xffff, 2);
  const more = Buffer.alloc(8);
  more.writeUInt32BE(size, 0);
  more.writeUInt32BE(count, 4);
  return Buffer.concat([header, more]);
};

/** Whatever comes after these, the circuit has to go. */
const impossible: readonly [string, () => Lie][] = [
  // A web page; its first bytes announce a message of 21,584.
  ['another protocol', () => instead(greet, () => Buffer.from(`HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n${'<p>no</p>'.repeat(4_000)}`))],
  ['an unknown command', () => instead(subscribe, () => message(77, 0, 0, 0, 0))],
  ['a message of 4 GB', () => instead(subscribe, () => extended(subscribe, 0xffff_fff8, 536_870_910))],
  ['a message a little above the largest array', () => instead(subscribe, () => extended(subscribe, 1_000_000, 125_000))],
  ['a channel with a type that does not exist', () => instead(create, ({ first }) => message(create, 99, 1, first, 5))],
  ['a channel that nobody asked for', () => instead(create, ({ first }) => message(create, 6, 1, first + 1_000_000, 5))],
  ['an update for a subscription that does not exist', () => instead(subscribe, ({ second, type }) => message(subscribe, type, 1, 1, second + 1_000_000, timeDouble(1)))],
  ['an update of another type', () => instead(subscribe, ({ second }) => message(subscribe, 14, 1, 1, second, Buffer.alloc(56)))],
  ['an update with fewer bytes than elements', () => instead(subscribe, ({ second, type }) => message(subscribe, type, 1_000, 1, second, timeDouble(1)))],
  ['an update without bytes', () => instead(subscribe, ({ second, type }) => message(subscribe, type, 1, 1, second, Buffer.alloc(8)))],
];

/** Messages with the right or a wrong number, size, type, in any order, and noise. */
const noise = fc.array(fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.record({
    command: fc.oneof(fc.constantFrom(0, 1, 2, 4, 6, 11, 12, 14, 15, 18, 19, 20, 22, 23, 26, 27), fc.integer({ min: 0, max: 65_535 })),
    type: fc.oneof(fc.constantFrom(0, 6, 14, 20, 34), fc.integer({ min: 0, max: 65_535 })), count: fc.oneof(fc.constantFrom(0, 1, 2), fc.integer({ min: 0, max: 65_535 })),
    first: fc.oneof(fc.constantFrom(0, 1, 2, 3), fc.integer()), second: fc.oneof(fc.constantFrom(0, 1, 2, 3), fc.integer()),
    payload: fc.uint8Array({ maxLength: 120 }), cut: fc.integer({ min: 0, max: 300 }),
  }).map(({ command, type, count, first, second, payload, cut }) => {
    const whole = message(command, type, count, first, second, Buffer.from(payload));
    return cut < whole.length ? whole.subarray(0, cut) : whole;
  }),
), { minLength: 1, maxLength: 12 });

const fuzzRuns = 150;

/** @param checksServers See Capabilities: without it only what every implementation survives is tried. */
export function describeHostile(createClient: Create, goodPort: () => number, checksServers: boolean): void {
  describe('Hostile bytes', () => {
    let liar: Liar, client: Client, good: number, host = 1;
    beforeAll(async () => {
      liar = await startLiar();
      client = await Client.start(createClient, { ports: [goodPort(), liar.port], environment: { maxArrayBytes: 100_000, autoArrayBytes: false } });
      [good] = await client.connect(['C:GUARDED'], { monitor: true }) as unknown as [number];
    });
    afterAll(async () => {
      await client?.ca.stop();
      await liar?.[Symbol.asyncDispose]();
    });

    /** Opens a channel on an IOC that lies so. */
    const meet = (lie: Lie): { ioc: string; row: number; from: number } => {
      const number = host++;
      const prefix = `LIAR:${number}:`;
      liar.lie(prefix, number, lie);
      const from = client.events.length;
      const [row] = client.ca.open([`${prefix}X`], { monitor: true }) as unknown as [number];
      return { ioc: `127.0.${1 + (number >> 8)}.${number & 255}:${liar.port}`, row, from };
    };
    const unharmed = async (): Promise<void> => {
      const { outcome, num } = await client.readOne(good, 2_000);
      expect([outcome, num]).toEqual(['ok', 7]);
      expect(client.monitored(good)).toMatchObject({ outcome: 'ok', num: 7 });
    };

    test('the liar is believed as long as it speaks the protocol', async () => {
      const { ioc, row } = meet(() => false);
      await client.connected(Int32Array.of(row));
      await client.until(() => client.monitored(row).num === 1, { saying: 'its value' });
      expect((await client.readOne(row)).num).toBe(1);
      expect(client.iocOf(row)).toBe(ioc);
      client.ca.close(Int32Array.of(row));
    });

    for (const [what, lie] of impossible) {
      test.runIf(checksServers)(`D1: ${what} closes the circuit with a reason and harms no other`, async () => {
        const before = client.ca.statistics().hostileCircuits;
        const { ioc, row, from } = meet(lie());
        const { reason } = await client.seen('circuit.down', { from, saying: `the circuit to be closed after ${what}`, where: (event) => event.ioc === ioc });
        expect(reason.length).toBeGreaterThan(10);
        await eventually(() => client.ca.statistics().hostileCircuits > before, { saying: 'the circuit to be counted as hostile' });
        client.ca.close(Int32Array.of(row));
        await unharmed();
      });
    }

    test.runIf(checksServers)('D1: a read that is answered with nonsense ends by its deadline without a value', async () => {
      const answers: ((asked: Message) => Buffer)[] = [
        ({ second }) => message(read, 20, 1, 1, second),
        ({ second }) => message(read, 20, 4_000, 1, second, timeDouble(1)),
        ({ second }) => message(read, 500, 1, 1, second, timeDouble(1)),
        ({ second, type }) => message(read, type, 1, 1, second + 77, timeDouble(1)),
      ];
      for (const answer of answers) {
        const { row } = meet((asked, socket) => {
          if (asked.command !== read || asked.type !== 20) return false;
          socket.write(answer(asked));
          return true;
        });
        await client.connected(Int32Array.of(row));
        const startedAt = performance.now();
        expect((await client.readOne(row, 300)).outcome).toMatch(/^(timeout|disconnected|refused)$/);
        expect(performance.now() - startedAt).toBeLessThan(700);
        client.ca.close(Int32Array.of(row));
      }
      await unharmed();
    });

    test('a message that stops in the middle, and a circuit that ends there, is just a lost circuit', async () => {
      const { ioc, row, from } = meet((asked, socket) => {
        if (asked.command !== subscribe && asked.command !== read) return false;
        socket.end(message(asked.command, 20, 1, 1, asked.second, timeDouble(5)).subarray(0, 30));
        return true;
      });
      await client.seen('circuit.down', { from, saying: 'the circuit to be down', where: (event) => event.ioc === ioc });
      expect(client.monitored(row).outcome).not.toBe('ok');
      client.ca.close(Int32Array.of(row));
      await unharmed();
    });

    test.runIf(checksServers)(`D1: ${fuzzRuns} circuits with any bytes at any point harm no other`, async () => {
      const at = fc.constantFrom(greet, create, subscribe, read, 23);
      await fc.assert(fc.asyncProperty(noise, at, async (pieces, command) => {
        let done = false;
        const { ioc, row, from } = meet((asked, socket) => {
          if (done || asked.command !== command) return false;
          done = true;
          for (const piece of pieces) socket.write(piece);
          socket.end();
          return true;
        });
        await client.seen('circuit.down', { from, saying: 'the circuit to be down', where: (event) => event.ioc === ioc });
        client.ca.close(Int32Array.of(row));
        await unharmed();
      }), { numRuns: fuzzRuns, seed: 20_251, endOnFailure: true });
    });

    test('D1: datagrams of any bytes to the search and to the beacon port harm nothing', async () => {
      const datagrams = fc.sample(noise, { numRuns: 100, seed: 7 }).map((pieces) => Buffer.concat(pieces));
      // Answers for names that are not searched, from addresses that do not exist, with too little behind them.
      const answers = (cid: number): Buffer[] => [
        message(6, 0, 0, 0xffff_ffff, cid), message(6, 5_064, 0, 0xffff_ffff, cid + 12_345, Buffer.alloc(8)), message(6, 5_064, 0, 0, 0xffff_ffff),
        message(6, 5_064, 0, 0xffff_ffff, cid).subarray(0, 10), message(14, 0, 0, cid, cid),
      ];
      liar.gossip((name, cid) => (name === 'GOSSIP' ? [...datagrams, ...answers(cid)] : []));
      const before = liar.asked();
      const [row] = client.ca.open(['GOSSIP']) as unknown as [number];
      const beacons = createSocket('udp4');
      beacons.bind(0, '127.0.0.1');
      await once(beacons, 'listening');
      for (const bytes of [...datagrams, message(13, 13, 0, 0, 0), message(13, 13, 5_064, 1, 0).subarray(0, 12)]) beacons.send(bytes, client.repeaterPort, '127.0.0.1');
      const from = client.events.length;
      await eventually(() => {
        beacons.send(message(13, 13, 7_777, 3, 0), client.repeaterPort, '127.0.0.1');
        return client.of('beacon', 0).some(({ ioc }) => ioc === '127.0.0.1:7777');
      }, { saying: 'a good beacon after the bad ones' });
      await eventually(() => liar.asked() > before + 2, { saying: 'the search to go on' });
      client.ca.close(Int32Array.of(row));
      beacons.close();
      const rows = await client.connect(['C:X']);
      expect((await client.readOne(rows[0]!)).outcome).toBe('ok');
      expect(client.of('thread.exited', from)).toEqual([]);
      await unharmed();
    });

    test('no thread ended over all this', () => {
      expect(client.of('thread.exited')).toEqual([]);
      expect(client.of('channels.disconnected').filter(({ rows }) => rows.includes(good))).toEqual([]);
    });
  });
}
