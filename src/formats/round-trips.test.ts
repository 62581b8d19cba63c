import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyColumns } from '../../testing/arbitraries/value-columns.ts';
import { emptyValueColumns, ReadOutcome, ValueKind, type ChannelMeta, type ValueColumns } from '../contracts/values.ts';
import { atOnce } from '../kernel/in-turns.ts';
import { numericElements, textElements } from '../snapshots/arrays.ts';
import { detectSnapshotFormat, snapshotFormatNames, snapshotFormats, type SnapshotFormat } from './registry.ts';
import { plainEntry, type SnapshotContent } from './snapshot-file.ts';

const metas: (ChannelMeta | undefined)[] = [undefined, { units: 'A', precision: 3, control: { low: -Infinity, high: Number.NaN } }, { labels: ['Off', 'On', 'a "b"', ''], maxElements: 4 }];

const anyContent: fc.Arbitrary<SnapshotContent> = fc.tuple(anyColumns, fc.string({ unit: 'grapheme' }), fc.nat(2)).map(([columns, text, dice]) => ({
  title: text, description: `${text}\nsecond "line"`, createdBy: 'op/me', createdDate: '2026-08-01T10:15:00.123Z',
  names: Array.from({ length: columns.length }, (_, i) => `DEMO:PS${i}:CUR`), columns, metas: Array.from({ length: columns.length }, (_, i) => metas[(i + dice) % 3]),
  entries: Array.from({ length: columns.length }, (_, i) => plainEntry(`DEMO:PS${i}:CUR`, { absTolerance: i / 4, relTolerance: 0.1, device: 'D', readOnly: i % 2 === 0, tags: ['LI21', 'a'], ...(i % 3 === 0 ? {} : { groups: i % 3 === 1 ? ['Area', null] : ['Area', 'Area'] }) })),
}));

/** A row as people and IOCs see it: numbers, texts and lists of them. */
function seen(columns: ValueColumns, row: number): unknown {
  if (columns.outcome[row] !== ReadOutcome.ok) return null;
  const bytes = columns.bytes.get(row);
  if (bytes !== undefined && columns.rawText.has(row)) return Array.from(bytes);
  if (bytes !== undefined) return Array.from((numericElements(columns.kind[row]!, bytes) as ArrayLike<number | bigint> | undefined) ?? textElements(bytes), comparable);
  if (columns.kind[row] === ValueKind.text) return columns.text.get(row) ?? '';
  return columns.text.has(row) ? comparable(BigInt(columns.text.get(row)!)) : comparable(columns.num[row]!);
}
/** One form for the same number, whatever its type. */
const comparable = (value: unknown): unknown => (typeof value === 'string' ? value : typeof value === 'bigint' ? (Number.isSafeInteger(Number(value)) ? Number(value) : value) : value);

function reread(format: SnapshotFormat, content: SnapshotContent) {
  const written = snapshotFormats[format].write(content);
  const { content: back, faults } = atOnce(snapshotFormats[format].read(written.text));
  expect(faults, written.text).toEqual([]);
  return { back: back!, ...written };
}

test('S3: NDJSON brings back every field of every row, and the entries, bit for bit', () => {
  fc.assert(fc.property(anyContent, (content) => {
    const { back, losses } = reread('ndjson', content);
    expect(losses).toEqual([]);
    // Ids and hashes are given by who stores the file.
    content.columns.channel.fill(0);
    content.columns.metaHash.fill(0n);
    expect(back).toEqual(content);
    expect(Array.from(back.columns.num, (n) => Object.is(n, -0))).toEqual(Array.from(content.columns.num, (n) => Object.is(n, -0)));
  }));
});

test('NDJSON: a limit that became null on its way is no number again', () => {
  const meta = { units: 'MV', warning: { low: null, high: 260 } } as unknown as ChannelMeta;
  const content = { title: '', description: '', createdBy: '', createdDate: '', names: ['A'], columns: emptyValueColumns(1), metas: [meta], entries: [plainEntry('A')] };
  content.columns.outcome[0] = ReadOutcome.ok;
  expect(reread('ndjson', content).back.metas[0]).toEqual({ units: 'MV', warning: { low: Number.NaN, high: 260 } });
});

test.each(['sav', 'burt', 'psi', 'phoebus'] as const)('%s: what was written is read back the same, or the loss is told', (format) => {
  fc.assert(fc.property(anyContent, (content) => {
    const { back, losses } = reread(format, content);
    const rowOf = new Map(back.names.map((name, row) => [name, row]));
    content.names.forEach((name, row) => {
      const before = seen(content.columns, row);
      const at = rowOf.get(name);
      if (at === undefined || back.columns.outcome[at] !== ReadOutcome.ok) {
        // Left out: for want of a value, or because the format cannot hold it, which the list of losses says.
        if (before !== null) expect(losses.join('\n')).toMatch(/cannot hold|not UTF-8/);
        else if (at === undefined) expect(format === 'psi').toBe(false);
        return;
      }
      expect(alike(format, content, row, seen(back.columns, at)), `${name}: ${String(before)} in\n${snapshotFormats[format].write(content).text}`).toEqual(alikeBefore(format, content, row, before));
    });
    if (content.columns.timeNs.some((ns) => ns !== 0n) && format !== 'phoebus') expect(losses.join('\n')).toContain('time stamps');
  }), { numRuns: 300 });
});

const listOf = (value: unknown): unknown => (Array.isArray(value) && value.length === 1 ? value[0] : value);

/** An enum in BURT is its label; a list of one in BURT is a scalar; numbers in texts of untyped lists are numbers. */
function alikeBefore(format: SnapshotFormat, { columns, metas: about }: SnapshotContent, row: number, value: unknown): unknown {
  const label = columns.kind[row] === ValueKind.enum && !columns.bytes.has(row) ? about[row]?.labels?.[columns.num[row]!] : undefined;
  if (format === 'burt') return label ?? listOf(value);
  return format === 'sav' && columns.kind[row] === ValueKind.text && Array.isArray(value) && !columns.rawText.has(row) ? (value as string[]).map(String) : value;
}
function alike(format: SnapshotFormat, { columns }: SnapshotContent, row: number, value: unknown): unknown {
  if (columns.rawText.has(row) && typeof value === 'string') return [...new TextEncoder().encode(value)];
  if (format === 'burt') return listOf(value);
  return format === 'sav' && columns.kind[row] === ValueKind.text && Array.isArray(value) && !columns.rawText.has(row) ? (value as unknown[]).map(String) : value;
}

test('Phoebus CSV keeps severity, time and the pairing of setpoint and readback', () => {
  fc.assert(fc.property(anyContent, (content) => {
    const { back } = reread('phoebus', content);
    back.names.forEach((name, at) => {
      const row = content.names.indexOf(name);
      expect(back.columns.severity[at]).toBe(content.columns.severity[row]);
      expect(back.columns.status[at]).toBe(content.columns.status[row]);
      expect(back.columns.timeNs[at]).toBe(content.columns.timeNs[row]);
      expect(back.entries.find((entry) => entry.setpoint === name)?.readOnly).toBe(content.entries[row]!.readOnly);
    });
  }));
});

test.each(snapshotFormatNames)('%s is known by how it begins', (format) => {
  fc.assert(fc.property(anyContent, (content) => {
    expect(detectSnapshotFormat(snapshotFormats[format].write(content).text)).toBe(format);
  }), { numRuns: 20 });
});
