import { expect, test } from 'vitest';
import { json, type Bus } from '../../bus/port.ts';
import { fetchDictionary } from './dictionary.ts';

type Page = { revision: number; channels: [number, string, null][]; more: boolean };

/** Answers with these pages; tells what was asked for and taken, in order. */
function coordinator(pages: Page[]) {
  const told: string[] = [];
  const bus = {
    request: async (_: string, body: Uint8Array) => {
      told.push(`asked after ${json.decode<{ after: number }>(body).after}`);
      return json.encode(pages.shift());
    },
  } as unknown as Bus;
  return { bus, told };
}

test('a page is told when the next one is on its way, and the whole has all of them under the older revision', async () => {
  const { bus, told } = coordinator([
    { revision: 5, channels: [[1, 'A', null], [4, 'B', null]], more: true },
    { revision: 6, channels: [[7, 'C', null]], more: false },
  ]);
  const whole = await fetchDictionary(bus, (rows) => told.push(`told ${rows.map(([, name]) => name).join()}`));
  expect(told).toEqual(['asked after 0', 'asked after 4', 'told A,B', 'told C']);
  expect(whole).toEqual({ revision: 5, rows: [[1, 'A', null], [4, 'B', null], [7, 'C', null]] });
});

test('D1: pages whose ids do not rise are refused, and nothing more is asked for', async () => {
  const { bus, told } = coordinator([{ revision: 5, channels: [[4, 'A', null]], more: true }, { revision: 5, channels: [[4, 'A', null]], more: true }]);
  await expect(fetchDictionary(bus)).rejects.toThrow('ids must rise');
  expect(told).toHaveLength(2);
});
