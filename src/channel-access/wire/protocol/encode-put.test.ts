import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyValueColumns, ValueKind, type ValueColumns } from '../../../contracts/values.ts';
import { Native } from './dbr.ts';
import { encodePut, fits, type PutTarget } from './encode-put.ts';

const to = (native: number, change: Partial<PutTarget> = {}): PutTarget => ({ native, maxElements: 1, longText: false, labels: undefined, ...change });

function row(kind: ValueKind, fill: (values: ValueColumns) => void): ValueColumns {
  const values = emptyValueColumns(1);
  values.kind[0] = kind;
  fill(values);
  return values;
}
const number = (value: number, kind: ValueKind = ValueKind.double): ValueColumns => row(kind, (values) => (values.num[0] = value));
const text = (value: string): ValueColumns => row(ValueKind.text, (values) => values.text.set(0, value));
const array = (kind: ValueKind, elements: { buffer: ArrayBufferLike }): ValueColumns => row(kind, (values) => values.bytes.set(0, new Uint8Array(elements.buffer)));

const decode: Record<number, (payload: Buffer) => number> = {
  [Native.double]: (payload) => payload.readDoubleBE(0),
  [Native.float]: (payload) => payload.readFloatBE(0),
  [Native.long]: (payload) => payload.readInt32BE(0),
  [Native.short]: (payload) => payload.readInt16BE(0),
  [Native.enum]: (payload) => payload.readUInt16BE(0),
  [Native.char]: (payload) => payload.readUInt8(0),
};
const numeric = Object.keys(decode).map(Number);

describe('values for a put', () => {
  it('S3: a number that is sent is the number that was given, or its float', () => {
    fc.assert(fc.property(fc.constantFrom(...numeric), fc.oneof(fc.double(), fc.integer(), fc.integer({ min: -300, max: 300 })), (native, value) => {
      const encoded = encodePut(to(native), number(value), 0);
      if (encoded === undefined) expect(fits(native, value)).toBe(false);
      else expect(decode[native]!(encoded.payload)).toBe(native === Native.float ? Math.fround(value) : native === Native.double ? value : value + 0);
    }), { numRuns: 1000 });
  });

  it.each([
    [Native.long, 2 ** 31], [Native.long, -(2 ** 31) - 1], [Native.long, 0.5], [Native.long, Number.NaN], [Native.long, Infinity],
    [Native.short, 32_768], [Native.short, -32_769], [Native.enum, -1], [Native.enum, 65_536], [Native.char, 256], [Native.char, -1], [Native.float, 1e39],
  ])('refuses, for native type %i, the number %d', (native, value) => {
    expect(encodePut(to(native), number(value), 0)).toBeUndefined();
  });

  it.each([[Native.double, Number.NaN], [Native.double, -Infinity], [Native.float, Number.NaN], [Native.float, Infinity], [Native.long, -(2 ** 31)], [Native.char, 255]])(
    'takes, for native type %i, the number %d', (native, value) => {
      expect(decode[native]!(encodePut(to(native), number(value), 0)!.payload)).toBe(value);
    });

  it('writes 39 bytes of text and refuses 40, counted in UTF-8', () => {
    expect(encodePut(to(Native.string), text('x'.repeat(39)), 0)!.payload).toHaveLength(40);
    expect(encodePut(to(Native.string), text('x'.repeat(40)), 0)).toBeUndefined();
    expect(encodePut(to(Native.string), text('ö'.repeat(20)), 0)).toBeUndefined();
  });

  it('S3: text that was read as invalid UTF-8 goes back byte for byte', () => {
    const values = row(ValueKind.text, (columns) => {
      columns.text.set(0, '\ufffdC');
      columns.bytes.set(0, Uint8Array.of(0xb0, 0x43));
      columns.rawText.add(0);
    });
    expect(encodePut(to(Native.string), values, 0)!.payload.subarray(0, 3)).toEqual(Buffer.from([0xb0, 0x43, 0]));
  });

  it('refuses text with a NUL in it, which the IOC would cut off', () => {
    expect(encodePut(to(Native.string), text('a\0b'), 0)).toBeUndefined();
    expect(encodePut(to(Native.char, { longText: true, maxElements: 100 }), text('a\0b'), 0)).toBeUndefined();
  });

  it('writes long text with its NUL, up to the size of the array', () => {
    const target = to(Native.char, { longText: true, maxElements: 5 });
    expect(encodePut(target, text('abcd'), 0)).toEqual({ count: 5, payload: Buffer.from('abcd\0') });
    expect(encodePut(target, text('abcde'), 0)).toBeUndefined();
    expect(encodePut(target, number(1), 0)).toBeUndefined();
  });

  it('refuses a number for a text channel and text for a number', () => {
    expect(encodePut(to(Native.string), number(1), 0)).toBeUndefined();
    for (const native of numeric) expect(encodePut(to(native), text('1'), 0)).toBeUndefined();
  });

  it('writes an enum by exact label', () => {
    const target = to(Native.enum, { labels: ['Off', 'On'] });
    expect(encodePut(target, text('On'), 0)!.payload.readUInt16BE()).toBe(1);
    expect(encodePut(target, text('on'), 0)).toBeUndefined();
  });

  it('turns arrays of any number type into the channel\'s own, element by element', () => {
    const target = to(Native.short, { maxElements: 3 });
    expect(encodePut(target, array(ValueKind.double, Float64Array.of(1, -2, 3)), 0)).toEqual({ count: 3, payload: Buffer.from([0, 1, 0xff, 0xfe, 0, 3]) });
    expect(encodePut(target, array(ValueKind.double, Float64Array.of(1, 2.5)), 0)).toBeUndefined();
    expect(encodePut(target, array(ValueKind.int16, Int16Array.of(1, 2, 3, 4)), 0)).toBeUndefined();
    expect(encodePut(target, array(ValueKind.int16, Int16Array.of()), 0)).toEqual({ count: 0, payload: Buffer.alloc(0) });
  });

  it('S3: 64-bit integers go as doubles only when no digit is lost', () => {
    const exact = row(ValueKind.int64, (values) => {
      values.num[0] = 2 ** 53;
      values.text.set(0, String(2n ** 53n));
    });
    expect(encodePut(to(Native.double), exact, 0)!.payload.readDoubleBE()).toBe(2 ** 53);
    exact.text.set(0, String(2n ** 53n + 1n));
    expect(encodePut(to(Native.double), exact, 0)).toBeUndefined();
    expect(encodePut(to(Native.double, { maxElements: 2 }), array(ValueKind.uint64, BigUint64Array.of(2n ** 64n - 1n)), 0)).toBeUndefined();
  });

  it('writes arrays of text with each element in its 40 bytes', () => {
    const target = to(Native.string, { maxElements: 3 });
    const values = (joined: string): ValueColumns => row(ValueKind.text, (columns) => columns.bytes.set(0, Buffer.from(joined)));
    const encoded = encodePut(target, values('a\0\0c'), 0)!;
    expect([encoded.count, encoded.payload.length, encoded.payload[0], encoded.payload[40], encoded.payload[80]]).toEqual([3, 120, 0x61, 0, 0x63]);
    expect(encodePut(target, values('a\0b\0c\0d'), 0)).toBeUndefined();
  });
});
