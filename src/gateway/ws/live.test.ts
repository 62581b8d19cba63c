// Live values on a real WebSocket and a real bus, with an ioc-host that sends what the test sets.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFakeIocHost, startGateway, type FakeIocHost, type GatewayForTest } from '../../../testing/gateway/index.ts';
import { connectLive, type LiveClientForTest, type Said } from '../../../testing/gateway/live-client.ts';
import { startLiveHost, type LiveHost } from '../../../testing/gateway/live-host.ts';
import { eventually } from '../../../testing/harness/index.ts';
import { ReadOutcome, ValueKind } from '../../contracts/values.ts';

let gateway: GatewayForTest;
let beats: FakeIocHost;
let host: LiveHost;
const ids: Record<string, number> = {};
const kG = { units: 'kG', precision: 3, control: { low: -10, high: 10 }, alarm: { low: -Infinity, high: 9 } };
const modes = { labels: ['Off', 'Standby', 'On'] };

beforeAll(async () => {
  gateway = await startGateway({ options: { mostBuffered: 20_000 } });
  await gateway.good('POST', '/v1/pvs/multi', [
    { setpointAddress: 'Q:1:SP', readbackAddress: 'Q:1:RB', device: 'Q:1', tagNames: { Area: ['L1'] } },
    { setpointAddress: 'Q:2:SP', device: 'Q:2', tagNames: { Area: ['L2'] } },
    { setpointAddress: 'K:MODE', device: 'K' },
    { readbackAddress: 'WAVE', device: 'SCOPE' },
    { setpointAddress: 'DEAD:SP', device: 'DEAD' },
    { setpointAddress: 'BIG', device: 'BIG' },
  ]);
  const { channels } = await gateway.persistence.catalogue.channels({ after: 0, limit: 1_000 });
  for (const { name, id } of channels) ids[name] = id;
  beats = await startFakeIocHost(gateway.bus, 'host-1', '127.0.0.1:5064');
  // For its descriptions.
  for (const [name, meta] of [['Q:1:SP', kG], ['K:MODE', modes]] as const) beats.values.set(ids[name]!, { num: 0, meta });
  await gateway.good('POST', '/v1/pvs/live', { pv_names: ['Q:1:SP', 'K:MODE'] });
  host = await startLiveHost(gateway.bus, 'host-1');
  host.values.set(ids['Q:1:SP']!, { num: 1.5, meta: kG, severity: 1, status: 4 });
  host.values.set(ids['Q:1:RB']!, { num: Number.NaN });
  host.values.set(ids['Q:2:SP']!, { num: 2 });
  host.values.set(ids['K:MODE']!, { kind: ValueKind.enum, num: 1, meta: modes });
  host.values.set(ids['WAVE']!, { kind: ValueKind.double, bytes: new Uint8Array(new Float64Array([1, Number.NaN, -Infinity]).buffer) });
  host.values.set(ids['DEAD:SP']!, { outcome: ReadOutcome.disconnected });
  await eventually(async () => (await gateway.good('GET', '/v1/health/heartbeat')).alive, { saying: 'the gateway to see the host' });
});
afterAll(async () => {
  await host?.stop();
  await beats?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
});

const connect = (options: { path?: string; protocol?: string } = {}): Promise<LiveClientForTest> => connectLive(gateway.url, { key: gateway.admin, ...options });

test('subscribe by names: an acknowledgement, an initial picture, then what changes, alarms included', async () => {
  await using client = await connect({ path: '/v1/ws/live' });
  client.say({ type: 'subscribe', pvNames: ['Q:1:SP', 'ca://Q:2:SP', 'NO:SUCH'], windowMs: 50, id: 'a' });
  expect(await client.next('ack')).toMatchObject({ of: 'subscribe', id: 'a', count: 2, unknown: ['NO:SUCH'], unknownCount: 1, windowMs: 50 });
  const initial = await client.next('initial');
  expect(initial.count).toBe(2);
  expect(initial.data['Q:2:SP']).toMatchObject({ value: 2, connected: true, status: 0, severity: 0, timestamp: 1700000000.123456, timestampNs: '1700000000123456789' });
  expect(initial.data['Q:1:SP']).toMatchObject({ value: 1.5, severity: 1, status: 4, units: 'kG', precision: 3, limits: { control: { low: -10, high: 10 }, alarm: { low: '-Infinity', high: 9 } } });
  expect(initial.data['Q:1:SP'].updated_at).toBeGreaterThan(1_600_000_000);
  host.set(ids['Q:1:SP']!, { severity: 2, status: 3 });
  host.set(ids['K:MODE']!, { num: 2 });
  const diff = await client.next('diff');
  expect(Object.keys(diff.data)).toEqual(['Q:1:SP']);
  expect(diff).toMatchObject({ count: 1, data: { 'Q:1:SP': { value: 1.5, severity: 2, status: 3 } } });
  // Metadata once, then changes.
  expect(diff.data['Q:1:SP'].units).toBeUndefined();
  expect(diff.sequence).toBeGreaterThan(initial.sequence);
});

test('a description that changes is sent with the next diff', async () => {
  await using client = await connect();
  client.say({ type: 'subscribe', pvNames: ['Q:2:SP'], windowMs: 50 });
  await client.next('initial');
  const mm = { units: 'mm' };
  beats.values.set(ids['Q:2:SP']!, { num: 2, meta: mm });
  await gateway.good('POST', '/v1/pvs/live', { pv_names: ['Q:2:SP'] });
  host.set(ids['Q:2:SP']!, { meta: mm });
  await client.next('diff', (message) => message.data['Q:2:SP'].units === 'mm');
  host.set(ids['Q:2:SP']!, { num: 2.5 });
  expect((await client.next('diff', (message) => message.data['Q:2:SP'].value === 2.5)).data['Q:2:SP'].units).toBeUndefined();
});

test('S1, S3: every value is valid JSON; a PV without one says why; enums have their label; arrays are base64', async () => {
  await using client = await connect();
  client.say({ type: 'subscribe', all: true });
  const { data, count } = await client.next('initial');
  expect(count).toBe(7);
  expect(data['Q:1:RB'].value).toBe('NaN');
  expect(data['DEAD:SP']).toMatchObject({ value: null, connected: false, outcome: 'disconnected', error: 'the channel is disconnected from its IOC' });
  expect(data['BIG']).toMatchObject({ value: null, connected: false, outcome: 'notOwned' });
  expect(data['K:MODE'].enumLabel).toBe(modes.labels[data['K:MODE'].value]);
  expect(data['WAVE'].value.kind).toBe('double');
  expect([...new Float64Array(new Uint8Array(Buffer.from(data['WAVE'].value.base64, 'base64')).buffer)]).toEqual([1, Number.NaN, -Infinity]);
  client.say({ type: 'subscribe', arrays: 'json' });
  await client.next('ack', (message) => message.count === 7);
  host.send([ids['WAVE']!]);
  expect((await client.next('diff', (message) => message.data.WAVE)).data.WAVE.value).toEqual([1, 'NaN', '-Infinity']);
});

test('one diff has the latest value per changed PV of a window, which each client chooses', async () => {
  await using calm = await connect();
  await using quick = await connect();
  for (const [client, windowMs] of [[calm, 2_000], [quick, 50]] as const) {
    client.say({ type: 'subscribe', pvNames: ['Q:2:SP'], windowMs });
    await client.next('initial');
  }
  const changes = 10;
  for (let value = 100; value < 100 + changes; value++) {
    host.set(ids['Q:2:SP']!, { num: value });
    await quick.next('diff', (message) => message.data['Q:2:SP'].value === value);
  }
  await calm.next('diff', (message) => message.data['Q:2:SP'].value === 99 + changes);
  expect(quick.of('diff').length).toBeGreaterThanOrEqual(changes);
  expect(calm.of('diff').length).toBeLessThan(changes / 2);
  calm.say({ type: 'subscribe', windowMs: 49 });
  expect((await calm.next('error')).message).toContain('windowMs');
  calm.say({ type: 'subscribe', windowMs: 10_001 });
  expect((await calm.next('error')).message).toContain('windowMs');
});

test('subscribe by tag; unsubscribe ends it', async () => {
  await using client = await connect();
  client.say({ type: 'subscribe', tags: { area: ['L1'] }, windowMs: 60 });
  expect(await client.next('ack')).toMatchObject({ windowMs: 100 });
  client.say({ type: 'subscribe', windowMs: 50 });
  expect(await client.next('ack')).toMatchObject({ windowMs: 50 });
  expect(Object.keys((await client.next('initial')).data).sort()).toEqual(['Q:1:RB', 'Q:1:SP']);
  client.say({ type: 'subscribe', tags: { Area: ['L9'] }, id: 7 });
  expect(await client.next('error')).toMatchObject({ code: 'notFound', message: 'the tag group "Area" has no tag "L9"', id: 7 });
  client.say({ type: 'subscribe', tags: ['Area/L2', 'l1'] });
  expect(Object.keys((await client.next('initial')).data)).toEqual(['Q:2:SP']);
  client.say({ type: 'unsubscribe', tags: { area: ['L1'] } });
  client.say({ type: 'unsubscribe', tags: ['Area/L2', 'l1'] });
  client.say({ type: 'subscribe', pvNames: ['Q:2:SP'] });
  expect(await client.next('ack', (message) => message.count === 0)).toMatchObject({ of: 'unsubscribe' });
  expect(await client.next('initial')).toMatchObject({ count: 1 });
  host.set(ids['Q:1:SP']!, { num: 77 });
  host.set(ids['Q:2:SP']!, { num: 78 });
  await client.next('diff', (message) => message.data['Q:2:SP']?.value === 78);
  expect(client.of('diff').every((message) => message.data['Q:1:SP'] === undefined)).toBe(true);
});

test('get_all, ping and heartbeat are answered as Squirrel does', async () => {
  await using client = await connect();
  client.say({ type: 'ping' });
  expect((await client.next('pong')).timestamp).toBeGreaterThan(1_600_000_000);
  client.say({ type: 'get_all' });
  const all = await client.next('all_values');
  expect(all.count).toBe(7);
  expect(all.values['Q:1:SP'].units).toBe('kG');
  expect(await client.next('heartbeat')).toMatchObject({ monitor_alive: true, monitor_heartbeat: expect.any(Number), timestamp: expect.any(Number) });
});

test('D1: what is not understood gets an error that says why, and the connection stays', async () => {
  await using client = await connect();
  for (const [text, message] of [
    ['{"type":', /^the message is not JSON/],
    ['[]', /JSON object with a type/],
    ['{"action":"subscribe","pv_names":["X"]}', /has no type; known are subscribe, unsubscribe, get_all, ping/],
    ['{"type":"shout"}', /type "shout" are not known/],
    ['{"type":"subscribe"}', /says nothing to watch/],
    ['{"type":"subscribe","pvNames":["X"],"windowMs":10}', /windowMs/],
    ['{"type":"toString"}', /not known/],
    [JSON.stringify({ type: 'subscribe', pvNames: Array.from({ length: 200_001 }, () => 'X') }), /200000/],
  ] as const) {
    client.say(text);
    expect((await client.next('error')).message).toMatch(message);
  }
  client.socket.send(Buffer.from([1, 2]));
  expect((await client.next('error')).message).toMatch(/JSON text/);
  client.say({ type: 'ping' });
  await client.next('pong');
});

test('who comes back with its session and sequence gets what changed meanwhile as one diff', async () => {
  const first = await connect();
  first.say({ type: 'subscribe', pvNames: ['Q:1:SP', 'Q:2:SP'], windowMs: 50 });
  const { session } = await first.next('ack');
  const { sequence } = await first.next('initial');
  await first[Symbol.asyncDispose]();
  host.set(ids['Q:1:SP']!, { num: 41 });
  host.set(ids['Q:1:SP']!, { num: 42 });
  await using again = await connect();
  again.say({ type: 'subscribe', pvNames: ['Q:2:SP', 'Q:1:SP'], resume: { session, sequence } });
  expect(await again.next('ack')).toMatchObject({ resumed: true, session });
  // On a busy machine the updates may come to the gateway after its client: then in the diffs that follow.
  await eventually(() => again.values['Q:1:SP']?.value === 42, { saying: 'what changed meanwhile' });
  expect(Object.keys(again.values)).toEqual(['Q:1:SP']);
  expect(again.of('initial')).toEqual([]);

  await using other = await connect();
  other.say({ type: 'subscribe', pvNames: ['Q:2:SP'], resume: { session, sequence } });
  expect(await other.next('ack')).toMatchObject({ resumed: false });
  expect((await other.next('initial')).count).toBe(1);
});

test('with the binary subprotocol values are typed columns, names and descriptions come once', async () => {
  await using client = await connect({ protocol: 'drey.columns.v1' });
  client.say({ type: 'subscribe', pvNames: ['Q:1:SP', 'WAVE'], windowMs: 50 });
  await client.next('initial');
  const { head, columns } = client.frames[0]!;
  const row = head.names.indexOf('WAVE');
  expect([...new Float64Array(columns.bytes.get(row)!.slice().buffer)]).toEqual([1, Number.NaN, -Infinity]);
  expect(columns.channel[row]).toBe(ids['WAVE']);
  const described = columns.metaHash[head.names.indexOf('Q:1:SP')]!;
  expect(head.metas[String(described)]).toEqual({ ...kG, alarm: { low: '-Infinity', high: 9 } });
  host.set(ids['Q:1:SP']!, { num: 9 });
  const seen = await eventually(() => client.frames.find((frame) => frame.head.type === 'diff' && frame.columns.num[0] === 9), { saying: 'the change as columns' });
  expect([seen.head.names, seen.head.metas, seen.head.count, seen.columns.channel[0]]).toEqual([undefined, undefined, 1, ids['Q:1:SP']]);
});

test.each(['JSON', 'columns'])('I1: a slow client gets the latest values later, hears how many it missed, and holds up nobody: %s', async (form) => {
  await using slow = await connect(form === 'columns' ? { protocol: 'drey.columns.v1' } : {});
  await using quick = await connect();
  for (const client of [slow, quick]) {
    client.say({ type: 'subscribe', pvNames: ['BIG'], windowMs: 50 });
    await client.next('initial');
  }
  slow.socket.pause();
  const big = (value: number) => ({ kind: ValueKind.double, num: value, bytes: new Uint8Array(new Float64Array(100_000).fill(value).buffer) });
  const last = 12;
  for (let value = 1; value <= last; value++) {
    host.set(ids['BIG']!, big(value));
    await quick.next('diff', (message) => Buffer.from(message.data.BIG.value.base64, 'base64').readDoubleLE(0) === value);
  }
  // Memory is bounded: one message in the socket of the slow one, however many came.
  const { bufferSize, slowConnections } = await gateway.good('GET', '/v1/ws/status');
  expect(slowConnections).toBe(1);
  expect(bufferSize).toBeLessThan(8 * 1024 * 1024);
  slow.socket.resume();
  const valueOf = (message: Said): number => Buffer.from(form === 'columns' ? slow.frames.find(({ head }) => head === message)!.columns.bytes.get(0)! : message.data.BIG.value.base64, 'base64').readDoubleLE(0);
  const late = await slow.next('diff', (message) => valueOf(message) === last);
  const got = slow.of('diff');
  expect(got.length).toBeLessThan(last);
  expect(late.missed).toBeGreaterThan(0);
  expect(got.length + got.reduce((sum, { missed = 0 }) => sum + missed, 0)).toBe(last);
});

test('a frame that was missed has the gateway ask for everything', async () => {
  await using client = await connect();
  client.say({ type: 'subscribe', pvNames: ['Q:2:SP'], windowMs: 50 });
  await client.next('initial');
  host.values.set(ids['Q:2:SP']!, { num: 5_000 });
  host.send([ids['Q:2:SP']!], { lost: true });
  await client.next('diff', (message) => message.data['Q:2:SP'].value === 5_000);
});

test('PVs that join the catalogue join who watches everything; those that leave are told', async () => {
  await using client = await connect();
  client.say({ type: 'subscribe', all: true });
  await client.next('initial');
  const entry = await gateway.good('POST', '/v1/pvs', { setpointAddress: 'NEW:SP' });
  expect(Object.keys((await client.next('initial')).data)).toEqual(['NEW:SP']);
  await gateway.good('DELETE', `/v1/pvs/${entry.id}`);
  expect(await client.next('removed')).toMatchObject({ pvNames: ['NEW:SP'] });
});

test('missing and bad keys close with 1008; a key needs the scope read', async () => {
  for (const key of [undefined, 'drey_wrong']) {
    const client = await connectLive(gateway.url, key === undefined ? {} : { key });
    expect(await client.closed).toMatchObject({ code: 1008, reason: expect.stringContaining('API key') });
  }
  const client = await connectLive(gateway.url, { key: await gateway.keyWith('write') });
  expect(await client.closed).toMatchObject({ code: 1008, reason: expect.stringContaining('scope read') });
});

test('a browser comes in with a ticket, once', async () => {
  const { ticket, expiresAt } = await gateway.good('POST', '/v1/ws/ticket');
  expect(Date.parse(expiresAt) - Date.now()).toBeLessThan(60_000);
  await using client = await connectLive(gateway.url, { path: `/v1/ws/pvs?ticket=${ticket}` });
  client.say({ type: 'ping' });
  await client.next('pong');
  const again = await connectLive(gateway.url, { path: `/v1/ws/pvs?ticket=${ticket}` });
  again.say({ type: 'ping' });
  expect(await Promise.race([again.closed, again.next('pong').catch(() => 'neither closed nor answered')])).toMatchObject({ code: 1008, reason: expect.stringContaining('ticket') });
  expect((await gateway.refused('POST', '/v1/ws/ticket', undefined, { key: null })).status).toBe(401);
});

test('S1: when the ioc-host has gone its values are none any more', async () => {
  await using client = await connect();
  client.say({ type: 'subscribe', pvNames: ['Q:2:SP'], windowMs: 50 });
  await client.next('initial');
  await beats[Symbol.asyncDispose]();
  expect((await client.next('diff', (message) => message.data['Q:2:SP'].outcome === 'hostLost')).data['Q:2:SP']).toMatchObject({ value: null, connected: false });
});

test('a deactivated key ends its open connections within seconds, with the reason; others stay', async () => {
  const { key, token } = await gateway.persistence.apiKeys.create('panel', ['read']);
  await using client = await connectLive(gateway.url, { key: token });
  const { ticket } = await (await fetch(`${gateway.url}/v1/ws/ticket`, { method: 'POST', headers: { 'x-api-key': token } })).json() as { ticket: string };
  await using browser = await connectLive(gateway.url, { path: `/v1/ws/pvs?ticket=${ticket}` });
  await using other = await connect();
  for (const one of [client, browser, other]) one.say({ type: 'subscribe', all: true });
  await Promise.all([client, browser, other].map((one) => one.next('initial')));
  // By another gateway, or in the database itself.
  await gateway.persistence.apiKeys.deactivate(key.id);
  const reason = 'the API key of panel was deactivated';
  expect(await Promise.all([client.closed, browser.closed])).toEqual([{ code: 1008, reason }, { code: 1008, reason }]);
  other.say({ type: 'ping' });
  await other.next('pong');
}, 20_000);
