// Values of every type there and back, with alarm, time and description (S1, S3).
import { beforeAll, describe, expect, test } from 'vitest';
import { Access } from '../../../src/channel-access/columns.ts';
import { ValueKind, valueKindNames } from '../../../src/contracts/values.ts';
import { eventually } from '../../harness/index.ts';
import { valueOf, type Client, type Writable } from './client.ts';

interface Case { readonly name: string; readonly kind: string; readonly values: readonly Writable[]; readonly reads?: readonly unknown[] }

const float = (value: number): number => Math.fround(value);
const long39 = '0123456789'.repeat(4).slice(0, 39);

/** What is written and what is read; the same unless said. */
const scalars: readonly Case[] = [
  { name: 'C:X', kind: 'double', values: [0.1, NaN, Infinity, -Infinity, -0, 5e-324, -2.2250738585072e-308, 1.7976931348623157e308, 0] },
  {
    name: 'C:FLOAT', kind: 'float', values: [float(0.1), NaN, Infinity, -Infinity, -0, 1e-45, 3.4028234663852886e38, 0.1],
    reads: [float(0.1), NaN, Infinity, -Infinity, -0, float(1e-45), float(3.4028234663852886e38), float(0.1)],
  },
  { name: 'C:LONG', kind: 'int32', values: [2_147_483_647, -2_147_483_648, 0, -1] },
  { name: 'C:SHORT', kind: 'int16', values: [32_767, -32_768, 0, -1] },
  // The protocol does not tell CHAR from UCHAR: 0 to 255.
  { name: 'C:CHAR', kind: 'int8', values: [0, 1, 127, 128, 255] },
  // The protocol has no 64-bit integer; the IOC serves one as double.
  { name: 'C:INT64', kind: 'double', values: [9_007_199_254_740_991, -9_007_199_254_740_991, 0] },
  { name: 'C:ENUM', kind: 'enum', values: [2, 0, 4, 3], reads: [2, 0, 4, 3] },
  { name: 'C:ENUM', kind: 'enum', values: ['µ On', 'Off'], reads: [2, 0] },
  { name: 'C:BINARY', kind: 'enum', values: [1, 0] },
  { name: 'C:TEXT', kind: 'text', values: ['plain', '', long39, 'Ångström µ ‰', ' lead and trail ', '12.5', 'tab\tnewline\n'] },
  { name: 'C:LONGTEXT.VAL$', kind: 'text', values: ['short', 'x'.repeat(3_999), '', 'Ångström '.repeat(100), 'two\nlines'] },
  { name: 'C:TEXT.VAL$', kind: 'text', values: ['by another way', long39, ''] },
];

const arrays: readonly { name: string; kind: ValueKind; values: readonly ArrayBufferView[] }[] = [
  { name: 'C:ARRAY:DOUBLE', kind: ValueKind.double, values: [Float64Array.of(1, NaN, -Infinity, -0, 5e-324), Float64Array.from({ length: 10 }, (_, i) => i / 3), Float64Array.of(7)] },
  { name: 'C:ARRAY:FLOAT', kind: ValueKind.float, values: [Float32Array.of(0.1, NaN, Infinity, -0)] },
  { name: 'C:ARRAY:LONG', kind: ValueKind.int32, values: [Int32Array.of(2_147_483_647, -2_147_483_648, 0)] },
  { name: 'C:ARRAY:SHORT', kind: ValueKind.int16, values: [Int16Array.of(32_767, -32_768)] },
  { name: 'C:ARRAY:UCHAR', kind: ValueKind.int8, values: [Uint8Array.of(0, 1, 127, 128, 255, 0)] },
  { name: 'C:ARRAY:ENUM', kind: ValueKind.enum, values: [Uint16Array.of(0, 3, 65_535)] },
  { name: 'C:ARRAY:STRING', kind: ValueKind.text, values: [Buffer.from('one\0two µ\0\0four'), Buffer.from(`${long39}\0x`), Buffer.from('single')] },
  { name: 'C:ARRAY:BIG', kind: ValueKind.double, values: [Float64Array.from({ length: 100_000 }, (_, i) => Math.sin(i)), Float64Array.of(1, 2)] },
];

function shown(value: Writable): string {
  if (Object.is(value, -0)) return '-0';
  const text = typeof value === 'object' ? 'bytes' : JSON.stringify(typeof value === 'number' ? String(value) : value);
  return text.length > 24 ? `${text.slice(0, 20)}…` : text;
}

export function describeReading(the: () => Client): void {
  describe('Values', () => {
    for (const { name, kind, values, reads } of scalars) test(`S3: ${name} as ${kind} keeps ${values.map(shown).join(', ')}`, async () => {
      const [row] = await the().connect([name]) as unknown as [number];
      for (const [index, value] of values.entries()) {
        expect(await the().write(row, value), `writing ${String(value)}`).toBe('done');
        const read = await the().readOne(row);
        expect([read.outcome, read.kind]).toEqual(['ok', kind]);
        expect(valueOf(read)).toStrictEqual((reads ?? values)[index]);
        expect(valueKindNames[the().ca.columns.kind[row]!]).toBe(kind);
      }
      the().ca.close(Int32Array.of(row));
    });

    for (const { name, kind, values } of arrays) test(`S3: ${name} keeps its elements and their number`, async () => {
      const [row] = await the().connect([name]) as unknown as [number];
      for (const array of values) {
        expect(await the().write(row, { kind, array })).toBe('done');
        const read = await the().readOne(row);
        expect([read.outcome, read.kind]).toEqual(['ok', valueKindNames[kind]]);
        const written = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
        expect(read.bytes?.length).toBe(written.length);
        expect(Buffer.from(read.bytes!).equals(written)).toBe(true);
      }
      the().ca.close(Int32Array.of(row));
    });

    test('an array that was never written is empty, not missing', async () => {
      const [row] = await the().connect(['C:ARRAY:EMPTY']) as unknown as [number];
      const read = await the().readOne(row);
      expect([read.outcome, read.kind, read.bytes?.length]).toEqual(['ok', 'double', 0]);
      expect(the().ca.columns.elements[row]).toBe(10);
    });

    test('S3: text that is not valid UTF-8 keeps its bytes, beside a readable form', async () => {
      const [row, long] = await the().connect(['C:TEXT', 'C:LONGTEXT.VAL$']) as unknown as [number, number];
      const bytes = Uint8Array.of(0x41, 0xff, 0xc3, 0x28, 0xb0, 0x43);
      for (const one of [row, long]) {
        expect(await the().write(one, { rawText: bytes })).toBe('done');
        const read = await the().readOne(one);
        expect([read.outcome, read.kind, read.raw]).toEqual(['ok', 'text', true]);
        expect(Buffer.from(read.bytes!).toString('hex')).toBe(Buffer.from(bytes).toString('hex'));
        expect(read.text).toMatch(/^A.*C$/su);
      }
    });

    test('a record that was never processed is in the alarm that says so, without a time', async () => {
      const [row] = await the().connect(['C:NEVER']) as unknown as [number];
      const read = await the().readOne(row);
      expect([read.outcome, read.severity, read.status]).toEqual(['ok', 'INVALID', 'UDF']);
      expect(read.timeNs).toBe(0n);
    });

    test('S3: time stamps keep their nanoseconds', async () => {
      // The IOC's own filter serves the parts of the time stamp as values.
      const rows = await the().connect(['C:STAMPED', 'C:STAMPED.VAL{"ts":{"num":"sec","epoch":"unix"}}', 'C:STAMPED.VAL{"ts":{"num":"nsec"}}']);
      const nanoseconds = new Set<bigint>();
      for (let value = 1; value <= 4; value++) {
        expect(await the().write(rows[0]!, value)).toBe('done');
        const [plain, seconds, rest] = await the().read(rows);
        expect(plain!.timeNs).toBe(BigInt(seconds!.num) * 1_000_000_000n + BigInt(rest!.num));
        nanoseconds.add(plain!.timeNs % 1_000n);
      }
      expect(nanoseconds.size).toBeGreaterThan(1);
    });

    test('alarm severity and status follow the value', async () => {
      const [row] = await the().connect(['C:LIMITED']) as unknown as [number];
      const seen: unknown[] = [];
      for (const value of [0, 3.5, 4.5, -3.5, -4.5]) {
        await the().write(row, value);
        const { severity, status } = await the().readOne(row);
        seen.push([value, severity, status]);
      }
      expect(seen).toEqual([
        [0, 'NO_ALARM', 'NO_ALARM'], [3.5, 'MINOR', 'HIGH'], [4.5, 'MAJOR', 'HIHI'], [-3.5, 'MINOR', 'LOW'], [-4.5, 'MAJOR', 'LOLO'],
      ]);
    });

    test('many channels of one IOC are answered in the order asked, a channel twice if asked twice', async () => {
      const rows = await the().connect(['C:GUARDED', 'C:NEVER', 'C:GUARDED', 'C:BINARY']);
      const asked = Int32Array.of(rows[3]!, rows[0]!, rows[1]!, rows[0]!, rows[2]!);
      const values = await the().ca.read(the().iocOf(rows[0]!), asked, 3_000);
      expect(Array.from(values.channel)).toEqual(Array.from(asked));
      expect(Array.from(values.num.slice(1))).toEqual([7, 0, 7, 7]);
      expect((await the().ca.read(the().iocOf(rows[0]!), new Int32Array(0), 3_000)).length).toBe(0);
    });
  });

  describe('Descriptions', () => {
    test('tell units, precision and limits', async () => {
      const [row] = await the().connect(['C:LIMITED']) as unknown as [number];
      const meta = await the().metaOf(row);
      expect(meta).toMatchObject({
        units: 'mA', precision: 3, display: { low: -10, high: 10 }, control: { low: -5, high: 5 }, warning: { low: -3, high: 3 }, alarm: { low: -4, high: 4 },
      });
      expect(meta.labels).toBeUndefined();
      expect(meta.maxElements).toBeUndefined();
      const read = await the().readOne(row);
      expect(the().ca.meta(read.metaHash)).toEqual(meta);
    });

    test('tell enum labels and the length of arrays, and are shared by their content', async () => {
      const [states, two, big, again] = await the().connect(['C:ENUM', 'C:BINARY', 'C:ARRAY:BIG', 'C:ENUM']) as unknown as [number, number, number, number];
      expect((await the().metaOf(states)).labels).toEqual(['Off', 'Standby', 'µ On', '', 'Fault']);
      expect((await the().metaOf(two)).labels).toEqual(['Open', 'Closed']);
      expect((await the().metaOf(big)).maxElements).toBe(100_000);
      await the().metaOf(again);
      expect(the().ca.columns.metaHash[again]).toBe(the().ca.columns.metaHash[states]);
      expect(the().ca.meta(12_345n)).toBeUndefined();
    });

    test('come with an event, and again when a property of a monitored channel changes', async () => {
      const from = the().events.length;
      const [row, units] = await the().connect(['C:MONITORED', 'C:MONITORED.EGU'], { monitor: true }) as unknown as [number, number];
      const first = await the().seen('channels.described', { from, saying: 'the first description', where: ({ rows }) => rows.includes(row) });
      const hash = the().ca.columns.metaHash[row]!;
      expect(first.metas.get(hash) ?? the().ca.meta(hash)).toMatchObject({ units: 'V' });
      const second = the().events.length;
      expect(await the().write(units, 'kV')).toBe('done');
      const changed = await the().seen('channels.described', { from: second, saying: 'the changed description', where: ({ rows }) => rows.includes(row) });
      expect(the().ca.columns.metaHash[row]).not.toBe(hash);
      expect(changed.metas.get(the().ca.columns.metaHash[row]!)).toMatchObject({ units: 'kV' });
      expect(await the().write(units, 'V')).toBe('done');
      the().ca.close(Int32Array.of(row, units));
    });
  });

  describe('Access rights', () => {
    let rows: Int32Array;
    beforeAll(async () => {
      rows = await the().connect(['C:GUARDED', 'C:GUARD:CHANGES', 'C:GUARD:LOCK']);
    });

    test('are in the columns at connection', async () => {
      expect([the().ca.columns.access[rows[0]!], the().ca.columns.access[rows[1]!]]).toEqual([Access.read, Access.read | Access.write]);
      expect(await the().write(rows[0]!, 1)).toBe('noWriteAccess');
      expect((await the().readOne(rows[0]!)).num).toBe(7);
    });

    test('that change at run time come with an event and hold from then on', async () => {
      const [, row, lock] = rows as unknown as [number, number, number];
      const changed = async (to: number, bits: number): Promise<void> => {
        const from = the().events.length;
        expect(await the().write(lock, to)).toBe('done');
        await the().seen('channels.access', { from, saying: `access at lock ${to}`, where: (event) => event.rows.includes(row) });
        await the().until(() => the().ca.columns.access[row] === bits, { saying: `access bits ${bits}` });
      };
      await changed(1, Access.read);
      // A client may learn of it for reading and writing one after the other.
      await eventually(async () => (await the().write(row, 1)) === 'noWriteAccess', { saying: 'the write to be refused' });
      await changed(2, 0);
      expect((await the().readOne(row)).outcome).toBe('noReadAccess');
      await changed(0, Access.read | Access.write);
      await eventually(async () => (await the().write(row, 5)) === 'done', { saying: 'the write to be allowed again' });
      expect((await the().readOne(row)).num).toBe(5);
    });
  });
}
