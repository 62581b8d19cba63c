import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeFrame, encodeFrame } from '../contracts/frame.ts';
import { buckets, subjects } from '../contracts/subjects.ts';
import { emptyValueColumns, ReadOutcome, ValueKind } from '../contracts/values.ts';
import type { HostBeat, LiveRead } from '../contracts/work.ts';
import { silentLog } from '../kernel/log.ts';
import { eventually, startNats, type NatsServer } from '../../testing/harness/index.ts';
import { watchHosts } from './hosts.ts';
import { describe, readLive } from './live.ts';
import { connectNats, ensureTopology } from './nats/index.ts';
import { json, type Bus, type Subscription } from './port.ts';

let nats: NatsServer;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectNats({ servers: nats.connection.servers, name: 'test', log: silentLog });
  await ensureTopology(bus);
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
});

/** Answers for the channels it owns with ten times their id. */
function host(name: string, owns: (channel: number) => boolean): Subscription {
  return bus.answer(subjects.liveRead, async (body) => {
    const { columns } = decodeFrame<LiveRead>(body);
    const mine = [...columns.channel].filter(owns);
    const answer = emptyValueColumns(mine.length);
    mine.forEach((channel, row) => {
      answer.channel[row] = channel;
      answer.outcome[row] = ReadOutcome.ok;
      answer.kind[row] = ValueKind.double;
      answer.num[row] = channel * 10;
    });
    return encodeFrame({ host: name }, answer);
  });
}

test('each host answers for its channels, and rows come back in the order asked', async () => {
  const hosts = [host('even', (channel) => channel % 2 === 0), host('odd', (channel) => channel % 2 === 1)];
  const channels = Int32Array.from({ length: 12_345 }, (_, i) => 12_345 - i);
  const read = await readLive(bus, channels, { mode: 'live', deadlineMs: 2_000, hosts: ['even', 'odd'] });
  expect(read.channel).toEqual(channels);
  expect(read.outcome.every((outcome) => outcome === ReadOutcome.ok)).toBe(true);
  expect([...read.num].every((value, row) => value === channels[row]! * 10)).toBe(true);
  await Promise.all(hosts.map((one) => one.stop()));
});

test('S1: a row that no host has is notOwned, one whose host is silent is hostLost', async () => {
  const one = host('even', (channel) => channel % 2 === 0);
  const channels = Int32Array.from([2, 3]);
  expect([...(await readLive(bus, channels, { mode: 'live', deadlineMs: 100, hosts: ['even'] })).outcome]).toEqual([ReadOutcome.ok, ReadOutcome.notOwned]);
  expect([...(await readLive(bus, channels, { mode: 'live', deadlineMs: 100, hosts: ['even', 'dead'] })).outcome]).toEqual([ReadOutcome.ok, ReadOutcome.hostLost]);
  expect([...(await readLive(bus, channels, { mode: 'live', deadlineMs: 100, hosts: [] })).outcome]).toEqual([ReadOutcome.hostLost, ReadOutcome.hostLost]);
  await one.stop();
});

test('descriptions come from whoever knows them', async () => {
  const knows = (hash: string, units: string) =>
    bus.answer(subjects.liveDescribe, async (body) => {
      const { hashes } = json.decode<{ hashes: string[] }>(body);
      return json.encode({ metas: hashes.includes(hash) ? { [hash]: { units } } : {} });
    });
  const hosts = [knows('-5', 'mm'), knows('9007199254740993', 'A')];
  const metas = await describe(bus, [-5n, 9007199254740993n, 7n, 0n, -5n], { hosts: ['a', 'b'] });
  expect([...metas]).toEqual(expect.arrayContaining([[-5n, { units: 'mm' }], [9007199254740993n, { units: 'A' }]]));
  expect(metas.size).toBe(2);
  await Promise.all(hosts.map((one) => one.stop()));
});

test('hosts come and go with their beats', async () => {
  const beats = await bus.keyValue(buckets.hosts);
  const beat = (host: string): HostBeat => ({ host, startedAt: '', at: '', channels: 1, connected: 1, catalogueRevision: 1 });
  const hosts = await watchHosts(bus);
  let changes = 0;
  hosts.onChange(() => (changes += 1));
  await beats.put('b_1', json.encode(beat('b.1')));
  await beats.put('a', json.encode(beat('a')));
  await eventually(() => hosts.names().length === 2, { saying: 'two hosts' });
  await beats.put('a', json.encode(beat('a')));
  await beats.delete('b_1');
  await eventually(() => hosts.names().length === 1, { saying: 'one host' });
  expect(hosts.names()).toEqual(['a']);
  expect(changes).toBe(3);
  await hosts.stop();
});
