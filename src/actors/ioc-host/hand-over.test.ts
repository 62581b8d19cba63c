import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPlacement } from '../../kernel/placement.ts';
import { ChannelTable, type DictionaryRow } from './channel-table.ts';
import { handOver } from './hand-over.ts';

const iocs = ['10.0.0.1:5064', '10.0.0.2:5064', '10.0.0.3:5064', null];
const dictionary = fc.array(fc.constantFrom(...iocs), { maxLength: 40 }).map((list): DictionaryRow[] => list.map((ioc, i) => [i + 1, `PV${i}`, ioc]));
const hosts: fc.Arbitrary<string[]> = fc.uniqueArray(fc.constantFrom<string[]>('h1', 'h2', 'h3', 'h4'), { minLength: 1, maxLength: 4 });

/** Carries a hand-over out, as the host does. */
function carryOut(table: ChannelTable, living: string[], host: string): void {
  const { open, close } = handOver(table, createPlacement(living), host);
  for (const id of close) table.closed(id);
  for (const id of open) table.opened(id, id);
}
const held = (table: ChannelTable): number[] => [...table.ids()].filter((id) => table.rowOf(id) >= 0);

test('whatever hosts come and go and wherever channels move, each channel ends with exactly one of them', () => {
  fc.assert(
    fc.property(dictionary, fc.array(fc.tuple(hosts, fc.nat(39), fc.constantFrom('10.0.0.1:5064', '10.0.0.9:5064')), { minLength: 1, maxLength: 8 }), (rows, steps) => {
      const tables = new Map<string, ChannelTable>();
      const directory = rows.map(([, , known]) => known);
      for (const [living, moved, ioc] of steps) {
        if (moved < rows.length) directory[moved] = ioc;
        for (const host of living) {
          // A newcomer reads the whole directory, the others hear the event.
          if (!tables.has(host)) tables.set(host, new ChannelTable(100));
          tables.get(host)!.replace(rows.map(([id, name], i) => [id, name, directory[i]!]));
        }
        for (const host of living) carryOut(tables.get(host)!, living, host);
        for (const host of [...tables.keys()]) if (!living.includes(host)) tables.delete(host);
        expect(living.flatMap((host) => held(tables.get(host)!)).sort((x, y) => x - y)).toEqual(rows.map(([id]) => id));
      }
    }),
  );
});

test('all channels of an IOC are with one host', () => {
  const rows: DictionaryRow[] = Array.from({ length: 60 }, (_, i) => [i + 1, `PV${i}`, iocs[i % 3]!]);
  for (const host of ['h1', 'h2']) {
    const table = new ChannelTable(100);
    table.replace(rows);
    carryOut(table, ['h1', 'h2'], host);
    const byIoc = new Map<string, number>();
    for (const id of held(table)) byIoc.set(table.iocOf(id)!, (byIoc.get(table.iocOf(id)!) ?? 0) + 1);
    expect([...byIoc.values()].every((count) => count === 20)).toBe(true);
  }
});

test('a second look changes nothing', () => {
  const table = new ChannelTable(100);
  table.replace(Array.from({ length: 30 }, (_, i): DictionaryRow => [i + 1, `PV${i}`, null]));
  carryOut(table, ['h1', 'h2', 'h3'], 'h1');
  const { open, close } = handOver(table, createPlacement(['h3', 'h2', 'h1']), 'h1');
  expect([open.length, close.length]).toEqual([0, 0]);
});
