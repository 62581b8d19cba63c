import fc from 'fast-check';
import { expect, test } from 'vitest';
import { metaFromText, metaToText, reviveMeta } from './meta-text.ts';
import type { ChannelMeta } from './values.ts';

const limits = fc.record({ low: fc.double(), high: fc.double() });
const meta: fc.Arbitrary<ChannelMeta> = fc.record({ units: fc.string(), precision: fc.integer({ min: 0, max: 15 }), display: limits, control: limits, warning: limits, alarm: limits, labels: fc.array(fc.string()), maxElements: fc.nat() }, { requiredKeys: [] });

test('S3: open limits, NaN and -0 of a description come back', () => {
  fc.assert(
    fc.property(meta, (one) => {
      expect(metaFromText(metaToText(one))).toEqual(one);
    }),
  );
  const open: ChannelMeta = { warning: { low: -Infinity, high: 5 } };
  expect(JSON.parse(`{"metas":{"7":${metaToText(open)}}}`, reviveMeta)).toEqual({ metas: { 7: open } });
});
