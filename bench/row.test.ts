import { expect, it } from 'vitest';
import { judge, median, type Row } from './row.ts';
import { runRow } from './run-row.ts';
import { readSettings } from './settings.ts';
import { markdownTable } from './table.ts';
import type { World } from './world.ts';

const nowhere = {} as World;
const silent = (): void => {};

function row(more: Partial<Row>): Row {
  return { key: 'r', work: 'work', stage: 'wire', ours: () => Promise.resolve({ ms: 3 }), figures: [{ what: 'time', ours: 'ms', atMost: 2 }], ...more };
}

it('takes the middle value, or the mean of the two middle ones', () => {
  expect(median([9, 1, 2])).toBe(2);
  expect(median([9, 1, 2, 4])).toBe(3);
  expect(() => median([])).toThrow('no values');
});

it('divides the median of ours by the sum of the medians of the bare parts', () => {
  const figure = { what: 'time', ours: 'ms', limit: ['get', 'copy'], atMost: 1.5 };
  expect(judge(figure, { ms: [30, 10, 1000] }, { get: [5, 5, 5], copy: [15, 100, 15] })).toMatchObject({ ours: 30, limit: 20, ratio: 1.5, pass: true });
  expect(judge({ ...figure, atMost: 1.4 }, { ms: [30] }, { get: [5], copy: [15] }).pass).toBe(false);
});

it('names the value that a row promised and did not measure', () => {
  expect(() => judge({ what: 'time', ours: 'cpuMs', atMost: 1 }, { ms: [1] }, {})).toThrow('ours measured no "cpuMs", only ms');
});

it('lets the sides take turns, changes who begins, and leaves the warm-up out', async () => {
  const order: string[] = [];
  const side = (name: string) => () => Promise.resolve({ ms: order.push(name) });
  const result = await runRow(row({ limit: side('limit'), ours: side('ours') }), nowhere, 3, silent);
  expect(order).toEqual(['limit', 'ours', 'ours', 'limit', 'limit', 'ours', 'ours', 'limit']);
  expect(result.ours).toEqual({ ms: [3, 6, 7] });
});

it('reports a row that fails as a fault, puts back what it changed, and goes on', async () => {
  let putBack = 0;
  const result = await runRow(row({ ours: () => Promise.reject(new Error('the IOC is gone')), restore: () => Promise.resolve(void putBack++) }), nowhere, 3, silent);
  expect(result).toMatchObject({ fault: 'the IOC is gone', figures: [] });
  expect(putBack).toBe(1);
  expect(markdownTable([result])).toContain('**fault**: the IOC is gone');
});

it('prints the target beside each figure, and pass or miss', async () => {
  const result = await runRow(row({ limit: () => Promise.resolve({ bare: 1 }), figures: [{ what: 'time', ours: 'ms', limit: ['bare'], atMost: 1.5 }, { what: 'alone', ours: 'ms', atMost: 20 }, { what: 'by the way', ours: 'ms' }] }), nowhere, 1, silent);
  expect(markdownTable([result]).split('\n').slice(2)).toEqual([
    '| work: time | 1.00 ms | 3.00 ms | 3.00x | at most 1.5x | **miss** |',
    '| work: alone | - | 3.00 ms | - | at most 20 ms | pass |',
    '| work: by the way | - | 3.00 ms | - | - |  |',
  ]);
});

it('refuses rows and numbers that it does not know, and says which there are', () => {
  expect(readSettings(['--quick', '--only', 'b'], ['a', 'b'])).toMatchObject({ pvsPerIoc: 500, only: ['b'], repeats: 3 });
  expect(() => readSettings(['--only', 'c'], ['a', 'b'])).toThrow('no row c; there are a, b');
  expect(() => readSettings(['--repeats', '0'], [])).toThrow('--repeats 0: a whole number from 1 to 100');
});
