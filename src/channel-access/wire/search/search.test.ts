import { createSocket, type Socket } from 'node:dgram';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, freePort, manyRecords, recordsDb, startSoftIoc, type SoftIoc } from '../../../../testing/harness/index.ts';
import { readCaEnvironment } from '../../environment.ts';
import type { CaEnvironment } from '../../port.ts';
import { startNameSearch, type NameSearch } from './index.ts';
import { headerBytes } from './messages.ts';

const defaults = readCaEnvironment({ EPICS_CA_AUTO_ADDR_LIST: 'NO' });
if (!defaults.ok) throw new Error('the defaults are faulty');

const at = (...ports: number[]): CaEnvironment['addressList'] => ports.map((port) => ({ host: '127.0.0.1', port }));

interface Searching extends AsyncDisposable {
  readonly search: NameSearch;
  readonly found: Map<number, string>;
  readonly duplicates: [number, string, string][];
}

async function searching(environment: Partial<CaEnvironment>): Promise<Searching> {
  const found = new Map<number, string>();
  const duplicates: [number, string, string][] = [];
  if (!defaults.ok) throw new Error('the defaults are faulty');
  const search = await startNameSearch({ ...defaults.environment, ...environment }, {
    found: ({ ids, iocs }) => ids.forEach((id, index) => found.set(id, iocs[index]!)),
    duplicate: (...seen) => duplicates.push(seen),
  });
  return { search, found, duplicates, [Symbol.asyncDispose]: () => search.stop() };
}

describe('A search on real IOCs', () => {
  const shared = recordsDb([{ type: 'ao', name: 'TWICE' }]);
  let a: SoftIoc, b: SoftIoc;
  beforeAll(async () => {
    [a, b] = await Promise.all(['A', 'B'].map((prefix) =>
      startSoftIoc({ records: manyRecords(2_000, (n) => ({ type: 'ai', name: `${prefix}:${n}` })) + shared }))) as [SoftIoc, SoftIoc];
  });
  afterAll(() => Promise.all([a.stop(), b.stop()]));

  test('finds each name at the IOC that has it, and nothing else', async () => {
    await using one = await searching({ addressList: at(a.port, b.port) });
    const names = Array.from({ length: 6_000 }, (_, n) => `${'ABC'[n % 3]}:${Math.floor(n / 3)}`);
    one.search.add(Int32Array.from(names, (_, n) => n + 10), names);
    await eventually(() => one.found.size === 4_000, { saying: '4,000 names to be found' });
    for (const [id, ioc] of one.found) expect(ioc).toBe((id - 10) % 3 === 0 ? a.address : b.address);
  });

  test('finds over a name server what it finds by datagram, a repeated name for each id', async () => {
    await using one = await searching({ nameServers: at(a.port) });
    one.search.add(Int32Array.of(1, 2, 3), ['A:1', 'A:1', 'B:1']);
    await eventually(() => one.found.size === 2, { saying: 'both to be found' });
    expect([...one.found]).toEqual([[1, a.address], [2, a.address]]);
  });

  test('reports a second IOC also of a PV that was not searched because its IOC was known', async () => {
    await using one = await searching({ addressList: at(a.port, b.port) });
    one.search.review(Int32Array.of(7, 8), ['TWICE', 'A:1'], a.address);
    await eventually(() => one.duplicates.length > 0, { saying: 'the duplicate to be reported' });
    expect(one.duplicates).toEqual([[7, a.address, b.address]]);
    expect(one.found.size).toBe(0);
  });

  test('reports a PV on two IOCs once, and uses the first that answered', async () => {
    await using one = await searching({ addressList: at(a.port, b.port) });
    one.search.add(Int32Array.of(7), ['TWICE']);
    await eventually(() => one.duplicates.length > 0, { saying: 'the duplicate to be reported' });
    const [[id, used, other]] = one.duplicates as [[number, string, string]];
    expect([id, used]).toEqual([7, one.found.get(7)]);
    expect(new Set([used, other])).toEqual(new Set([a.address, b.address]));
    one.search.add(Int32Array.of(8), ['A:8']);
    await eventually(() => one.found.has(8), { saying: 'another name to be found' });
    expect(one.duplicates.length).toBe(1);
  });

  test('finds the PV on two IOCs among thousands too, although answered names are not asked everywhere at once', async () => {
    await using one = await searching({ addressList: at(a.port, b.port) });
    const names = Array.from({ length: 2_000 }, (_, n) => (n === 1_234 ? 'TWICE' : `A:${n}`));
    one.search.add(Int32Array.from(names, (_, n) => n), names);
    await eventually(() => one.duplicates.length > 0, { saying: 'the duplicate to be reported' });
    expect(one.duplicates.map(([id]) => id)).toEqual([1_234]);
  });

  test('finds an IOC that is started later', async () => {
    const port = await freePort();
    await using one = await searching({ addressList: at(port), maxSearchPeriod: 0.5 });
    one.search.add(Int32Array.of(1), ['LATE']);
    await using late = await startSoftIoc({ port, records: recordsDb([{ type: 'ao', name: 'LATE' }]) });
    await eventually(() => one.found.get(1) === late.address, { saying: 'the late IOC to be found' });
  });

  test('finds a name server that is started later', async () => {
    const port = await freePort();
    await using one = await searching({ nameServers: at(port) });
    one.search.add(Int32Array.of(1), ['LATE']);
    await using late = await startSoftIoc({ port, records: recordsDb([{ type: 'ao', name: 'LATE' }]) });
    await eventually(() => one.found.get(1) === late.address, { saying: 'the late name server to be asked', withinMs: 10_000 });
  });

  test('I1: 300,000 names that nobody has do not delay one that is there', async () => {
    await using one = await searching({ addressList: at(a.port, b.port) });
    const nobody = Array.from({ length: 300_000 }, (_, n) => `NOBODY:${n}`);
    one.search.add(Int32Array.from(nobody, (_, n) => n), nobody);
    one.search.add(Int32Array.of(300_000, 300_001), ['B:7', 'A:7']);
    await eventually(() => one.found.size === 2, { saying: 'the two that are there to be found' });
  });

  test('names that no IOC can have are left alone', async () => {
    await using one = await searching({ addressList: at(a.port) });
    one.search.add(Int32Array.of(1, -2, 3, 2 ** 31 - 1), ['', 'A:1\0x', 'x'.repeat(5_000), 'A:1']);
    await eventually(() => one.found.size > 0, { saying: 'the good one to be found' });
    expect([...one.found.keys()]).toEqual([2 ** 31 - 1]);
  });
});

/** A CA server's datagram side that notes what it is asked and answers as the test says. */
async function answerer(answer: (name: string, cid: number) => Buffer[]): Promise<AsyncDisposable & { port: number; asked: { name: string; at: number }[]; socket: Socket; most: number }> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const self = { port: socket.address().port, asked: [] as { name: string; at: number }[], socket, most: 0, [Symbol.asyncDispose]: () => new Promise<void>((done) => socket.close(() => done())) };
  socket.on('message', (message, sender) => {
    self.most = Math.max(self.most, message.length);
    expect([message.readUInt16BE(0), message.readUInt16BE(4), message.readUInt16BE(6)]).toEqual([0, 1, 13]);
    for (let from = headerBytes; from < message.length; from += headerBytes + message.readUInt16BE(from + 2)) {
      expect([message.readUInt16BE(from), message.readUInt16BE(from + 4)]).toEqual([6, 5]);
      const name = message.toString('utf8', from + headerBytes, message.indexOf(0, from + headerBytes));
      self.asked.push({ name, at: performance.now() });
      for (const reply of answer(name, message.readUInt32BE(from + 12))) socket.send(reply, sender.port, sender.address);
    }
  });
  return self;
}

function reply(cid: number, port: number, address = 0xffff_ffff, payload = Buffer.from([0, 13, 0, 0, 0, 0, 0, 0])): Buffer {
  const message = Buffer.alloc(headerBytes);
  message.writeUInt16BE(6, 0);
  message.writeUInt16BE(payload.length, 2);
  message.writeUInt16BE(port, 4);
  message.writeUInt32BE(address, 8);
  message.writeUInt32BE(cid, 12);
  return Buffer.concat([message, payload]);
}

describe('A search datagram', () => {
  test('carries several names, in no more than 1,400 bytes, also when they are long or not ASCII', async () => {
    await using server = await answerer((_, cid) => [reply(cid, 5064)]);
    await using one = await searching({ addressList: at(server.port) });
    const names = Array.from({ length: 500 }, (_, n) => `${n}:${'µ'.repeat(n)}`);
    one.search.add(Int32Array.from(names, (_, n) => n), names);
    await eventually(() => one.found.size === 500, { saying: 'all names to be answered' });
    expect(new Set(server.asked.map(({ name }) => name))).toEqual(new Set(names));
    expect(server.most).toBeLessThanOrEqual(1_400);
    expect(server.most).toBeGreaterThan(1_000);
  });

  test('is answered with an address of its own, with the sender\'s, or not usefully at all', async () => {
    await using server = await answerer((name, cid) => ({
      other: [reply(cid, 6001, 0x0a01_02ff)],
      same: [reply(cid, 6002)],
      zero: [reply(cid, 6003, 0)],
      old: [reply(cid, 6004, 0xffff_ffff, Buffer.alloc(0))],
      noPort: [reply(cid, 0)],
      stranger: [reply(cid + 1_000, 6005), reply(cid + 2 ** 24, 6005)],
      broken: [reply(cid, 6006).subarray(0, 20), Buffer.from('not Channel Access at all, by any means'), Buffer.alloc(0)],
    })[name] ?? []);
    await using one = await searching({ addressList: at(server.port) });
    one.search.add(Int32Array.of(0, 1, 2, 3, 4, 5, 6), ['noPort', 'stranger', 'broken', 'other', 'same', 'zero', 'old']);
    await eventually(() => server.asked.filter(({ name }) => name === 'broken').length === 3, { saying: 'the third try' });
    expect(Object.fromEntries(one.found)).toEqual({ 3: '10.1.2.255:6001', 4: '127.0.0.1:6002', 5: '127.0.0.1:6003', 6: '127.0.0.1:6004' });
  });

  test('is repeated at growing intervals up to the longest, and at once when urged', async () => {
    await using server = await answerer(() => []);
    await using one = await searching({ addressList: at(server.port), maxSearchPeriod: 1 });
    one.search.add(Int32Array.of(0), ['X']);
    await eventually(() => server.asked.length === 7, { saying: 'seven tries' });
    const gaps = server.asked.slice(1).map((request, index) => request.at - server.asked[index]!.at);
    // 30 ms doubled five times, a quarter less by jitter.
    expect(gaps[5]).toBeGreaterThan(700);
    expect(Math.min(...gaps.slice(0, 2))).toBeLessThan(gaps[5]! / 2);
    one.search.urge();
    const before = performance.now();
    await eventually(() => server.asked.length === 9, { saying: 'two quick tries' });
    expect(performance.now() - before).toBeLessThan(600);
  });

  test('is not sent any more for a name that was found or removed, until it is added again', async () => {
    let answering = true;
    await using server = await answerer((name, cid) => (answering && name === 'FOUND' ? [reply(cid, 5064)] : []));
    await using one = await searching({ addressList: at(server.port) });
    one.search.add(Int32Array.of(0, 1, 2), ['FOUND', 'REMOVED', 'CLOCK']);
    await eventually(() => one.found.has(0), { saying: 'the first answer' });
    one.search.remove(Int32Array.of(1, 77));
    answering = false;
    const before = server.asked.length;
    await eventually(() => server.asked.length >= before + 3, { saying: 'three more tries of the other' });
    expect(new Set(server.asked.slice(before).map(({ name }) => name))).toEqual(new Set(['CLOCK']));
    one.search.add(Int32Array.of(0), ['FOUND']);
    await eventually(() => server.asked.slice(before).some(({ name }) => name === 'FOUND'), { saying: 'the name to be asked again' });
  });
});

test('A name server that does not speak Channel Access is left and tried again', async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => undefined).resume();
    socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  {
    await using one = await searching({ nameServers: at(port) });
    one.search.add(Int32Array.of(1), ['X']);
    await eventually(() => connections === 2, { saying: 'the second connection' });
    expect(one.found.size).toBe(0);
  }
  await new Promise((done) => server.close(done));
});
