import fc from 'fast-check';
import { expect, it } from 'vitest';
import { writeTime } from './time.ts';

function time(seconds: number, nanoseconds: number): bigint {
  const words = new Uint32Array(4);
  writeTime(words, 1, seconds, nanoseconds);
  return new BigInt64Array(words.buffer)[1]!;
}

it('S3: every EPICS time stamp becomes the exact number of nanoseconds since 1970', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 0, max: 999_999_999 }), (seconds, nanoseconds) => {
    fc.pre(seconds !== 0 || nanoseconds !== 0);
    expect(time(seconds, nanoseconds)).toBe((BigInt(seconds) + 631_152_000n) * 1_000_000_000n + BigInt(nanoseconds));
  }), { numRuns: 2000 });
});

it('a stamp of nought is no time', () => {
  expect(time(0, 0)).toBe(0n);
});
