import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Roster } from './roster.ts';

const capacity = 40;
const rowList = fc.uniqueArray(fc.integer({ min: 0, max: capacity - 1 }), { maxLength: 12 });
const step = fc.record({ rows: rowList, to: fc.constantFrom('a:1', 'b:2', 'c:3', null, 'removed' as const) });

test('every row is with exactly one owner, and each move says truly where it was', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const roster = new Roster(capacity);
      const model = new Map<number, string | null>();
      for (const { rows, to } of steps) {
        const batch = Int32Array.from(rows);
        const move = to === 'removed' ? roster.remove(batch) : roster.assign(batch, to);
        const changed = rows.filter((row) => (to === 'removed' ? model.has(row) : !model.has(row) || model.get(row) !== to));
        expect([...move.joined]).toEqual(changed);
        const left = new Map<string | null, number[]>();
        for (const row of changed) if (model.has(row)) left.set(model.get(row)!, [...(left.get(model.get(row)!) ?? []), row]);
        expect([...move.left].map(([ioc, gone]) => [ioc, [...gone]])).toEqual([...left]);
        for (const row of changed) {
          if (to === 'removed') model.delete(row);
          else model.set(row, to);
        }
        expect([...move.emptied].sort()).toEqual([...left.keys()].filter((ioc) => ioc !== null && ![...model.values()].includes(ioc)).sort());
      }
      for (const ioc of ['a:1', 'b:2', 'c:3', null]) {
        const rows = [...model].filter(([, owner]) => owner === ioc).map(([row]) => row).sort((a, b) => a - b);
        expect([...roster.rowsOf(ioc)]).toEqual(rows);
        expect(roster.count(ioc)).toBe(rows.length);
      }
      for (let row = 0; row < capacity; row++) expect(roster.iocOf(row)).toBe(model.get(row));
    }),
  );
});

test('groups partition a batch by owner, each position once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), rowList, (steps, asked) => {
      const roster = new Roster(capacity);
      for (const { rows, to } of steps) if (to !== 'removed') roster.assign(Int32Array.from(rows), to);
      const groups = roster.groups(Int32Array.from(asked));
      const seen: number[] = [];
      for (const { ioc, positions } of groups) {
        for (const at of positions ?? asked.keys()) {
          expect(roster.iocOf(asked[at]!)).toBe(ioc);
          seen.push(at);
        }
      }
      expect(seen.sort((a, b) => a - b)).toEqual([...asked.keys()]);
      if (groups.length === 1) expect(groups[0]!.positions).toBeUndefined();
    }),
  );
});

test('a row that is not in the columns is refused by name and limit', () => {
  expect(() => new Roster(4).assign(Int32Array.of(4), null)).toThrow('row 4 is outside the columns, which have 4 rows');
});
