import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyValueColumns, ValueKind } from '../../../contracts/values.ts';
import { Command } from './commands.ts';
import { Native, padded } from './dbr.ts';
import { type EncodedPut, encodePut } from './encode-put.ts';
import { headerSizeFor, writeHeader } from './header.ts';
import { PutRequests } from './put-requests.ts';

const sid = 0x8000_0007, id = 5;

/** One request as the protocol has it. */
function request(native: number, { count, payload }: EncodedPut): Buffer {
  const size = padded(payload.length);
  const bytes = Buffer.alloc(headerSizeFor(size, count) + size);
  payload.copy(bytes, writeHeader(new DataView(bytes.buffer, bytes.byteOffset), 0, Command.writeNotify, size, native, count, sid, id));
  return bytes;
}

const encoded = (native: number, maxElements: number, kind: ValueKind, value: number | string | Uint8Array): EncodedPut | undefined => {
  const values = emptyValueColumns(1);
  values.kind[0] = kind;
  if (typeof value === 'number') values.num[0] = value;
  else if (typeof value === 'string') values.text.set(0, value);
  else values.bytes.set(0, value);
  return encodePut({ native, maxElements, longText: false, labels: undefined }, values, 0);
};

/** What is left over from before must not show. */
function used(): PutRequests {
  const requests = new PutRequests();
  requests.array(Native.long, 0, 0, new Uint8Array(40_000).fill(0xff));
  requests.take();
  return requests;
}

describe('requests to put', () => {
  it('S3: a number is sent as encode-put has it, or refused like there', () => {
    const numbers = [Native.double, Native.float, Native.long, Native.short, Native.enum];
    fc.assert(fc.property(fc.constantFrom(...numbers), fc.oneof(fc.double(), fc.integer(), fc.integer({ min: -70_000, max: 70_000 })), (native, value) => {
      const requests = used();
      const expected = encoded(native, 1, ValueKind.double, value);
      expect(requests.number(native, sid, id, value)).toBe(expected !== undefined);
      expect(requests.take()).toEqual(expected === undefined ? Buffer.alloc(0) : request(native, expected));
    }), { numRuns: 1000 });
  });

  it('S3: text is sent as encode-put has it, or refused like there', () => {
    const text = fc.string({ unit: fc.oneof(fc.constant('a'), fc.constantFrom('\0', 'ö', '€', '😀', '\ud800')), maxLength: 45 });
    fc.assert(fc.property(text, (value) => {
      const requests = used();
      const expected = encoded(Native.string, 1, ValueKind.text, value);
      expect(requests.text(sid, id, value)).toBe(expected !== undefined);
      expect(requests.take()).toEqual(expected === undefined ? Buffer.alloc(0) : request(Native.string, expected));
    }), { numRuns: 1000, examples: [['x'.repeat(39)], ['x'.repeat(38) + '€'], ['x'.repeat(36) + '😀'], ['€'.repeat(13)], ['€'.repeat(13) + 'ö'], ['a\0b']] });
  });

  it.each([0, 1, 3, 63, 64, 65, 70_000])('S3: an array of %i elements is sent as encode-put has it', (count) => {
    const bytes = (size: number): Uint8Array => Uint8Array.from({ length: count * size }, (_, i) => i * 7);
    for (const [native, kind, size] of [[Native.short, ValueKind.int16, 2], [Native.float, ValueKind.float, 4], [Native.double, ValueKind.double, 8]] as const) {
      const requests = used();
      requests.array(native, sid, id, bytes(size));
      expect(requests.take().equals(request(native, encoded(native, count, kind, bytes(size))!))).toBe(true);
    }
  });

  it('come one behind the other, whatever their size', () => {
    const requests = new PutRequests();
    const each: Buffer[] = [];
    for (let i = 0; i < 2_000; i++) {
      requests.number(Native.double, sid, id, i);
      each.push(request(Native.double, encoded(Native.double, 1, ValueKind.double, i)!));
      const long = { count: 3 + i, payload: Buffer.alloc(3 + i, i) };
      requests.encoded(Native.char, sid, id, long);
      each.push(request(Native.char, long));
      if (i % 500 === 499) expect(requests.take().equals(Buffer.concat(each.splice(0)))).toBe(true);
    }
  });

  it('leave bytes alone that were taken and are still needed', () => {
    const requests = new PutRequests();
    requests.number(Native.double, sid, id, 1);
    const taken = requests.take();
    const before = Buffer.from(taken);
    requests.renew();
    requests.number(Native.double, sid, id, 2);
    expect(taken).toEqual(before);
  });
});
