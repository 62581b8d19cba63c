import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyValueColumns, ReadOutcome, ValueKind } from '../../contracts/values.ts';
import { eventually } from '../../../testing/harness/eventually.ts';
import { ScriptedIoc, watchedClient, type ScriptedCircuit } from '../../../testing/wire/index.ts';
import { message, timeDouble } from '../../../testing/wire/scripted-ioc.ts';
import { ChannelState } from '../columns.ts';
import { WriteOutcome } from '../port.ts';

const bytes = (...parts: number[]): Buffer => Buffer.from(parts);

/** What an IOC might send that it must not, after channel 0 was created. */
const hostile: readonly (readonly [string, (circuit: ScriptedCircuit) => void, RegExp])[] = [
  ['a command that does not exist', (circuit) => circuit.say(99), /command 99/],
  ['a request instead of an answer', (circuit) => circuit.say(6, 0, 0, 0, 0), /command 6/],
  ['a channel id that was never given', (circuit) => circuit.say(18, 6, 1, 777, 1), /channel 777/],
  ['the same channel twice', (circuit) => circuit.say(18, 6, 1, 0, 5), /created twice/],
  ['access rights of a stranger', (circuit) => circuit.say(22, 0, 0, 40, 3), /channel 40/],
  ['a disconnect of a stranger', (circuit) => circuit.say(27, 0, 0, 40), /channel 40/],
  ['an answer that nobody asked for', (circuit) => circuit.say(15, 20, 1, 1, 123_456, timeDouble(1)), /never asked/],
  ['an event of an unknown subscription', (circuit) => circuit.say(1, 20, 1, 1, 900, timeDouble(1)), /subscription 900/],
  ['an event of a channel that is not monitored', (circuit) => circuit.say(1, 20, 1, 1, 0, timeDouble(1)), /not monitored/],
  ['a confirmation of a channel that was not cleared', (circuit) => circuit.say(12, 0, 0, 1000, 0), /confirmed cleared/],
  ['an echo too many', (circuit) => {
    for (let i = 0; i < 50; i++) circuit.say(23);
  }, /echo that nobody asked for/],
  ['an error message without a request in it', (circuit) => circuit.say(11, 0, 0, 0, 160, Buffer.alloc(8)), /error message of 8 bytes/],
  ['a size of 4 GB', (circuit) => circuit.raw(bytes(0, 15, 0xff, 0xff, 0, 20, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)), /4294967295 bytes/],
];

/** A well-behaved IOC and one under test, both with one channel connected. */
async function pair(script: Parameters<typeof ScriptedIoc.start>[0] = () => false) {
  const bad = await ScriptedIoc.start(script);
  const good = await ScriptedIoc.start();
  const client = watchedClient((name) => (name === 'BAD' ? bad.address : good.address));
  const rows = client.access.open(['BAD', 'GOOD']);
  await client.until('both connected', () => [...rows].every((row) => client.access.columns.state[row] === ChannelState.connected));
  return {
    bad, good, client, row: rows.subarray(0, 1), other: rows.subarray(1),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await bad[Symbol.asyncDispose]();
      await good[Symbol.asyncDispose]();
    },
  };
}

const read = async (client: ReturnType<typeof watchedClient>, ioc: string, rows: Int32Array): Promise<number> => (await client.access.read(ioc, rows, 1000)).outcome[0]!;

describe('hostile bytes', () => {
  it.each(hostile)('%s: that circuit is closed with the reason, and nobody else is harmed', async (_, misbehave, reason) => {
    await using test = await pair();
    const { client, bad, good, other } = test;
    const asked = client.access.read(bad.address, test.row, 3000);
    await asked;
    client.forget();
    misbehave(bad.circuits[0]!);
    const down = await client.event('circuit.down');
    expect(down.ioc).toBe(bad.address);
    expect(down.reason).toMatch(/^not Channel Access/);
    expect(down.reason).toMatch(reason);
    expect(client.access.statistics().hostileCircuits).toBe(1);
    expect(await read(client, good.address, other)).toBe(ReadOutcome.ok);
    // And it is tried again: the next circuit may be a sane one.
    await client.event('channels.connected');
  });

  it.each([
    ['a value of another type', 19, timeDouble(1), /type 19 for a channel of type 6/],
    ['a value that is cut off', 20, timeDouble(1).subarray(0, 16), /in 16 bytes/],
  ])('%s is no value', async (_, type, payload, reason) => {
    await using test = await pair(({ command, type: asked, parameter2 }, circuit) => {
      if (command !== 15 || asked !== 20) return false;
      circuit.say(15, type, 1, 1, parameter2, payload);
      return true;
    });
    expect(await read(test.client, test.bad.address, test.row)).toBe(ReadOutcome.disconnected);
    expect((await test.client.event('circuit.down')).reason).toMatch(reason);
    expect(await read(test.client, test.good.address, test.other)).toBe(ReadOutcome.ok);
  });

  it('a stream that ends in the middle of a message is a lost circuit, not a hostile one', async () => {
    await using test = await pair();
    test.bad.circuits[0]!.raw(message(15, 20, 1, 1, 1, timeDouble(1)).subarray(0, 30));
    test.bad.circuits[0]!.close();
    await test.client.event('circuit.down', ({ ioc }) => ioc === test.bad.address);
    expect(test.client.access.statistics().hostileCircuits).toBe(0);
  });

  it('any bytes at all leave the other IOC\'s channels and the thread alone', async () => {
    await using test = await pair();
    const { client, bad, good, other, row } = test;
    const valid = [message(15, 20, 1, 1, 1, timeDouble(1)), message(18, 6, 1, 0, 5, Buffer.alloc(0)), message(1, 20, 1, 1, 0, timeDouble(2)), message(11, 0, 0, 0, 160, Buffer.alloc(24))];
    const mutated = fc.tuple(fc.constantFrom(...valid), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 })).map(([whole, changes]) => {
      const copy = Buffer.from(whole);
      for (const [at, value] of changes) copy[at % copy.length] = value;
      return copy;
    });
    await fc.assert(fc.asyncProperty(fc.array(fc.oneof(mutated, fc.uint8Array({ maxLength: 64 }).map((raw) => Buffer.from(raw))), { minLength: 1, maxLength: 8 }), async (pieces) => {
      await client.until('the victim connected', () => client.access.columns.state[row[0]!] === ChannelState.connected);
      const circuit = bad.circuits.at(-1)!;
      circuit.raw(Buffer.concat(pieces));
      circuit.close();
      await client.until('its loss', () => client.access.columns.state[row[0]!] !== ChannelState.connected);
      expect(await read(client, good.address, other)).toBe(ReadOutcome.ok);
    }), { numRuns: 60 });
    expect(client.events.filter(({ kind }) => kind === 'thread.exited')).toEqual([]);
    expect(client.events.filter((event) => 'ioc' in event && event.ioc === good.address && event.kind === 'circuit.down')).toEqual([]);
  });
});

describe('awkward servers', () => {
  it('late answers of an abandoned read never show up in a later one', async () => {
    const held: (() => void)[] = [];
    let reads = 0;
    await using test = await pair(({ command, type, parameter2 }, circuit) => {
      if (command !== 15 || type !== 20) return false;
      const value = ++reads;
      const answer = (): void => circuit.say(15, 20, 1, 1, parameter2, timeDouble(value));
      if (value === 1) held.push(answer);
      else answer();
      return true;
    });
    const { client, bad, row } = test;
    expect((await client.access.read(bad.address, row, 100)).outcome[0]).toBe(ReadOutcome.timeout);
    held[0]!();
    expect((await client.access.read(bad.address, row, 1000)).num[0]).toBe(2);
    expect(client.access.statistics().lateReplies).toBe(1);
    expect(client.access.statistics().hostileCircuits).toBe(0);
  });

  it('a refused read is answered with the IOC\'s code, and the others are read', async () => {
    await using test = await pair(({ command, type, parameter1, parameter2 }, circuit) => {
      if (command !== 15 || type !== 20) return false;
      const request = message(15, 20, 0, parameter1, parameter2, Buffer.alloc(0));
      circuit.say(11, 0, 0, 0, 152, Buffer.concat([request, Buffer.from('no\0\0\0\0\0\0')]));
      return true;
    });
    const values = await test.client.access.read(test.bad.address, test.row, 1000);
    expect([values.outcome[0], values.code[0]]).toEqual([ReadOutcome.refused, 152]);
  });

  it('an IOC that refuses a channel is asked again only after a pause, and the channel may come later', async () => {
    let refusals = 0;
    await using ioc = await ScriptedIoc.start(({ command, parameter1 }, circuit) => {
      if (command !== 18 || refusals === 2) return false;
      refusals++;
      circuit.say(26, 0, 0, parameter1);
      return true;
    });
    await using client = watchedClient(() => ioc.address);
    const from = performance.now();
    const rows = client.access.open(['N']);
    await client.event('channels.connected');
    expect(refusals).toBe(2);
    expect(performance.now() - from).toBeGreaterThan(600);
    expect(await read(client, ioc.address, rows)).toBe(ReadOutcome.ok);
  });

  it('an IOC that deletes a channel loses that one only', async () => {
    await using ioc = await ScriptedIoc.start();
    let there = true;
    await using client = watchedClient((name) => (there || name === 'B' ? ioc.address : undefined));
    const rows = client.access.open(['A', 'B']);
    await client.until('both', () => [...rows].every((row) => client.access.columns.state[row] === ChannelState.connected));
    there = false;
    ioc.circuits[0]!.say(27, 0, 0, 0);
    expect([...(await client.event('channels.disconnected')).rows]).toEqual([rows[0]]);
    const { outcome } = await client.access.read(ioc.address, rows, 1000);
    expect([...outcome]).toEqual([ReadOutcome.disconnected, ReadOutcome.ok]);
  });

  it('access rights that change are in the columns, and what is not allowed is not asked', async () => {
    await using test = await pair();
    const { client, bad, row } = test;
    bad.circuits[0]!.say(22, 0, 0, 0, 0);
    await client.event('channels.access');
    expect(client.access.columns.access[row[0]!]).toBe(0);
    expect(await read(client, bad.address, row)).toBe(ReadOutcome.noReadAccess);
    const values = emptyValueColumns(1);
    values.kind[0] = ValueKind.double;
    bad.script(({ command, parameter1 }, circuit) => {
      if (command === 18) circuit.say(22, 0, 0, parameter1, 1);
      if (command === 18) circuit.say(18, 6, 1, parameter1, 1);
      return command === 18;
    });
    expect((await client.access.write(bad.address, row, values, { deadlineMs: 1000, window: 1 })).outcome[0]).toBe(WriteOutcome.noWriteAccess);
  });

  it('an IOC of an older protocol is asked for a number of elements', async () => {
    const counts: number[] = [];
    await using ioc = await ScriptedIoc.start(({ command, type, count, parameter1 }, circuit) => {
      if (command === 0) circuit.say(0, 0, 11);
      if (command === 15 && type === 20) counts.push(count);
      if (command !== 18) return false;
      circuit.say(22, 0, 0, parameter1, 3);
      circuit.say(18, 6, 7, parameter1, 1000);
      return true;
    });
    await using client = watchedClient(() => ioc.address);
    const rows = client.access.open(['N']);
    await client.event('channels.connected');
    await read(client, ioc.address, rows);
    expect(counts).toEqual([7]);
  });

  it('a put circuit that is stuck while the IOC is not is replaced by one of the next priority', async () => {
    const priorities: number[] = [];
    await using test = await pair(({ command, type }, circuit) => {
      if (command === 0) priorities.push(type);
      // The first circuit for puts takes a put and never says a word again.
      return circuit.number === 1 && (command === 19 || command === 23) && priorities.length === 2 && priorities[1] === 1 && stuck;
    });
    let stuck = false;
    const { client, bad, row } = test;
    const values = emptyValueColumns(1);
    values.kind[0] = ValueKind.double;
    const put = async (): Promise<number> => (await client.access.write(bad.address, row, values, { deadlineMs: 300, window: 1 })).outcome[0]!;
    expect(await put()).toBe(WriteOutcome.done);
    stuck = true;
    expect(await put()).toBe(WriteOutcome.timeout);
    expect(await put()).toBe(WriteOutcome.busy);
    await eventually(async () => await put() === WriteOutcome.done, { saying: 'a put on a fresh circuit' });
    expect(priorities).toEqual([0, 1, 2]);
  });

  it('R4: puts to an IOC that does not read all arrive as they were given, once it reads', async () => {
    const elements = 8_000, half = 300;
    const got = new Map<number, Buffer>();
    await using ioc = await ScriptedIoc.start(({ command, parameter1, payload }, circuit) => {
      if (command === 19) {
        got.set(parameter1 - 1000, Buffer.from(payload));
        if (got.size === 1) circuit.pause();
      }
      if (command !== 18) return false;
      circuit.say(22, 0, 0, parameter1, 3);
      circuit.say(18, 6, elements, parameter1, 1000 + parameter1);
      return true;
    });
    await using client = watchedClient(() => ioc.address);
    const rows = client.access.open(Array.from({ length: 2 * half }, (_, i) => `N${i}`));
    await client.until('all connected', () => rows.every((row) => client.access.columns.state[row] === ChannelState.connected));
    const write = (from: number, window: number) => {
      const values = emptyValueColumns(half);
      values.kind.fill(ValueKind.double);
      for (let i = 0; i < half; i++) values.bytes.set(i, new Uint8Array(new Float64Array(elements).fill(from + i).buffer));
      return client.access.write(ioc.address, rows.slice(from, from + half), values, { deadlineMs: 20_000, window });
    };
    // More than the system holds of a connection; the second write comes while the first one waits.
    const written = [write(0, half), write(half, 2 * half)];
    await eventually(() => client.access.statistics().writes === 2 * half, { saying: 'all to be on their way' });
    ioc.circuits[1]!.resume();
    for (const { outcome } of await Promise.all(written)) expect(new Set(outcome)).toEqual(new Set([WriteOutcome.done]));
    expect(got.size).toBe(2 * half);
    for (const [id, payload] of got) for (let i = 0; i < elements; i += 999) expect(payload.readDoubleBE(8 * i)).toBe(id);
  });

  it('a silent circuit is given up when the IOC\'s beacon says that it restarted, and kept when it answers', async () => {
    await using test = await pair();
    const { client, bad, good } = test;
    bad.script(({ command }) => command === 23);
    client.beacon(bad.address, 'restarted');
    client.beacon(good.address, 'restarted');
    expect((await client.event('circuit.down')).reason).toBe('the IOC has restarted');
    expect(await read(client, good.address, test.other)).toBe(ReadOutcome.ok);
    expect(client.events.some((event) => event.kind === 'circuit.down' && event.ioc === good.address)).toBe(false);
  });

  it('an IOC that cannot be reached is tried again after growing pauses', async () => {
    const gone = await ScriptedIoc.start();
    const address = gone.address;
    await gone[Symbol.asyncDispose]();
    await using client = watchedClient(() => address);
    client.access.open(['N']);
    await client.until('three attempts', () => client.events.filter(({ kind }) => kind === 'circuit.down').length >= 3);
    expect(client.events.some(({ kind }) => kind === 'channels.disconnected')).toBe(false);
  });
});
