import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyColumns } from '../../testing/arbitraries/value-columns.ts';
import { emptyValueColumns, ReadOutcome, readOutcomeNames, ValueKind, type ChannelMeta } from '../contracts/values.ts';
import { jsonValueOf } from '../snapshots/json-values.ts';
import { createRowWriter, numberJson, textJson, valueJson } from './value-json.ts';

test('S3: what is written for a row is what snapshots/json-values.ts says of it, whatever the row', () => {
  fc.assert(
    fc.property(anyColumns, (columns) => {
      for (let row = 0; row < columns.length; row++) expect(JSON.parse(valueJson(columns, row))).toEqual(jsonValueOf(columns, row));
    }),
  );
});

test('S3: every number comes back as it was, with strings for those that JSON lacks', () => {
  fc.assert(
    fc.property(fc.double(), (number) => {
      const back: unknown = JSON.parse(numberJson(number));
      expect(typeof back === 'string' ? Number(back) : back).toBe(number);
    }),
  );
  expect([NaN, Infinity, -Infinity, -0].map(numberJson)).toEqual(['"NaN"', '"Infinity"', '"-Infinity"', '-0']);
});

test('S3: every text comes back as it was', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
    expect(JSON.parse(textJson(text))).toBe(text);
  }));
});

test('every row is JSON with all its fields, in both forms, whatever the row', () => {
  fc.assert(
    fc.property(anyColumns, (columns) => {
      const writer = createRowWriter(columns, new Map());
      for (let row = 0; row < columns.length; row++) {
        const saved = JSON.parse(writer.saved(row)) as Record<string, unknown>;
        const live = JSON.parse(writer.live(row, 1000)) as Record<string, unknown>;
        expect(Object.keys(saved).sort()).toEqual(['enumLabel', 'labels', 'limits', 'outcome', 'precision', 'reason', 'severity', 'status', 'timestamp', 'timestampNs', 'units', 'value']);
        expect(live['value']).toEqual(saved['value']);
        expect(saved['outcome']).toBe(readOutcomeNames[columns.outcome[row]!]);
        expect(saved['timestampNs']).toBe(columns.timeNs[row] === 0n ? null : String(columns.timeNs[row]));
      }
    }),
  );
});

function oneRow(fill: (columns: ReturnType<typeof emptyValueColumns>) => void, meta?: ChannelMeta) {
  const columns = emptyValueColumns(1);
  columns.outcome[0] = ReadOutcome.ok;
  columns.metaHash[0] = 7n;
  fill(columns);
  const writer = createRowWriter(columns, new Map(meta ? [[7n, meta]] : []));
  return { saved: JSON.parse(writer.saved(0)) as Record<string, unknown>, live: JSON.parse(writer.live(0, 1_700_000_000_500)) as Record<string, unknown> };
}

test('S1: a row without a value says why and has neither value nor alarm', () => {
  const { saved, live } = oneRow((columns) => {
    columns.outcome[0] = ReadOutcome.refused;
    columns.code[0] = 192;
    columns.num[0] = 4;
    columns.severity[0] = 2;
  });
  expect(saved).toMatchObject({ value: null, severity: null, status: null, outcome: 'refused', reason: 'the IOC answered with an error (code 192)' });
  expect(live).toMatchObject({ value: null, connected: true, updated_at: null, error: 'the IOC answered with an error (code 192)' });
});

test('S3: time stamps keep their ns, and are readable beside', () => {
  const { saved, live } = oneRow((columns) => {
    columns.kind[0] = ValueKind.double;
    columns.timeNs[0] = 1_700_000_000_123_456_789n;
  });
  expect(saved).toMatchObject({ timestampNs: '1700000000123456789', timestamp: '2023-11-14T22:13:20.123Z' });
  expect(live).toMatchObject({ timestampNs: '1700000000123456789', timestamp: 1_700_000_000.123_456_8, updated_at: 1_700_000_000.5, connected: true });
});

test('an enum is its index, with its label, labels, units and limits beside', () => {
  const meta: ChannelMeta = { labels: ['Off', 'On "now"'], units: 'µm', precision: 3, control: { low: -1, high: Infinity } };
  const { saved } = oneRow((columns) => {
    columns.kind[0] = ValueKind.enum;
    columns.num[0] = 1;
  }, meta);
  expect(saved).toMatchObject({ value: 1, enumLabel: 'On "now"', labels: meta.labels, units: 'µm', precision: 3, limits: { control: { low: -1, high: 'Infinity' }, alarm: null } });
});

test('an enum beyond its labels has no label', () => {
  expect(oneRow((columns) => { columns.kind[0] = ValueKind.enum; columns.num[0] = 9; }, { labels: ['a'] }).saved).toMatchObject({ value: 9, enumLabel: null });
});

test('S3: integers beyond 2^53 are decimal strings, smaller ones numbers', () => {
  const of = (exact: string) => oneRow((columns) => {
    columns.kind[0] = ValueKind.int64;
    columns.text.set(0, exact);
  }).saved['value'];
  expect(of('9007199254740993')).toBe('9007199254740993');
  expect(of('-9223372036854775808')).toBe('-9223372036854775808');
  expect(of('9007199254740991')).toBe(9007199254740991);
  expect(of('-12')).toBe(-12);
});
