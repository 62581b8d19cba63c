import { expect, test } from 'vitest';
import { selectForRestore, type SelectableEntry } from './restore-selection.ts';

const entry = (entryId: string, setpoint: string | null, row = 0): SelectableEntry => ({ entryId, setpoint: setpoint === null ? null : { name: setpoint, row }, readback: { name: `${entryId}:RBV` }, config: null });
const entries = [entry('a', 'A'), entry('b', 'B'), entry('c', null), entry('d', 'D', -1)];
const ids = (chosen: readonly SelectableEntry[]): string[] => chosen.map(({ entryId }) => entryId);

test('without a selection every entry whose setpoint the snapshot holds is meant', () => {
  const { rows, withoutSetpoint } = selectForRestore(entries, {});
  expect(ids(rows)).toEqual(['a', 'b']);
  expect(withoutSetpoint).toEqual([]);
});

test('R1: an empty selection is nothing, not everything', () => {
  for (const request of [{ pvIds: [] }, { pvNames: [] }, { pvIds: [], pvNames: [] }]) expect(selectForRestore(entries, request)).toEqual({ rows: [], withoutSetpoint: [] });
});

test('ids and names add up, each entry once', () => {
  expect(ids(selectForRestore(entries, { pvIds: ['b'], pvNames: ['A', 'B'] }).rows)).toEqual(['a', 'b']);
});

test('R4: entries asked for that have no setpoint to write are told, not dropped', () => {
  expect(ids(selectForRestore(entries, { pvIds: ['a', 'c', 'd'] }).withoutSetpoint)).toEqual(['c', 'd']);
});

test('ids and names that the snapshot does not hold are an error that names them', () => {
  expect(() => selectForRestore(entries, { pvIds: ['a', 'x'], pvNames: ['Y'] })).toThrow(expect.objectContaining({ code: 'notFound', faults: ['no entry "x"', 'no setpoint "Y"'] }));
});
