import fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyValueColumns, ReadOutcome, type ValueColumns } from '../contracts/values.ts';
import { createGathering, type ReadTarget } from './gathering.ts';

const target = (channels: number[], host: string | null = 'h'): ReadTarget => ({ ioc: 'ioc:5064', host: host ?? undefined, channels: Int32Array.from(channels) });
function columnsOf(channels: readonly number[], outcome: ReadOutcome = ReadOutcome.ok): ValueColumns {
  const columns = emptyValueColumns(channels.length);
  columns.channel.set(channels);
  columns.outcome.fill(outcome);
  return columns;
}

test('S1: whatever comes twice, late, unasked or from another run, each row is handed on exactly once', () => {
  const answer = fc.record({ run: fc.integer({ min: 1, max: 2 }), item: fc.nat(4), part: fc.nat(3), channels: fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 12 }), notMine: fc.boolean() });
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 24 }), { minLength: 1 }), fc.integer({ min: 1, max: 4 }), fc.array(answer, { maxLength: 40 }), (channels, cuts, answers) => {
      const gathering = createGathering(2);
      const handed: number[] = [];
      const take = (columns: ValueColumns | undefined): void => void (columns && handed.push(...columns.channel));
      const sorted = [...channels].sort((a, b) => a - b);
      const size = Math.ceil(sorted.length / cuts);
      gathering.ask(Array.from({ length: Math.ceil(sorted.length / size) }, (_, i) => target(sorted.slice(i * size, (i + 1) * size))));
      for (const { channels: rows, notMine, ...head } of answers) {
        take(gathering.part({ ...head, parts: 4 }, columnsOf(rows, notMine ? ReadOutcome.notOwned : ReadOutcome.ok)));
      }
      const moved = gathering.takeMoved();
      expect(new Set(handed).size + gathering.open + moved.length).toBe(sorted.length);
      if (moved.length > 0) gathering.ask([target([...moved], 'other')]);
      for (const { columns } of gathering.close(() => ReadOutcome.timeout)) take(columns);
      expect([...handed].sort((a, b) => a - b)).toEqual(sorted);
    }),
  );
});

test('a part of which every row is wanted is handed on as it came', () => {
  const gathering = createGathering(1);
  gathering.ask([target([1, 2, 3])]);
  const columns = columnsOf([1, 2, 3]);
  expect(gathering.part({ run: 1, item: 0, part: 0, parts: 1 }, columns)).toBe(columns);
  expect(gathering.openItems()).toEqual([]);
  expect(gathering.close(() => ReadOutcome.timeout)).toEqual([]);
});

test('what an earlier run asked for is not kept, and the same part twice is one part', () => {
  const gathering = createGathering(2);
  gathering.ask([target([1, 2])]);
  expect(gathering.part({ run: 1, item: 0, part: 0, parts: 1 }, columnsOf([1, 2]))).toBeUndefined();
  expect(gathering.open).toBe(2);
  expect([...gathering.part({ run: 2, item: 0, part: 0, parts: 2 }, columnsOf([1]))!.channel]).toEqual([1]);
  expect(gathering.part({ run: 2, item: 0, part: 0, parts: 2 }, columnsOf([1]))).toBeUndefined();
  expect(gathering.openItems()).toEqual([0]);
  expect([...gathering.part({ run: 2, item: 0, part: 1, parts: 2 }, columnsOf([1, 2]))!.channel]).toEqual([2]);
  expect(gathering.openItems()).toEqual([]);
});

test('a channel is asked for elsewhere once; the second "not mine" is its answer', () => {
  const gathering = createGathering(1);
  gathering.ask([target([1, 2])]);
  expect(gathering.part({ run: 1, item: 0, part: 0, parts: 1 }, columnsOf([1, 2], ReadOutcome.notOwned))).toBeUndefined();
  expect([...gathering.takeMoved()]).toEqual([1, 2]);
  gathering.ask([target([1, 2], 'other')]);
  const again = gathering.part({ run: 1, item: 1, part: 0, parts: 1 }, columnsOf([1, 2], ReadOutcome.notOwned));
  expect([...again!.outcome]).toEqual([ReadOutcome.notOwned, ReadOutcome.notOwned]);
});

test('nobody waits for channels without a host, and they end with the reason given', () => {
  const gathering = createGathering(1);
  gathering.ask([target([1, 2], null), target([3])]);
  expect(gathering.openItems()).toEqual([1]);
  gathering.part({ run: 1, item: 1, part: 0, parts: 1 }, columnsOf([3]));
  expect(gathering.openItems()).toEqual([]);
  const [closed] = gathering.close(({ host }) => (host === undefined ? ReadOutcome.hostLost : ReadOutcome.timeout));
  expect([...closed!.columns.channel]).toEqual([1, 2]);
  expect([...closed!.columns.outcome]).toEqual([ReadOutcome.hostLost, ReadOutcome.hostLost]);
});

test('a channel in two items at once is a fault of the caller', () => {
  const gathering = createGathering(1);
  expect(() => gathering.ask([target([1, 2]), target([2, 3])])).toThrow(/channel 2 was asked for twice/);
});
