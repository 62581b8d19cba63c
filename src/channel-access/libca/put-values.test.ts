// The sink has the rule of which numbers a type can hold once more, in C.
import fc from 'fast-check';
import koffi from 'koffi';
import { expect, test } from 'vitest';
import { libcaOnThisMachine } from '../../../testing/harness/libca.ts';
import { nativeTypes } from '../wire/protocol/dbr.ts';
import { fits } from '../wire/protocol/encode-put.ts';

const edges = [0, -0, 0.5, 127, 128, 255, 256, -1, 32_767, 32_768, -32_768, -32_769, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1,
  3.4028234663852886e38, 3.4028235677973366e38, 3.402823567797337e38, Number.MIN_VALUE, Number.MAX_VALUE, Infinity, -Infinity, NaN];
const numbers = fc.oneof(fc.constantFrom(...edges), fc.double(), fc.integer(), fc.integer({ min: -70_000, max: 70_000 }), fc.double({ min: -70_000, max: 70_000 }),
  fc.constantFrom(...edges).map((edge) => edge * (1 + Number.EPSILON)));

test('a number fits a type by the sink where it fits by encode-put, and only there', async () => {
  const fitsInC = koffi.load((await libcaOnThisMachine()).sink).func('int drey_fits(int, double)') as (native: number, value: number) => number;
  const agree = (native: number, value: number): void => {
    expect([native, value, fitsInC(native, value) === 1]).toEqual([native, value, fits(native, value)]);
  };
  for (let native = 0; native < nativeTypes; native++) for (const edge of edges) agree(native, edge);
  fc.assert(fc.property(fc.integer({ min: 0, max: nativeTypes - 1 }), numbers, agree), { numRuns: 20_000 });
});
