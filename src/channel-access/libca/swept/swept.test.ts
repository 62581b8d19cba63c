// What is this variant's own: how it finds out what came, its sweeps, and how it lets go of libca.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../../../testing/conformance/channel-access/index.ts';
import { settable } from '../../../../testing/conformance/channel-access/iocs.ts';
import { hang, manyRecords, recordsDb, startSoftIoc, type RecordText, type SoftIoc } from '../../../../testing/harness/index.ts';
import { libcaLibrary } from '../../../../testing/harness/libca.ts';
import { emptyValueColumns, ValueKind } from '../../../contracts/values.ts';
import { createSweptLibcaClient } from './index.ts';

const library = await libcaLibrary();
const starting = (ports: readonly number[], sweepMs: number): Promise<Client> =>
  Client.start((options) => createSweptLibcaClient({ ...options, library, sweepMs }), { ports });
const array = (type: string): RecordText => ({ type: 'waveform', name: `A:${type}`, fields: { FTVL: type, NELM: 12 } });
const one = (type: string): RecordText => ({ type: 'waveform', name: `O:${type}`, fields: { FTVL: type, NELM: 1 } });

describe('libca without native code', () => {
  let ioc: SoftIoc, client: Client;
  beforeAll(async () => {
    const types = ['DOUBLE', 'FLOAT', 'LONG', 'SHORT', 'UCHAR'];
    ioc = await startSoftIoc({ records: recordsDb([{ type: 'ao', name: 'X' }, { type: 'stringout', name: 'T' }, { type: 'lso', name: 'L', fields: { SIZV: 100 } }, ...types.map(array), ...types.map(one), array('STRING')]) });
    client = await starting([ioc.port], 60_000);
    // A thread takes its time to start on a busy machine.
    client.ca.close(await client.connect(['X'], { withinMs: 40_000 }));
  }, 60_000);
  afterAll(async () => {
    await client?.ca.stop();
    await ioc?.stop();
  });

  // What a cell holds before an answer comes is a pattern of these; and arrays are told by zeros and ones.
  const bytes = [0x00, 0x5a, 0xa5, 0xff];
  const filled = (byte: number, length: number): Uint8Array => new Uint8Array(length).fill(byte);

  test('S3: values that look like what an unanswered place holds are read as they are', async () => {
    const scalars: readonly [string, ValueKind, number][] = [['O:DOUBLE', ValueKind.double, 8], ['O:FLOAT', ValueKind.float, 4], ['O:LONG', ValueKind.int32, 4], ['O:SHORT', ValueKind.int16, 2], ['O:UCHAR', ValueKind.int8, 1]];
    const rows = await client.connect(scalars.map(([name]) => name));
    expect((await client.read(rows)).map(({ outcome, code }) => [outcome, code])).toEqual(scalars.map(() => ['refused', 176]));
    for (const byte of bytes) {
      const before = await client.writeAll(rows, scalars.map(([, kind, size]) => asNumber(kind, filled(byte, size))), { deadlineMs: 3_000, window: 8 });
      expect(before).toEqual(scalars.map(() => 'done'));
      const read = await client.read(rows);
      scalars.forEach(([name, kind, size], i) => expect([name, byte, read[i]!.outcome, read[i]!.num]).toEqual([name, byte, 'ok', asNumber(kind, filled(byte, size))]));
    }
    client.ca.close(rows);
  });

  test('S3: arrays keep their length whatever they end with', async () => {
    const kinds: readonly [string, ValueKind, number][] = [['A:DOUBLE', ValueKind.double, 8], ['A:FLOAT', ValueKind.float, 4], ['A:LONG', ValueKind.int32, 4], ['A:SHORT', ValueKind.int16, 2], ['A:UCHAR', ValueKind.int8, 1]];
    for (const [name, kind, size] of kinds) {
      const [row] = await client.connect([name]) as unknown as [number];
      expect((await client.readOne(row)).bytes?.length).toBe(0);
      for (const byte of bytes) for (const elements of [1, 5, 12, 4]) {
        const written = filled(byte, elements * size);
        expect(await client.write(row, { kind, array: viewOf(kind, written) })).toBe('done');
        const read = await client.readOne(row);
        expect([name, byte, Buffer.from(read.bytes!).toString('hex')]).toEqual([name, byte, Buffer.from(written).toString('hex')]);
      }
      client.ca.close(Int32Array.of(row));
    }
  });

  test('S3: text of every length is read to its end and no further', async () => {
    const [text, long, texts] = await client.connect(['T', 'L.VAL$', 'A:STRING']) as unknown as [number, number, number];
    for (const length of [0, 39, 1, 7]) {
      expect(await client.write(text, 'ÿ'.repeat(0) + 'x'.repeat(length))).toBe('done');
      expect((await client.readOne(text)).text).toBe('x'.repeat(length));
    }
    for (const length of [99, 3, 0, 40]) {
      expect(await client.write(long, 'y'.repeat(length))).toBe('done');
      expect((await client.readOne(long)).text).toBe('y'.repeat(length));
    }
    for (const list of [['a', '', ''], ['', 'b'], ['']]) {
      expect(await client.write(texts, { kind: ValueKind.text, array: Buffer.from(list.join('\0')) })).toBe('done');
      expect(Buffer.from((await client.readOne(texts)).bytes!).toString().split('\0')).toEqual(list);
    }
    client.ca.close(Int32Array.of(text, long, texts));
  });

  test('whoever asks whether an IOC is alive finds what it has said before in the columns', async () => {
    const [row, text] = await client.connect(['X', 'T'], { monitor: true }) as unknown as [number, number];
    await client.until(() => client.monitored(row).outcome === 'ok' && client.monitored(text).outcome === 'ok', { saying: 'the first sweep' });
    expect(await client.write(row, 42)).toBe('done');
    expect(await client.write(text, 'later')).toBe('done');
    expect(client.monitored(row).num).not.toBe(42);
    expect(await client.ca.alive(ioc.address, 3_000)).toBe(true);
    expect([client.monitored(row).num, client.monitored(text).text]).toEqual([42, 'later']);
    client.ca.close(Int32Array.of(row, text));
  });

  test('a sweep shows what has changed and nothing else', async () => {
    await using quick = await starting([ioc.port], 20);
    const rows = await quick.connect(['X', 'T', 'A:DOUBLE', 'A:STRING', 'L.VAL$'], { monitor: true });
    await quick.until(() => rows.every((row) => quick.monitored(row).outcome === 'ok'), { saying: 'the first sweep' });
    const updates = (): number[] => Array.from(rows, (row) => quick.ca.columns.updates[row]!);
    const before = updates();
    const reads = quick.ca.statistics().updates;
    expect(await quick.write(rows[0]!, 1234)).toBe('done');
    await quick.until(() => quick.monitored(rows[0]!).num === 1234, { saying: 'the change' });
    expect(updates()).toEqual(before.map((count, i) => (i === 0 ? count + 1 : count)));
    expect(quick.ca.statistics().updates).toBe(reads + 1);
  });
});

describe('libca without native code, in trouble', () => {
  test('a thread that ends by a fault lets go of libca; the next one serves its channels', async () => {
    await using ioc = await startSoftIoc({ records: recordsDb([{ type: 'ao', name: 'X', fields: { VAL: 3, PINI: 'YES' } }]) });
    await using hung = await startSoftIoc({ records: recordsDb([{ type: 'ao', name: 'H' }]) });
    await using client = await starting([ioc.port, hung.port], 20);
    const rows = await client.connect(['X', 'H'], { monitor: true });
    await hang(hung.process);
    const from = client.events.length;
    // Nobody but a programming error asks so: the thread has no answer to it.
    void client.ca.write(ioc.address, rows.slice(0, 1), emptyValueColumns(1), { deadlineMs: 60_000, window: 1n as never });
    await client.seen('thread.exited', { from, saying: 'the thread to end' });
    await client.connected(rows.subarray(0, 1));
    expect((await client.readOne(rows[0]!)).num).toBe(3);
  });

  test('I1: an IOC that hangs under the heaviest asking costs another nothing, nor whoever stops', async () => {
    const count = 12_000;
    await using hung = await startSoftIoc({ records: manyRecords(count, settable) });
    await using well = await startSoftIoc({ records: recordsDb([{ type: 'ao', name: 'W', fields: { VAL: 3, PINI: 'YES' } }]) });
    const client = await starting([hung.port, well.port], 20);
    const rows = await client.connect(Array.from({ length: count }, (_, n) => `C:SET:${n}`), { monitor: true });
    const [other] = await client.connect(['W'], { monitor: true }) as unknown as [number];
    client.ca.prepareWrites(hung.address, rows);
    await client.until(() => rows.every((row) => client.ca.columns.updates[row]! > 0), { saying: 'the first sweep', withinMs: 10_000 });
    expect(await client.write(rows[0]!, 1)).toBe('done');
    await hang(hung.process);
    const took: number[] = [];
    const late: Promise<unknown>[] = [];
    for (let n = 0; n < 60; n++) {
      // 60 times 192 KB, were they all sent.
      late.push(client.read(rows, 200), client.writeAll(rows.subarray(0, 1_000), Array.from({ length: 1_000 }, () => n), { deadlineMs: 200, window: 128 }));
      const startedAt = performance.now();
      expect(await client.readOne(other, 2_000)).toMatchObject({ outcome: 'ok', num: 3 });
      took.push(performance.now() - startedAt);
    }
    expect(took.sort((a, b) => a - b)[30]).toBeLessThan(100);
    expect(took.at(-1)).toBeLessThan(1_500);
    await Promise.all(late);
    const startedAt = performance.now();
    await client.ca.stop();
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  }, 60_000);
});

function viewOf(kind: ValueKind, bytes: Uint8Array): ArrayBufferView {
  const { buffer } = bytes;
  switch (kind) {
    case ValueKind.double: return new Float64Array(buffer as ArrayBuffer);
    case ValueKind.float: return new Float32Array(buffer as ArrayBuffer);
    case ValueKind.int32: return new Int32Array(buffer as ArrayBuffer);
    case ValueKind.int16: return new Int16Array(buffer as ArrayBuffer);
    default: return bytes;
  }
}

function asNumber(kind: ValueKind, bytes: Uint8Array): number {
  return Number((viewOf(kind, bytes) as Float64Array)[0]);
}
