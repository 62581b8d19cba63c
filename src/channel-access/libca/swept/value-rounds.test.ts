// What an array is found to be from two readings of it, here with what an IOC answers written down.
import { afterAll, expect, test } from 'vitest';
import { libcaLibrary } from '../../../../testing/harness/libca.ts';
import { Eca } from '../../wire/protocol/commands.ts';
import { Native, timeValueOffset, valueSize } from '../../wire/protocol/dbr.ts';
import { ChannelFlag } from '../../wire/thread/channel-flags.ts';
import { SlotState } from '../slots.ts';
import { Cells } from './cells.ts';
import { loadSweptNative } from './ffi.ts';
import { SweptSlots } from './slots.ts';
import { Found, ValueRounds } from './value-rounds.ts';

const native = loadSweptNative(await libcaLibrary());
const elements = 6;
const cells = new Cells(native.c, 1);
const slots = new SweptSlots(1, native.c.free);
afterAll(() => {
  slots.free(0);
  cells.free();
});

/** Reads until something is found; each reading, the last one again and again, is what the IOC says then. */
function found(type: number, ...readings: readonly (readonly number[])[]): { status: number; bytes: number[]; asked: number } {
  const size = valueSize[type]!;
  const head = timeValueOffset[type]!;
  let asked = 0;
  const groups = {
    ...native.groups,
    get(_group: number, _type: number, _count: number, _channel: number, to: number): number {
      const reading = readings[Math.min(asked++, readings.length - 1)]!;
      native.c.copyIn(to, Buffer.from([...new Array<number>(head).fill(0), ...reading]), head + reading.length);
      return Eca.normal;
    },
  };
  if (slots.state[0] === SlotState.live) slots.free(0);
  const slot = slots.take(0, {})!;
  slots.state[slot] = SlotState.live;
  slots.native[slot] = type;
  slots.elements[slot] = elements;
  slots.flags[slot] = ChannelFlag.array;
  const rounds = new ValueRounds({ cells, slots, native: { ...native, groups } });
  for (let length = rounds.begin([slot]); length > 0; length = rounds.settle()) for (let i = 0; i < length; i++) rounds.send(i, 0);
  const bytes = Buffer.alloc(slots.count[slot]! * size);
  if (slots.found[slot] === Eca.normal) native.c.copyOut(bytes, slots.far[slot]!.places.at(-1)! + head, bytes.length);
  return { status: slots.found[slot]!, bytes: [...bytes], asked };
}

test('S1: an array that is the same twice is found in one round, whatever it ends with', () => {
  for (const array of [[], [7], [7, 0, 0], [7, 255], [0, 0, 0, 0, 0, 0], [255, 255, 255, 255, 255, 255]]) {
    expect(found(Native.char, array)).toEqual({ status: Eca.normal, bytes: array, asked: 2 });
  }
});

test.each([
  ['changes', Native.char, [7, 1, 1, 1], [7, 2, 2, 2]],
  ['grows', Native.char, [7, 1], [7, 1, 1, 1]],
  ['shrinks', Native.char, [7, 1, 1, 1], [7, 1]],
  ['changes within an element, to what the places were filled with', Native.short, [7, 7, 5, 0], [7, 7, 5, 255]],
] as const)('S1: an array that %s between its two readings is not shown as what they share, but read again', (_how, type, before, after) => {
  expect(found(type, before, after)).toEqual({ status: Eca.normal, bytes: [...after], asked: 4 });
});

test('S1: an array that changes faster than it can be read twice has no value', () => {
  const changing = Array.from({ length: 100 }, (_, n) => [7, n, n]);
  expect(found(Native.char, ...changing)).toMatchObject({ status: Found.nothing });
});
