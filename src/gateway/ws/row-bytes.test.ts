import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyColumns, columnsOf } from '../../../testing/arbitraries/value-columns.ts';
import { ReadOutcome, ValueKind, type ChannelMeta, type ValueColumns } from '../../contracts/values.ts';
import { JsonBytes } from '../json-bytes.ts';
import { LatestValues } from './latest-values.ts';
import { RowBytes } from './row-bytes.ts';

interface Sent {
  readonly columns: ValueColumns;
  readonly receivedAt: number;
}
const plain = { outcome: ReadOutcome.ok, severity: 0, status: 0, timeNs: 0n, metaHash: 0n, num: 0, kind: ValueKind.double };

/** Of all rows, after each frame, by one writer. */
function expectSame(frames: readonly Sent[], metas: ReadonlyMap<bigint, ChannelMeta> = new Map()): void {
  const table = new LatestValues();
  const rows = new RowBytes(table);
  for (let id = 0; id < 20; id++) table.slotFor(id, `Q:"å":${id}`);
  table.describe(metas);
  for (const { columns, receivedAt } of frames) {
    table.apply('host', columns, receivedAt);
    for (const arrays of ['base64', 'json'] as const) {
      for (const described of [false, true]) {
        for (const slot of table.changedSince(0)) {
          const out = new JsonBytes();
          rows.write(out, slot, arrays, described);
          expect(Buffer.concat(out.finish()).toString()).toBe(rows.texts.of(slot, arrays, described));
        }
      }
    }
  }
}

test('S1, S3: whatever the row, its bytes are those of its text', () => {
  fc.assert(fc.property(fc.array(fc.record({ columns: anyColumns, receivedAt: fc.integer({ min: 1, max: 2e12 }) }), { maxLength: 3 }), (frames) => expectSame(frames)));
});

test('S3: labels, alarms, times and arrival are those of the row, whatever came before it', () => {
  const metas = new Map<bigint, ChannelMeta>([[1n, { labels: ['Off', 'On "now"', 'å'] }], [2n, { units: 'µm', control: { low: -1, high: Infinity } }]]);
  const row = fc.record({
    metaHash: fc.constantFrom(0n, 1n, 2n, 9n),
    kind: fc.constantFrom(ValueKind.enum, ValueKind.int32),
    num: fc.nat(3),
    severity: fc.nat(3),
    status: fc.nat(21),
    timeNs: fc.constantFrom(0n, 1_763_660_000_000_000_001n, 1_763_660_000_999_999_999n, 1_763_660_001_000_000_000n, -1n),
  });
  const frame = fc.record({ rows: fc.array(row, { maxLength: 15 }), receivedAt: fc.constantFrom(1_763_660_000_001, 1_763_660_000_100) });
  fc.assert(fc.property(fc.array(frame, { maxLength: 4 }), (frames) => {
    expectSame(frames.map(({ rows, receivedAt }) => ({ columns: columnsOf(rows.map((one) => ({ ...plain, ...one }))), receivedAt })), metas);
  }));
});
