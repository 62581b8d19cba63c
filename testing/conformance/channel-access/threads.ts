// A thread that dies takes nothing with it that does not come back.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { emptyValueColumns } from '../../../src/contracts/values.ts';
import { eventually, recordsDb, startSoftIoc } from '../../harness/index.ts';
import { Client, writeOutcomeName, type Create } from './client.ts';

const deaths = 3;
const db = (name: string): string => recordsDb([
  { type: 'ao', name, fields: { VAL: 1, PINI: 'YES' } }, { type: 'stringout', name: `${name}:TEXT`, fields: { VAL: 'one', PINI: 'YES' } },
  ...Array.from({ length: deaths }, (_, n) => ({ type: 'calcout', name: `${name}:SLOW:${n}`, fields: { CALC: 'A', ODLY: 20 } })),
]);

export function describeThreads(create: Create): void {
  describe('A thread that dies', () => {
    test('its channels are disconnected with the reason, others go on, and a fresh thread brings everything back', async () => {
      await using dying = await startSoftIoc({ records: db('D') });
      await using living = await startSoftIoc({ records: db('L') });
      await using client = await Client.start(create, { ports: [dying.port, living.port], options: { threads: 2 } });
      const rows = await client.connect(['D', 'D:TEXT', ...Array.from({ length: deaths }, (_, n) => `D:SLOW:${n}.A`)], { monitor: true });
      const [row, text, ...slow] = rows as unknown as [number, number, ...number[]];
      const [other] = await client.connect(['L'], { monitor: true }) as unknown as [number];
      await client.until(() => [row, text, other].every((each) => client.monitored(each).outcome === 'ok'), { saying: 'the first values' });
      expect(await client.write(row, 1)).toBe('done');
      for (let death = 0; death < deaths; death++) {
        const from = client.events.length;
        const circuits = client.ca.statistics().circuits;
        const underWay = client.write(slow[death]!, 1, 60_000);
        await eventually(async () => (await client.readOne(slow[death]!)).num === 1, { saying: 'the slow put to be under way' });
        const { reason, fatal } = await kill(client, row);
        expect(reason).toMatch(/TypeError/);
        expect(fatal).toBe('lost');
        expect(await underWay).toBe('lost');
        const gone = await client.seen('channels.disconnected', { from, saying: 'the channels to be disconnected', where: ({ ioc }) => ioc === dying.address });
        expect([...gone.rows].sort()).toEqual([...rows].sort());
        expect(gone.reason).toMatch(/its thread ended: .*TypeError/);
        expect((await client.readOne(other)).outcome).toBe('ok');
        expect(client.of('channels.disconnected', from).filter(({ ioc }) => ioc === living.address)).toEqual([]);

        await client.connected(rows);
        await client.until(() => client.monitored(row).outcome === 'ok' && client.monitored(text).text === 'one', { saying: 'the monitors to be set again' });
        expect(await client.write(row, 10 * death)).toBe('done');
        await client.until(() => client.monitored(row).num === 10 * death, { saying: 'an update' });
        // Nothing of the dead one stays with the IOC: neither a circuit that it serves for nobody, nor a count of one.
        await eventually(() => established(dying.port) === circuits - established(living.port), { saying: 'the circuits of the dead thread to be closed', withinMs: 10_000 });
        expect(client.ca.statistics().circuits).toBe(circuits);
      }
    }, 60_000);
  });
}

/** What no thread can make sense of stands for a fault of the program. */
async function kill(client: Client, row: number): Promise<{ reason: string; fatal: string }> {
  const from = client.events.length;
  const written = client.ca.write(client.iocOf(row), Int32Array.of(row), emptyValueColumns(1), { deadlineMs: 60_000, window: 16n as never });
  const { reason } = await client.seen('thread.exited', { from, saying: 'the thread to end' });
  return { reason, fatal: writeOutcomeName((await written).outcome[0]!) };
}

/** Connections that a server on this port of loopback has. */
function established(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'utf8').split('\n').filter((line) => {
    const [, from, , state] = line.trim().split(/\s+/);
    return from === local && state === '01';
  }).length;
}
