/**
 * Drey's own file, which loses nothing (S3): JSON lines. The first is the head and says how many lines
 * follow (D1: a file that was cut off is known by it), then one line per channel, then one per entry.
 *
 * Scalars are numbers, texts, or decimal strings for 64-bit integers; NaN and infinities are strings.
 * Arrays are base64 of little-endian elements, and so are texts that are not UTF-8.
 */
import { z } from 'zod';
import { readOutcomeNames, ReadOutcome, ValueKind, valueKindNames, type ChannelMeta } from '../contracts/values.ts';
import type { Steps } from '../kernel/in-turns.ts';
import { elementBytes } from '../snapshots/arrays.ts';
import { fromBase64, toBase64 } from './base64.ts';
import { createCollector, type FileValue, type ReadSnapshotFile, type SnapshotContent, type WrittenFile } from './snapshot-file.ts';

const version = 1;
const count = z.number().int().min(0);
const head = z.object({
  drey: z.literal('snapshot'), version: z.literal(version), title: z.string(), description: z.string(), createdBy: z.string(), createdDate: z.string(), channels: count, entries: count,
});

const number = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity', '-0']).transform(Number)]);
const limits = z.object({ low: number, high: number }).optional();
const meta = z.object({
  units: z.string().optional(), precision: z.number().int().optional(), display: limits, control: limits, warning: limits, alarm: limits,
  labels: z.array(z.string()).optional(), maxElements: z.number().int().optional(),
}).transform((value): ChannelMeta => value);
const byte = z.number().int().min(0).max(255);
const channel = z.object({
  pv: z.string(),
  outcome: z.enum(readOutcomeNames).default('ok'),
  kind: z.enum(valueKindNames).default('none'),
  value: z.union([z.number(), z.string()]).optional(),
  base64: z.string().optional(),
  severity: byte.default(0),
  status: byte.default(0),
  timeNs: z.string().regex(/^-?\d{1,19}$/, 'ns since 1970 as a decimal string').transform(BigInt).default(0n),
  code: z.number().int().min(0).max(65535).default(0),
  access: byte.default(0),
  meta: meta.optional(),
});
const address = z.string().nullable();
const entry = z.object({
  entry: z.object({
    setpoint: address, readback: address, config: address, device: z.string(), description: z.string(),
    absTolerance: z.number().min(0), relTolerance: z.number().min(0), readOnly: z.boolean(), tags: z.array(z.string()),
    groups: z.array(z.string().nullable()).optional(),
  }).refine(({ tags, groups }) => groups === undefined || groups.length === tags.length, 'has another number of groups than of tags')
    .transform(({ groups, ...rest }) => (groups === undefined ? rest : { ...rest, groups })),
});

export function* readNdjson(text: string): Steps<ReadSnapshotFile> {
  const collect = createCollector();
  const lines = text.split('\n');
  const parse = <S extends z.ZodType>(schema: S, at: number): z.output<S> | undefined => {
    let value: unknown;
    try {
      value = JSON.parse(lines[at]!);
    } catch (error) {
      collect.fault(at + 1, `is not JSON: ${(error as Error).message}`);
      return undefined;
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    collect.fault(at + 1, `${issue!.path.join('.') || 'the line'}: ${issue!.message}`);
    return undefined;
  };
  const first = parse(head, 0);
  if (first === undefined) return collect.end({});
  const there = lines.length - 1 - (lines.at(-1) === '' ? 1 : 0);
  if (there !== first.channels + first.entries) {
    collect.fault(lines.length, `the head says ${first.channels} channels and ${first.entries} entries, there are ${there} lines after it: the file was cut off or added to`);
    return collect.end({});
  }
  for (let at = 1; at <= first.channels; at++) {
    yield;
    const row = parse(channel, at);
    if (row === undefined) continue;
    const value = valueOf(row);
    if (typeof value === 'string') collect.fault(at + 1, `${row.pv}: ${value}`);
    else collect.row(at + 1, row.pv, value);
  }
  for (let at = first.channels + 1; at <= there; at++) {
    yield;
    const made = parse(entry, at);
    if (made) collect.entry(made.entry);
  }
  return collect.end(first);
}

function valueOf(row: z.output<typeof channel>): FileValue | string {
  const kind = valueKindNames.indexOf(row.kind) as ValueKind;
  const outcome = readOutcomeNames.indexOf(row.outcome);
  const rest = { kind, outcome, severity: row.severity, status: row.status, timeNs: row.timeNs, code: row.code, access: row.access, ...(row.meta ? { meta: row.meta } : {}) };
  if (outcome !== ReadOutcome.ok || kind === ValueKind.none) return row.value === undefined && row.base64 === undefined ? rest : 'a row without a value has one all the same';
  if (row.base64 !== undefined) {
    const bytes = fromBase64(row.base64);
    if (bytes === undefined) return 'its base64 is none';
    if (bytes.length % elementBytes[kind] !== 0) return `its ${bytes.length} bytes are no whole number of elements of ${row.kind}`;
    return typeof row.value === 'string' ? { ...rest, bytes, text: row.value, rawText: true } : { ...rest, bytes };
  }
  if (row.value === undefined) return 'it has neither value nor base64';
  if (kind === ValueKind.text) return typeof row.value === 'string' ? { ...rest, text: row.value } : 'its value is no text';
  if (kind === ValueKind.int64 || kind === ValueKind.uint64) {
    const digits = String(row.value);
    return /^-?\d{1,20}$/.test(digits) ? { ...rest, text: digits, num: Number(digits) } : `${JSON.stringify(row.value)} is no whole number`;
  }
  const parsed = number.safeParse(row.value);
  return parsed.success ? { ...rest, num: parsed.data } : `${JSON.stringify(row.value)} is no number`;
}

const numberJson = (value: number): number | string => (Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0' : String(value));

/** A limit that was never set is no number, and on its way through JSON may have become null. */
const metaJson = (meta: ChannelMeta): unknown => JSON.parse(JSON.stringify(meta, (_, part: unknown) => (part === null ? 'NaN' : typeof part === 'number' ? numberJson(part) : part)));

export function writeNdjson(content: SnapshotContent): WrittenFile {
  const { columns, names, metas, entries, title, description, createdBy, createdDate } = content;
  const lines = [JSON.stringify({ drey: 'snapshot', version, title, description, createdBy, createdDate, channels: names.length, entries: entries.length })];
  names.forEach((name, row) => lines.push(JSON.stringify(channelLine(name, row))));
  for (const one of entries) lines.push(JSON.stringify({ entry: one }));
  return { text: `${lines.join('\n')}\n`, losses: [] };

  function channelLine(name: string, row: number): object {
    const kind = columns.kind[row]!;
    const bytes = columns.bytes.get(row);
    const words = columns.text.get(row);
    const ok = columns.outcome[row] === ReadOutcome.ok && kind !== ValueKind.none;
    const value = !ok ? {} : bytes !== undefined ? { ...(columns.rawText.has(row) ? { value: words ?? '' } : {}), base64: toBase64(bytes) } : { value: words ?? (kind === ValueKind.text ? '' : numberJson(columns.num[row]!)) };
    return {
      pv: name,
      outcome: readOutcomeNames[columns.outcome[row]!],
      kind: valueKindNames[kind],
      ...value,
      ...(columns.severity[row] === 0 ? {} : { severity: columns.severity[row] }),
      ...(columns.status[row] === 0 ? {} : { status: columns.status[row] }),
      ...(columns.timeNs[row] === 0n ? {} : { timeNs: String(columns.timeNs[row]) }),
      ...(columns.code[row] === 0 ? {} : { code: columns.code[row] }),
      ...(columns.access[row] === 0 ? {} : { access: columns.access[row] }),
      ...(metas[row] === undefined ? {} : { meta: metaJson(metas[row]) }),
    };
  }
}
