// Writes with completion: every row ends in an outcome, and nothing is clipped on this side.
import { describe, expect, test } from 'vitest';
import { ValueKind } from '../../../src/contracts/values.ts';
import { eventually } from '../../harness/index.ts';
import type { Client, Writable } from './client.ts';
import { manyCount } from './iocs.ts';

const misfits: readonly [string, Writable][] = [
  ['C:SHORT', 32_768], ['C:SHORT', -32_769], ['C:SHORT', 1.5], ['C:SHORT', NaN],
  ['C:LONG', 2_147_483_648], ['C:LONG', 0.5], ['C:LONG', Infinity],
  ['C:CHAR', 256], ['C:CHAR', -1], ['C:ENUM', -1], ['C:ENUM', 65_536], ['C:ENUM', 'no such state'],
  ['C:FLOAT', 1e39], ['C:X', 'text'], ['C:LONG', 'text'],
  ['C:TEXT', 'x'.repeat(40)], ['C:TEXT', 'é'.repeat(20)], ['C:TEXT', 'a\0b'], ['C:TEXT', 5],
  ['C:LONGTEXT.VAL$', 'x'.repeat(4_001)], ['C:LONGTEXT.VAL$', 'a\0b'],
  ['C:ARRAY:DOUBLE', { kind: ValueKind.double, array: new Float64Array(11) }],
  ['C:ARRAY:SHORT', { kind: ValueKind.int32, array: Int32Array.of(1, 40_000) }],
  ['C:ARRAY:STRING', { kind: ValueKind.text, array: Buffer.from(`ok\0${'x'.repeat(40)}`) }],
  ['C:X', { kind: ValueKind.double, array: Float64Array.of(1, 2) }],
];

/** @param tellsRefusals See Capabilities. */
export function describeWriting(the: () => Client, other: () => Client, tellsRefusals: boolean): void {
  describe('Writes', () => {
    test('R1: what does not fit the channel is refused and nothing is sent', async () => {
      const names = [...new Set(misfits.map(([name]) => name))];
      const rows = await the().connect(names);
      await Promise.all([...rows].map((row) => the().metaOf(row)));
      const before = await the().read(rows);
      for (const [name, value] of misfits) {
        expect(await the().write(rows[names.indexOf(name)]!, value), `${String(typeof value === 'object' ? JSON.stringify(value) : value)} to ${name}`).toBe('doesNotFit');
      }
      // The same time stamps: nothing was processed.
      expect(await the().read(rows)).toEqual(before);
    });

    test('numbers are converted to the type of the channel', async () => {
      const rows = await the().connect(['C:SHORT', 'C:ARRAY:LONG', 'C:ARRAY:DOUBLE']);
      expect(await the().writeAll(rows, [-7, { kind: ValueKind.double, array: Float64Array.of(1, -2) }, { kind: ValueKind.int16, array: Int16Array.of(3, 4) }], { deadlineMs: 3_000, window: 3 }))
        .toEqual(['done', 'done', 'done']);
      const [short, long, double] = await the().read(rows);
      expect(short!.num).toBe(-7);
      expect([...new Int32Array(long!.bytes!.slice().buffer)]).toEqual([1, -2]);
      expect([...new Float64Array(double!.bytes!.slice().buffer)]).toEqual([3, 4]);
    });

    test('the IOC clamps at its drive limits and says done: only reading back shows it', async () => {
      const [row] = await the().connect(['C:LIMITED']) as unknown as [number];
      expect(await the().write(row, 99)).toBe('done');
      expect((await the().readOne(row)).num).toBe(5);
      expect(await the().write(row, -99)).toBe('done');
      expect((await the().readOne(row)).num).toBe(-5);
    });

    test(tellsRefusals ? 'what the IOC refuses comes back with its code' : 'what the IOC refuses is never said to be done', async () => {
      const [disabled] = await the().connect(['C:DISABLED']) as unknown as [number];
      expect(await the().write(disabled, 1, tellsRefusals ? 3_000 : 300)).toMatch(tellsRefusals ? /^refused [1-9]\d*$/ : /^timeout$/);
    });

    test('rows of one write have each their own outcome, in order', async () => {
      const rows = await the().connect(['C:X', 'C:GUARDED', 'C:SHORT', 'C:DISABLED', 'C:LONG']);
      const absent = the().ca.open(['C:NO:SUCH:PV']);
      const all = Int32Array.of(...rows, ...absent);
      const outcomes = await the().writeAll(all, [1, 2, 70_000, 3, 4, 5], { deadlineMs: tellsRefusals ? 3_000 : 500, window: 2 });
      expect(outcomes.map((outcome) => outcome.split(' ')[0])).toEqual(['done', 'noWriteAccess', 'doesNotFit', tellsRefusals ? 'refused' : 'timeout', 'done', 'disconnected']);
      the().ca.close(absent);
    });

    test('slow records keep their places of the window, and the rest of it goes on', async () => {
      const rows = await the().connect(['C:SLOWER.A', 'C:SLOWER2.A', 'C:X', 'C:SHORT', 'C:LONG']);
      const ended: string[] = [];
      const ends = (what: string, write: Promise<string[]>): Promise<void> => write.then((outcomes) => void ended.push(what, ...outcomes));
      // Less than half of the window is free once the slow ones are under way.
      const options = { deadlineMs: 15_000, window: 3 };
      await Promise.all([ends('slow', the().writeAll(rows.subarray(0, 2), [1, 2], options)), ends('quick', the().writeAll(rows.subarray(2), [3, 4, 5], options))]);
      expect(ended).toEqual(['quick', 'done', 'done', 'done', 'slow', 'done', 'done']);
    }, 30_000);

    test('a slow record completes late, and is busy until then for everybody who writes to it here', async () => {
      const rows = await the().connect(['C:SLOW.A', 'C:X']);
      const [row, quick] = rows as unknown as [number, number];
      the().ca.prepareWrites(the().iocOf(row), rows);
      const startedAt = performance.now();
      const first = the().write(row, 1).then((outcome) => ({ outcome, ms: performance.now() - startedAt }));
      expect(await the().write(quick, 1)).toBe('done');
      expect(performance.now() - startedAt).toBeLessThan(500);
      expect(await the().write(row, 2)).toBe('busy');
      const { outcome, ms } = await first;
      expect(outcome).toBe('done');
      expect(ms).toBeGreaterThan(500);
      expect((await the().readOne(row)).num).toBe(1);
    });

    test('a put that is not completed by its deadline times out, and the channel stays busy until it is', async () => {
      const [row] = await the().connect(['C:SLOW.A']) as unknown as [number];
      const startedAt = performance.now();
      expect(await the().write(row, 3, 150)).toBe('timeout');
      expect(performance.now() - startedAt).toBeLessThan(450);
      expect(await the().write(row, 4, 150)).toBe('busy');
      await eventually(async () => (await the().write(row, 5, 2_000)) === 'done', { saying: 'the channel to be free again' });
      expect((await the().readOne(row)).num).toBe(5);
    });

    test(`${manyCount} puts through a window of 128 all complete`, async () => {
      const client = other();
      const rows = await client.connect(Array.from({ length: manyCount }, (_, n) => `C:SET:${n}`));
      client.ca.prepareWrites(client.iocOf(rows[0]!), rows);
      const outcomes = await client.writeAll(rows, Array.from(rows, (_, n) => n + 1), { deadlineMs: 5_000, window: 128 });
      expect(outcomes.filter((outcome) => outcome !== 'done')).toEqual([]);
      const read = await client.read(rows);
      expect(read.every(({ num }, n) => num === n + 1)).toBe(true);
      client.ca.close(rows);
    });

    // An IOC has room for 2,000 completions; those of more at once never come.
    test(`${manyCount} puts of four writes at once all complete, for together they keep to the window`, async () => {
      const client = other();
      const rows = await client.connect(Array.from({ length: manyCount }, (_, n) => `C:SET:${n}`));
      client.ca.prepareWrites(client.iocOf(rows[0]!), rows);
      const share = Math.ceil(manyCount / 4);
      const shares = [0, 1, 2, 3].map((n) => rows.subarray(n * share, (n + 1) * share));
      const outcomes = await Promise.all(shares.map((each) => client.writeAll(each, Array.from(each, () => 9), { deadlineMs: 5_000, window: 128 })));
      expect(outcomes.flat().filter((outcome) => outcome !== 'done')).toEqual([]);
      expect((await client.read(rows)).every(({ num }) => num === 9)).toBe(true);
      client.ca.close(rows);
    });
  });
}
