import { describe, expect, it } from 'vitest';
import { emptyValueColumns, ValueKind } from '../../../contracts/values.ts';
import { alone, putValues } from './for-message.ts';

describe('what goes to a thread', () => {
  it('takes nothing along of the column that it is a part of', () => {
    const column = Int32Array.from({ length: 1000 }, (_, i) => i);
    const part = alone(column.subarray(10, 12));
    expect([...part]).toEqual([10, 11]);
    expect(part.buffer.byteLength).toBe(8);
    expect(alone(column)).toBe(column);
  });

  it('S3: has all arrays of a write in one buffer, and every row with its own', () => {
    const values = emptyValueColumns(3);
    values.kind.fill(ValueKind.double);
    const around = new Uint8Array(10_000);
    values.bytes.set(0, Uint8Array.of(1, 2, 3)).set(1, around.subarray(5, 5)).set(2, Uint8Array.of(4));
    values.text.set(1, 'text');
    values.rawText.add(2);
    const { bytes, text, rawText, kind } = structuredClone(putValues(values));
    expect([...bytes].map(([i, array]) => [i, ...array])).toEqual([[0, 1, 2, 3], [1], [2, 4]]);
    expect(new Set([...bytes.values()].map(({ buffer }) => buffer)).size).toBe(1);
    expect(bytes.get(0)!.buffer.byteLength).toBe(4);
    expect([text.get(1), rawText.has(2), kind[0]]).toEqual(['text', true, ValueKind.double]);
  });
});
