// Monitors: the columns follow the IOC, and pulses tell so without one message per update.
import { describe, expect, test } from 'vitest';
import { ChannelState } from '../../../src/channel-access/columns.ts';
import { ValueKind } from '../../../src/contracts/values.ts';
import { eventually } from '../../harness/index.ts';
import { valueOf, type Client } from './client.ts';

/** @param seesEveryUpdate See Capabilities. */
export function describeMonitoring(the: () => Client, seesEveryUpdate: boolean): void {
  describe('Monitors', () => {
    test('bring a first value of every kind, the same as a read', async () => {
      const names = ['C:MONITORED', 'C:MONITORED:TEXT', 'C:MONITORED:ARRAY', 'C:ENUM', 'C:LIMITED', 'C:ARRAY:STRING', 'C:NEVER'];
      const rows = await the().connect(names, { monitor: true });
      for (const [index, row] of rows.entries()) {
        await eventually(() => the().monitored(row).outcome === 'ok', { saying: `the first value of ${names[index]}` });
        const [monitored, read] = [the().monitored(row), await the().readOne(row)];
        expect(valueOf(monitored), names[index]).toStrictEqual(valueOf(read));
        expect([monitored.kind, monitored.severity, monitored.status, monitored.timeNs]).toEqual([read.kind, read.severity, read.status, read.timeNs]);
        expect(the().ca.columns.updates[row]).toBeGreaterThan(0);
      }
      the().ca.close(rows);
    });

    test('follow changes of value and alarm, of text and of arrays, with pulses', async () => {
      const rows = await the().connect(['C:MONITORED', 'C:MONITORED:TEXT', 'C:MONITORED:ARRAY'], { monitor: true });
      const [number, text, array] = rows as unknown as [number, number, number];
      const from = the().events.length;
      expect(await the().write(number, 3)).toBe('done');
      expect(await the().write(text, 'changed')).toBe('done');
      expect(await the().write(array, { kind: ValueKind.int32, array: Int32Array.of(4, 5, 6) })).toBe('done');
      await eventually(() => the().ca.columns.num[number] === 3, { saying: 'the number in the columns' });
      expect(the().monitored(number)).toMatchObject({ num: 3, severity: 'NO_ALARM' });
      await eventually(() => the().monitored(text).text === 'changed', { saying: 'the text' });
      await eventually(() => the().monitored(array).bytes?.length === 12, { saying: 'the array' });
      expect([...new Int32Array(the().monitored(array).bytes!.slice().buffer)]).toEqual([4, 5, 6]);
      expect(await the().write(number, 11)).toBe('done');
      await eventually(() => the().monitored(number).num === 11, { saying: 'the number in alarm' });
      expect(the().monitored(number)).toMatchObject({ severity: 'MAJOR', status: 'HIGH' });
      expect(the().ca.columns.severity[number]).toBe(2);
      await the().seen('pulse', { from, saying: 'a pulse of this IOC', where: ({ ioc, updates }) => ioc === the().iocOf(number) && updates > 0 });
      the().ca.close(rows);
    });

    test('pulse at most once in 50 ms however many updates come, and end at the last value', async () => {
      const [row] = await the().connect(['C:MONITORED'], { monitor: true }) as unknown as [number];
      await eventually(() => the().monitored(row).outcome === 'ok', { saying: 'the first value' });
      const ioc = the().iocOf(row);
      const times: number[] = [];
      const pulses = (): number => the().of('pulse').filter((pulse) => pulse.ioc === ioc).length;
      let counted = pulses();
      const before = the().ca.columns.updates[row]!;
      const startedAt = performance.now();
      for (let value = 1; value <= 400; value++) {
        await the().write(row, value);
        if (pulses() > counted) {
          counted = pulses();
          times.push(performance.now());
        }
      }
      await eventually(() => the().monitored(row).num === 400, { saying: 'the last value' });
      const seconds = (performance.now() - startedAt) / 1_000;
      expect(the().ca.columns.updates[row]! - before).toBeGreaterThan(seesEveryUpdate ? 300 : 0);
      // A timer's own inaccuracy is allowed for.
      expect(times.length).toBeLessThanOrEqual(Math.ceil(seconds / 0.045) + 1);
      the().ca.close(Int32Array.of(row));
    });

    test('S1: a row without a monitor, or without its channel, has no monitored value', async () => {
      const [unmonitored, monitored] = [...await the().connect(['C:MONITORED']), ...await the().connect(['C:MONITORED'], { monitor: true })] as [number, number];
      const [absent] = the().ca.open(['C:NO:SUCH:PV'], { monitor: true }) as unknown as [number];
      await eventually(() => the().monitored(monitored).outcome === 'ok', { saying: 'the first value' });
      expect(the().monitored(unmonitored).outcome).toBe('noUpdateYet');
      expect(the().monitored(absent).outcome).toBe('notFound');
      expect(the().ca.columns.state[absent]).toBe(ChannelState.searching);
      the().ca.close(Int32Array.of(monitored));
      expect(the().monitored(monitored).outcome).not.toBe('ok');
      the().ca.close(Int32Array.of(unmonitored, absent));
    });
  });
}
