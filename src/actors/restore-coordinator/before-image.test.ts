import { expect, test } from 'vitest';
import { emptyValueColumns, type ValueColumns } from '../../contracts/values.ts';
import { keepExactly, type BeforeImage } from './before-image.ts';

function fakeImage(id: string, told: string[], rows = 0): BeforeImage {
  return {
    get rows() {
      return rows;
    },
    add: (part) => {
      rows += part.length;
      told.push(`${id} adds ${[...part.channel].join(',')}`);
    },
    keep: async () => {
      told.push(`${id} is kept`);
      return id;
    },
    discard: () => void told.push(`${id} is discarded`),
  };
}

function channels(...ids: number[]): ValueColumns {
  const columns = emptyValueColumns(ids.length);
  columns.channel.set(ids);
  return columns;
}

test('R3: an image of all the rows that are written is kept as it is', async () => {
  const told: string[] = [];
  expect(await keepExactly(fakeImage('first', told, 2), channels(7, 8, 9), Int32Array.of(0, 2), () => fakeImage('second', told))).toBe('first');
  expect(told).toEqual(['first is kept']);
});

test('R3: where less is written than was on its way, the image is made anew of what is written', async () => {
  const told: string[] = [];
  expect(await keepExactly(fakeImage('first', told, 3), channels(7, 8, 9), Int32Array.of(0, 2), () => fakeImage('second', told))).toBe('second');
  expect(told).toEqual(['first is discarded', 'second adds 7,9', 'second is kept']);
});
