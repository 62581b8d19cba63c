import { describe, expect, it } from 'vitest';
import { decodeControl } from './decode-control.ts';
import { controlSize, Native } from './dbr.ts';
import { canonical, metaHash } from './meta-hash.ts';

function described(native: number, elements: number, fill: (payload: Buffer) => void) {
  const payload = Buffer.alloc(8 + controlSize[native]!);
  fill(payload.subarray(8));
  return decodeControl(native, elements, payload, new DataView(payload.buffer, payload.byteOffset, payload.length), 8);
}

describe('descriptions', () => {
  it('reads units, precision and limits of a double', () => {
    const meta = described(Native.double, 1, (payload) => {
      payload.writeInt16BE(3, 4);
      payload.write('mm', 8);
      [100, -100, 50, 40, -40, -50, 20, -5].forEach((limit, i) => payload.writeDoubleBE(limit, 16 + 8 * i));
    });
    expect(meta).toEqual({
      units: 'mm', precision: 3, display: { low: -100, high: 100 }, control: { low: -5, high: 20 }, warning: { low: -40, high: 40 }, alarm: { low: -50, high: 50 },
    });
  });

  it('leaves out limits that were never set, and opens a side that is not set', () => {
    const meta = described(Native.double, 7, (payload) => [0, 0, 5, Number.NaN, Number.NaN, Number.NaN, 0, 0].forEach((limit, i) => payload.writeDoubleBE(limit, 16 + 8 * i)));
    expect(meta).toEqual({ precision: 0, alarm: { low: -Infinity, high: 5 }, maxElements: 7 });
  });

  it('reads labels, and never more than there is room for', () => {
    const labels = described(Native.enum, 1, (payload) => {
      payload.writeInt16BE(2, 4);
      payload.write('Off', 6);
      payload.write('x'.repeat(26), 32);
    });
    expect(labels).toEqual({ labels: ['Off', 'x'.repeat(26)] });
    expect(described(Native.enum, 1, (payload) => payload.writeInt16BE(30_000, 4)).labels).toHaveLength(16);
    expect(described(Native.enum, 1, (payload) => payload.writeInt16BE(-1, 4)).labels).toEqual([]);
  });

  it('reads units that are not UTF-8 as Latin-1', () => {
    expect(described(Native.long, 1, (payload) => payload.set([0xb0, 0x43], 4)).units).toBe('°C');
  });
});

describe('the identity of a description', () => {
  it('does not depend on the order of its parts, and tells NaN from null', () => {
    expect(metaHash({ units: 'mm', precision: 3 })).toBe(metaHash({ precision: 3, units: 'mm' }));
    expect(canonical({ low: Number.NaN, high: -Infinity })).toBe('{"high":"-Infinity","low":"NaN"}');
  });

  it('is for ever: snapshots refer to it', () => {
    expect(metaHash({})).toBe(4905387166444775306n);
    expect(metaHash({ maxElements: 5 })).toBe(7964293778685906980n);
  });
});
