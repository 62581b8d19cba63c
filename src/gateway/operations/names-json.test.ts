import { expect, test } from 'vitest';
import { createNamesJson } from './names-json.ts';

test('names are asked for again when the channels are others, and only then', async () => {
  const asked: number[][] = [];
  const namesJson = createNamesJson(async (channels) => {
    asked.push([...channels]);
    return Array.from(channels, (id) => `PV:"${id}"`);
  });
  const told = async (...ids: number[]): Promise<unknown> => JSON.parse(Buffer.from(await namesJson(Int32Array.from(ids))).toString());
  expect(await told(1, 2)).toEqual(['PV:"1"', 'PV:"2"']);
  expect(await told(1, 2)).toEqual(['PV:"1"', 'PV:"2"']);
  expect(asked).toEqual([[1, 2]]);
  expect(await told(1, 3)).toEqual(['PV:"1"', 'PV:"3"']);
  expect(await told(1)).toEqual(['PV:"1"']);
  expect(await told()).toEqual([]);
  expect(asked.length).toBe(4);
});

test('columns that are changed later are not taken for those that were asked for', async () => {
  const namesJson = createNamesJson(async (channels) => Array.from(channels, String));
  const mine = Int32Array.of(1, 2);
  await namesJson(mine);
  mine[1] = 7;
  expect(JSON.parse(Buffer.from(await namesJson(mine)).toString())).toEqual(['1', '7']);
});
