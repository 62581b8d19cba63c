import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReadOutcome } from '../../../contracts/values.ts';
import { packedColumns, unpackValues } from '../packed-values.ts';
import { Native, padded, timeForm, timePayload, timeValueOffset, valueSize } from '../protocol/dbr.ts';
import type { Frame } from '../protocol/frames.ts';
import { HostileBytes } from '../protocol/hostile.ts';
import { ChannelFlag } from './channel-flags.ts';
import { decodeReply } from './decode-reply.ts';
import { HeapWriter } from './heap-writer.ts';

function frame(native: number, count: number, fill: (payload: Buffer, value: number) => void): Frame {
  const bytes = Buffer.alloc(16 + padded(timePayload(native, count)));
  fill(bytes.subarray(16), timeValueOffset[native]!);
  return {
    command: 15, type: native + timeForm, count, parameter1: 1, parameter2: 0, size: bytes.length - 16, at: 16, bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
  };
}

function decoded(native: number, flags: number, message: Frame) {
  const columns = packedColumns(2);
  const heap = new HeapWriter({ bytes: 0, entries: 0 });
  expect(decodeReply(message, native, flags, columns, heap, 1)).toBe(message.count > 0 || flags !== 0);
  return unpackValues({ length: 2, buffer: columns.buffer, heap: heap.finish() });
}

describe('reading values off the wire', () => {
  it('S3: a double keeps every bit, its alarm state and its time', () => {
    fc.assert(fc.property(fc.double(), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 21 }), (value, severity, status) => {
      const values = decoded(Native.double, 0, frame(Native.double, 1, (payload, at) => {
        payload.writeInt16BE(status, 0);
        payload.writeInt16BE(severity, 2);
        payload.writeUInt32BE(1, 4);
        payload.writeUInt32BE(5, 8);
        payload.writeDoubleBE(value, at);
      }));
      expect([values.num[1], values.severity[1], values.status[1], values.timeNs[1], values.outcome[1]]).toEqual([value, severity, status, 631_152_001_000_000_005n, ReadOutcome.ok]);
    }));
  });

  it('S3: text is what stands before the first NUL, and keeps its bytes when it is not UTF-8', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 39 }), (raw) => {
      const values = decoded(Native.string, 0, frame(Native.string, 1, (payload, at) => payload.set(raw, at)));
      const end = raw.indexOf(0);
      const bytes = Buffer.from(end < 0 ? raw : raw.subarray(0, end));
      const isUtf8 = Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes);
      expect(values.text.get(1)).toBe(bytes.toString('utf8'));
      expect(values.rawText.has(1)).toBe(!isUtf8);
      expect(values.bytes.get(1)).toEqual(isUtf8 ? undefined : new Uint8Array(bytes));
    }));
  });

  it('S3: arrays of any length become little-endian, aligned to their elements', () => {
    fc.assert(fc.property(fc.array(fc.double(), { maxLength: 200 }), (numbers) => {
      const values = decoded(Native.double, ChannelFlag.array, frame(Native.double, numbers.length, (payload, at) => numbers.forEach((number, i) => payload.writeDoubleBE(number, at + 8 * i))));
      const bytes = values.bytes.get(1)!;
      expect([...new Float64Array(bytes.buffer, bytes.byteOffset, numbers.length)]).toEqual(numbers);
      expect(bytes.length).toBe(8 * numbers.length);
    }));
  });

  it('separates text elements by NUL', () => {
    const values = decoded(Native.string, ChannelFlag.array, frame(Native.string, 3, (payload, at) => ['a', '', 'cc'].forEach((text, i) => payload.write(text, at + 40 * i))));
    expect(Buffer.from(values.bytes.get(1)!).toString()).toBe('a\0\0cc');
  });

  it('reads CHAR from 0 to 255', () => {
    expect(decoded(Native.char, 0, frame(Native.char, 1, (payload, at) => payload.writeUInt8(200, at))).num[1]).toBe(200);
  });

  it('refuses a payload that holds less than it says, whatever the type', () => {
    for (const native of [0, 1, 2, 3, 4, 5, 6]) {
      const message = frame(native, 4, () => {});
      message.size = timeValueOffset[native]! + 4 * valueSize[native]! - 1;
      expect(() => decoded(native, ChannelFlag.array, message)).toThrow(HostileBytes);
    }
  });

  it('refuses a value of another type than the channel\'s', () => {
    expect(() => decoded(Native.long, 0, frame(Native.double, 1, () => {}))).toThrow(/type 20 for a channel of type 5/);
  });

  it('S1: a scalar without an element has no value', () => {
    expect(decoded(Native.double, 0, frame(Native.double, 0, () => {})).outcome[1]).toBe(ReadOutcome.pending);
  });
});
