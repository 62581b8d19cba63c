import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyColumns, columnsOf } from '../../testing/arbitraries/value-columns.ts';
import { DamagedFrame, decodeFrame, encodeFrame, encodeLeanFrame } from './frame.ts';
import { numericElements } from '../snapshots/arrays.ts';
import { emptyValueColumns, ReadOutcome, ValueKind } from './values.ts';

const encoders = [['frame', encodeFrame], ['lean frame', encodeLeanFrame]] as const;

test.each(encoders)('S3: whatever the columns hold comes out of a %s unchanged', (_, encodeFrame) => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string()), anyColumns, (head, columns) => {
      const decoded = decodeFrame(encodeFrame({ head }, columns));
      expect(decoded.head).toEqual({ head });
      expect(decoded.columns).toEqual(columns);
    }),
  );
});

test('S3: arrays are copies at their own alignment, also out of a Buffer whose memory is used again', () => {
  fc.assert(
    fc.property(anyColumns, fc.nat(7), (columns, shift) => {
      const whole = encodeFrame({}, columns);
      const socket = Buffer.alloc(whole.length + 8);
      socket.set(whole, shift);
      const decoded = decodeFrame(socket.subarray(shift, shift + whole.length));
      socket.fill(0xff);
      expect(decoded.columns).toEqual(columns);
      for (const [row, bytes] of decoded.columns.bytes) expect(() => numericElements(decoded.columns.kind[row]!, bytes)).not.toThrow();
    }),
  );
});

test.each(encoders)('D1: a %s cut short anywhere is refused, never read wrongly or beyond its end', (_, encodeFrame) => {
  const whole = encodeFrame(
    { item: 1 },
    columnsOf([
      { kind: ValueKind.double, outcome: ReadOutcome.ok, severity: 0, status: 0, timeNs: 1n, metaHash: 2n, num: 1.5 },
      { kind: ValueKind.text, outcome: ReadOutcome.ok, severity: 0, status: 0, timeNs: 1n, metaHash: 2n, num: 0, text: 'hello' },
      { kind: ValueKind.int32, outcome: ReadOutcome.ok, severity: 0, status: 0, timeNs: 1n, metaHash: 2n, num: 0, bytes: new Uint8Array(12) },
    ]),
  );
  for (let length = 0; length < whole.length; length++) {
    expect(() => decodeFrame(whole.subarray(0, length)), `${length} of ${whole.length} bytes`).toThrow(DamagedFrame);
  }
});

test('S3: a column of one value throughout is that value in each row, whatever its bits', () => {
  const columns = emptyValueColumns(1_000);
  const bits = new BigInt64Array(columns.num.buffer);
  for (const pattern of [0n, -(2n ** 63n), 0x7ff8_0000_dead_beefn]) {
    bits.fill(pattern);
    columns.channel.fill(7);
    const lean = encodeLeanFrame({}, columns);
    expect(lean.length).toBeLessThan(100);
    const decoded = decodeFrame(lean).columns;
    expect(new BigInt64Array(decoded.num.buffer, decoded.num.byteOffset, 1_000)).toEqual(bits);
    expect(decoded.channel).toEqual(columns.channel);
  }
  bits[999] = 1n;
  expect(decodeFrame(encodeLeanFrame({}, columns)).columns.num).toEqual(columns.num);
});

test('S3: texts keep their first character, ASCII or not', () => {
  const texts = ['\uFEFFmark', '', 'plain', '\ud83d\ude00'];
  for (const some of [texts, ['plain', '', 'only']]) {
    const columns = columnsOf(some.map((text) => ({ kind: ValueKind.text, outcome: ReadOutcome.ok, severity: 0, status: 0, timeNs: 1n, metaHash: 2n, num: 0, text })));
    expect([...decodeFrame(encodeFrame({}, columns)).columns.text.values()]).toEqual(some);
  }
});

test('D1: random bytes are refused with a reason', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => decodeFrame(bytes)).toThrow(/^damaged frame: /);
    }),
  );
});

test.each(encoders)('D1: a %s whose numbers were changed is refused or decoded within its bytes, and never crashes', (_, encodeFrame) => {
  const whole = encodeFrame({ item: 1 }, columnsOf([{ kind: ValueKind.text, outcome: ReadOutcome.ok, severity: 0, status: 0, timeNs: 1n, metaHash: 2n, num: 0, text: 'hello' }]));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const changed = whole.slice();
      changed[at] = byte;
      try {
        decodeFrame(changed);
      } catch (error) {
        expect(error).toBeInstanceOf(DamagedFrame);
      }
    }),
  );
});
