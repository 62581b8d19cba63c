import { describe, expect, test } from 'vitest';
import { channelColumn, type PackedValues, packedBytes, unpackValues } from '../packed-values.ts';
import { roomFor, Spares } from './spares.ts';

const rows = (length: number): Int32Array => Int32Array.from({ length }, (_, i) => i);

/** As a read does: there and back, with a heap of so many bytes. */
function answered(spares: Spares, length: number, heapBytes = 0) {
  const packed: PackedValues = { ...spares.take(rows(length)), heap: heapBytes === 0 ? undefined : { entries: new Int32Array(4), bytes: new Uint8Array(heapBytes) } };
  const values = unpackValues(packed);
  spares.lend(values, packed);
  return { values, packed };
}

describe('Memory given back', () => {
  test('is taken by the next read of about as many rows, whose rows stand in it, with its heap', () => {
    const spares = new Spares();
    const { values, packed } = answered(spares, 5_000, 8_000);
    packed.heap!.bytes.fill(7);
    new Uint8Array(packed.buffer).fill(9);
    const size = packed.buffer.byteLength;
    spares.giveBack(values);
    expect([packed.buffer.detached, values.num.length, spares.bytes]).toEqual([true, 0, size + 8_000 + 16]);
    const again = spares.take(rows(4_990));
    // The same memory: what was in it last still is, and nothing is copied.
    expect([new Uint8Array(again.buffer)[0], again.heap?.bytes[0], again.length, spares.bytes]).toEqual([9, 7, 4_990, 0]);
    expect(channelColumn(4_990, again.buffer)).toEqual(rows(4_990));
    expect(new Uint8Array(spares.take(rows(5_000)).buffer)[0]).toBe(0);
  });

  test('is not taken by a read of far fewer rows, or of more', () => {
    const spares = new Spares();
    spares.giveBack(answered(spares, 5_000).values);
    const kept = spares.bytes;
    spares.take(rows(2_000));
    spares.take(rows(7_000));
    expect(spares.bytes).toBe(kept);
  });

  test('is kept up to a limit, what was used last longest; very small and very large ones are not', () => {
    const spares = new Spares();
    spares.giveBack(answered(spares, 50).values);
    spares.giveBack(answered(spares, 5_000, 17 * 1024 * 1024).values);
    expect(spares.bytes).toBe(0);
    const [old, ...recent] = [3_000, ...Array.from({ length: 200 }, () => 5_000)].map((length) => answered(spares, length).values);
    for (const values of [old!, ...recent]) spares.giveBack(values);
    expect(spares.bytes).toBeLessThanOrEqual(16 * 1024 * 1024);
    expect(spares.bytes).toBeGreaterThan(15 * 1024 * 1024);
    const full = spares.bytes;
    spares.take(rows(3_000));
    expect(spares.bytes).toBe(full);
    spares.take(rows(5_000));
    expect(spares.bytes).toBe(full - roomFor(5_000));
  });

  test('is nothing where the values are already given back, transferred elsewhere, or not lent', () => {
    const spares = new Spares();
    const { values } = answered(spares, 5_000);
    spares.giveBack(unpackValues(spares.take(rows(5_000))));
    expect(spares.bytes).toBe(0);
    spares.giveBack(values);
    spares.giveBack(values);
    expect(spares.bytes).toBe(roomFor(5_000));
    const gone = answered(spares, 6_000);
    structuredClone(gone.packed.buffer, { transfer: [gone.packed.buffer] });
    expect(() => spares.giveBack(gone.values)).not.toThrow();
  });

  test('has room for the rows and an eighth more at most', () => {
    for (let length = 100; length < 100_000; length = Math.ceil(length * 1.07)) {
      expect(roomFor(length)).toBeGreaterThanOrEqual(packedBytes(length));
      expect(roomFor(length)).toBeLessThan(packedBytes(length) * 1.13 + 64);
    }
  });
});
