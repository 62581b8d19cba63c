import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyColumns, columnsOf } from '../../testing/arbitraries/value-columns.ts';
import { ReadOutcome, ValueKind, type ChannelMeta, type ValueColumns } from '../contracts/values.ts';
import { JsonBytes } from './json-bytes.ts';
import { createSavedWriter } from './saved-bytes.ts';
import { createRowWriter } from './value-json.ts';

const written = (write: (out: JsonBytes) => void): string => {
  const out = new JsonBytes();
  write(out);
  return Buffer.concat(out.finish()).toString();
};

/** Of each row, by one writer, as rows of a snapshot are written. */
function bothForms(columns: ValueColumns, metas: ReadonlyMap<bigint, ChannelMeta>): { bytes: string; text: string } {
  const bytes = written((out) => {
    const writer = createSavedWriter(columns, metas, out);
    for (let row = 0; row < columns.length; row++) writer.saved(row);
  });
  const writer = createRowWriter(columns, metas);
  return { bytes, text: Array.from({ length: columns.length }, (_, row) => writer.saved(row)).join('') };
}

const plain = { outcome: ReadOutcome.ok, severity: 0, status: 0, timeNs: 0n, metaHash: 0n, num: 0, kind: ValueKind.double };

test('S3: whatever the row, its bytes are those of its text', () => {
  fc.assert(fc.property(anyColumns, (columns) => {
    const { bytes, text } = bothForms(columns, new Map());
    expect(bytes).toBe(text);
  }));
});

test('S3: every nanosecond of our centuries, and of others, is written whole', () => {
  const time = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: 1_700_000_000n, max: 1_900_000_000n }).chain((second) => fc.bigInt({ min: -2n, max: 2n }).map((ns) => second * 1_000_000_000n + ns)));
  fc.assert(fc.property(fc.array(time, { minLength: 1 }), (times) => {
    const columns = columnsOf(times.map((timeNs) => ({ ...plain, timeNs })));
    const { bytes, text } = bothForms(columns, new Map());
    expect(bytes).toBe(text);
  }), { numRuns: 500 });
});

test('labels, units and alarms are those of the row, whatever came before it', () => {
  const metas = new Map<bigint, ChannelMeta>([[1n, { labels: ['Off', 'On "now"', 'å'] }], [2n, { units: 'µm', control: { low: -1, high: Infinity } }], [1n + 2n ** 32n, { labels: ['x'] }]]);
  const rows = fc.array(fc.record({ metaHash: fc.constantFrom(0n, 1n, 2n, 1n + 2n ** 32n, 9n), kind: fc.constantFrom(ValueKind.enum, ValueKind.int32), num: fc.nat(3), severity: fc.nat(3), status: fc.nat(21), timeNs: fc.constantFrom(0n, 1_763_660_000_000_000_001n, 1_763_660_001_000_000_000n) }));
  fc.assert(fc.property(rows, (some) => {
    const { bytes, text } = bothForms(columnsOf(some.map((row) => ({ ...plain, ...row }))), metas);
    expect(bytes).toBe(text);
  }));
});

test('any text and number, longer than a piece too, is JSON that says the same', () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.integer())), (values) => {
    const text = written((out) => {
      out.ascii('[');
      values.forEach((value, at) => {
        if (at > 0) out.ascii(',');
        if (typeof value === 'string') out.string(value);
        else out.number(value);
      });
      out.ascii(']');
    });
    expect((JSON.parse(text) as (string | number)[]).map((one, at) => (typeof values[at] === 'number' ? Number(one) : one))).toEqual(values);
  }));
  const long = 'å"'.repeat(300_000);
  expect(JSON.parse(written((out) => out.string(long)))).toBe(long);
});
