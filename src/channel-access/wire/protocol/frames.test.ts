import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Framer, ReceiveBuffer } from './frames.ts';
import { headerSizeFor, writeHeader } from './header.ts';
import { HostileBytes } from './hostile.ts';

interface Sent { command: number; type: number; count: number; parameter1: number; parameter2: number; payload: Buffer }

function encode({ command, type, count, parameter1, parameter2, payload }: Sent): Buffer {
  const buffer = Buffer.alloc(headerSizeFor(payload.length, count) + payload.length);
  payload.copy(buffer, writeHeader(new DataView(buffer.buffer, buffer.byteOffset, buffer.length), 0, command, payload.length, type, count, parameter1, parameter2));
  return buffer;
}

/** Feeds `stream` in pieces that end at `cuts`; returns what came out. */
function received(stream: Buffer, cuts: readonly number[], receive = new ReceiveBuffer(4096), largest = 10_000_000): Sent[] {
  const out: Sent[] = [];
  const framer = new Framer(receive, largest, ({ command, type, count, parameter1, parameter2, size, at, bytes }) =>
    out.push({ command, type, count, parameter1, parameter2, payload: Buffer.from(bytes.subarray(at, at + size)) }));
  let from = 0;
  for (const cut of [...new Set([...cuts, stream.length])].sort((a, b) => a - b)) {
    for (let to = Math.min(cut, from + receive.target.length); from < cut; to = Math.min(cut, from + receive.target.length)) {
      receive.target.set(stream.subarray(from, to));
      framer.feed(to - from);
      from = to;
    }
  }
  return out;
}

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const payload = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 20 }) },
  { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 200_000 }).map((length) => new Uint8Array(length).fill(length)) },
).map((bytes) => Buffer.concat([bytes], (bytes.length + 7) & ~7));
const sent = fc.record({ command: u16, type: u16, count: fc.oneof(fc.integer({ min: 0, max: 9 }), u32), parameter1: u32, parameter2: u32, payload });

describe('cutting a stream into messages', () => {
  it('gives the same messages wherever the stream is cut', () => {
    fc.assert(fc.property(fc.array(sent, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 12 }), (messages, cuts) => {
      const stream = Buffer.concat(messages.map(encode));
      const out = received(stream, cuts.map((cut) => cut % (stream.length + 1)));
      expect(out.length).toBe(messages.length);
      expect(Buffer.concat(out.map(encode)).equals(stream)).toBe(true);
    }), { numRuns: 60 });
  });

  it('keeps circuits apart that share the receive buffer', () => {
    const receive = new ReceiveBuffer(4096);
    const out: number[][] = [[], []];
    const framers = out.map((list) => new Framer(receive, 1000, ({ parameter1 }) => list.push(parameter1)));
    const streams = [1, 2].map((first) => Buffer.concat([first, first + 10].map((parameter1) => encode({ command: 1, type: 0, count: 0, parameter1, parameter2: 0, payload: Buffer.alloc(8) }))));
    for (let from = 0; from < streams[0]!.length; from += 5) {
      streams.forEach((stream, i) => {
        const piece = stream.subarray(from, from + 5);
        receive.target.set(piece);
        framers[i]!.feed(piece.length);
      });
    }
    expect(out).toEqual([[1, 11], [2, 12]]);
  });

  it('refuses a message above the limit before it has come', () => {
    const header = encode({ command: 15, type: 20, count: 1, parameter1: 1, parameter2: 1, payload: Buffer.alloc(0x20000) }).subarray(0, 24);
    expect(() => received(header, [], undefined, 0x10000)).toThrow(HostileBytes);
  });

  it('does not take memory for what is only announced', () => {
    const before = process.memoryUsage().arrayBuffers;
    const header = Buffer.alloc(24);
    writeHeader(new DataView(header.buffer, header.byteOffset, 24), 0, 15, 250 * 1024 * 1024, 20, 1, 1, 1);
    expect(received(header, [], undefined, 256 * 1024 * 1024)).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 * 1024 * 1024);
  });
});
