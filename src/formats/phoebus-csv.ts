/** Phoebus save-and-restore CSV: tags as comment lines, then a snapshot's rows with setpoint and readback, or a configuration's PVs. */
import { ReadOutcome, severityNames, statusNames, ValueKind, valueKindNames, type ChannelMeta } from '../contracts/values.ts';
import type { Steps } from '../kernel/in-turns.ts';
import { createCsvRecords, type CsvRecord } from './csv-records.ts';
import { bytesOf, plainNumber, rowValue, textArray } from './plain-values.ts';
import { createCollector, lossesOf, namesLost, plainEntry, type Collector, type FileEntry, type FileHead, type FileValue, type ReadSnapshotFile, type SnapshotContent, type WrittenFile } from './snapshot-file.ts';

const snapshotColumns = ['PV', 'SELECTED', 'TIMESTAMP', 'STATUS', 'SEVERITY', 'VALUE_TYPE', 'VALUE', 'READBACK', 'READBACK_VALUE', 'DELTA', 'READ_ONLY'] as const;
type Column = (typeof snapshotColumns)[number];
const none = '---';
/** Characters read between others' turns. */
const pieceLength = 65_536;

const kinds: Readonly<Record<string, ValueKind>> = {
  double: ValueKind.double, float: ValueKind.float, long: ValueKind.int64, int: ValueKind.int32, integer: ValueKind.int32, short: ValueKind.int16, byte: ValueKind.int8,
  ulong: ValueKind.uint64, uint: ValueKind.int64, ushort: ValueKind.int32, ubyte: ValueKind.int16, enum: ValueKind.enum, string: ValueKind.text,
};
const typeNames: Readonly<Partial<Record<(typeof valueKindNames)[number], string>>> = {
  text: 'string', int8: 'byte', int16: 'short', int32: 'int', enum: 'enum', float: 'float', double: 'double', int64: 'long', uint64: 'ulong',
};

export interface CsvTable {
  readonly head: Partial<FileHead>;
  readonly columns: readonly string[];
  readonly rows: readonly CsvRecord[];
}

/** The table under the comments; faults go to the collector. */
export function* phoebusTable(text: string, collect: Collector): Steps<CsvTable | undefined> {
  const at = /^PV[^\S\r\n]*(?:[,\r\n]|$)/m.exec(text)?.index;
  if (at === undefined) {
    const firstLine = /^[^#\r\n]/m.exec(text)?.index ?? 0;
    collect.fault(text.slice(0, firstLine).split('\n').length, 'no line of columns that begins with PV');
    return undefined;
  }
  const comments = text.slice(0, at).split(/\r?\n/);
  // Arrays stand in cells, so a row has no limit of its own.
  const records = createCsvRecords({ lenient: true, firstLine: comments.length, longest: Infinity });
  const rows: CsvRecord[] = [];
  for (let from = at; from < text.length; from += pieceLength) {
    for (const record of records.push(text.slice(from, from + pieceLength))) rows.push(record);
    yield;
  }
  rows.push(...records.end());
  if (records.fault !== undefined) {
    collect.fault(records.fault.line, records.fault.what);
    return undefined;
  }
  return { head: headOf(comments), columns: rows[0]!.cells.map((name) => name.trim()), rows: rows.slice(1) };
}

function headOf(lines: readonly string[]): Partial<FileHead> {
  const sections = new Map<string, string[]>();
  let open: string[] = [];
  for (const line of lines) {
    const tag = /^#\s*(Hierarchy|SaveSet name|Snapshot name|Description|Creator|Date|Tags)\s*:?\s*$/i.exec(line);
    if (tag) sections.set(tag[1]!.toLowerCase(), (open = []));
    else open.push(line.replace(/^#\s?/, ''));
  }
  const section = (name: string): string => (sections.get(name) ?? []).join('\n').trim();
  const labels = section('tags');
  return {
    title: section('snapshot name') || section('saveset name'),
    description: [section('description'), labels === '' ? '' : `tags: ${labels}`].filter((part) => part !== '').join('\n'),
    createdBy: section('creator'), createdDate: section('date'),
  };
}

export function* readPhoebusSnapshot(text: string): Steps<ReadSnapshotFile> {
  const collect = createCollector();
  const table = yield* phoebusTable(text, collect);
  if (table === undefined) return collect.end({});
  const missing = snapshotColumns.filter((name) => name !== 'SELECTED' && name !== 'DELTA' && !table.columns.includes(name));
  if (missing.length > 0) {
    collect.fault(1, `no snapshot: it has no column ${missing.join(', ')}`);
    return collect.end({});
  }
  const at = Object.fromEntries(snapshotColumns.map((name) => [name, table.columns.indexOf(name)])) as Record<Column, number>;
  const own = new Set<string>();
  const readbacks = new Set<string>();
  for (const { cells } of table.rows) {
    yield;
    own.add(cells[at.PV]?.trim() ?? '');
    readbacks.add(cells[at.READBACK]?.trim() ?? '');
  }
  let unknownStatus = 0;
  for (const { line, cells } of table.rows) {
    yield;
    if (cells.length !== table.columns.length) {
      collect.fault(line, `has ${cells.length} cells, there are ${table.columns.length} columns`);
      continue;
    }
    const cell = (name: Column): string => cells[at[name]]!.trim();
    const name = cell('PV');
    const type = cell('VALUE_TYPE').toLowerCase();
    const severity = severityOf(cell('SEVERITY').toUpperCase());
    const status = statusOf(cell('STATUS'));
    const timeNs = timeOf(cell('TIMESTAMP'));
    const value = valueOf(type, cells[at.VALUE]!);
    if (typeof value === 'string') collect.fault(line, `${name}: ${value}`);
    else if (timeNs === undefined) collect.fault(line, `${name}: TIMESTAMP ${JSON.stringify(cell('TIMESTAMP'))} is not seconds.nanoseconds`);
    else if (severity === undefined) collect.fault(line, `${name}: SEVERITY ${JSON.stringify(cell('SEVERITY').toUpperCase())} is none of NONE, ${severityNames.slice(1).join(', ')}, UNDEFINED`);
    else {
      if (status === undefined) unknownStatus += 1;
      collect.row(line, name, { ...value, timeNs, severity, status: status ?? 0 });
      const readback = cell('READBACK');
      // A readback with a line of its own, for its time and alarm, is no entry of its own.
      if (readback !== '' || !readbacks.has(name)) collect.entry(plainEntry(name, { readback: readback === '' ? null : readback, readOnly: /^(1|true)$/i.test(cell('READ_ONLY')) }));
      const shown = cells[at.READBACK_VALUE]!;
      if (readback === '' || own.has(readback) || shown.trim() === none || shown === '') continue;
      const read = valueOf(type, shown);
      if (typeof read === 'string') collect.fault(line, `${readback}: ${read}`);
      else collect.row(line, readback, read);
    }
  }
  if (unknownStatus > 0) collect.loss(`${unknownStatus} alarm statuses of classes that Channel Access does not have were read as NO_ALARM; severities were kept`);
  collect.mustEndALine(text);
  return collect.end(table.head);
}

function severityOf(text: string): number | undefined {
  if (text === 'NONE' || text === '') return 0;
  const at = severityNames.indexOf(text as (typeof severityNames)[number]);
  return text === 'UNDEFINED' ? 3 : at < 0 ? undefined : at;
}

function statusOf(text: string): number | undefined {
  if (text === 'NONE' || text === '') return 0;
  const at = statusNames.indexOf(text.replace(/_ALARM$/, '') as (typeof statusNames)[number]);
  return text === 'NO_ALARM' ? 0 : at < 0 ? undefined : at;
}

/** Seconds, a dot, and whole nanoseconds: not a decimal fraction. */
function timeOf(text: string): bigint | undefined {
  if (text === '') return 0n;
  const parts = /^(\d{1,10})\.(\d{1,9})$/.exec(text);
  return parts ? BigInt(parts[1]!) * 1_000_000_000n + BigInt(parts[2]!) : undefined;
}

function valueOf(type: string, text: string): FileValue | string {
  const base = type.replace(/_array$/, '');
  const kind = kinds[base];
  if (kind === undefined) return `VALUE_TYPE ${JSON.stringify(type)} is not known`;
  const array = type.endsWith('_array') || (kind !== ValueKind.text && text.startsWith('['));
  if (kind === ValueKind.enum) return array ? 'arrays of enums are not taken' : enumOf(text);
  if (!array) return kind === ValueKind.text ? { kind, text } : scalarOf(kind, text.trim());
  const list = /^\[(.*)\]$/s.exec(text.trim());
  if (list === null) return `${JSON.stringify(text.slice(0, 40))} is not [a;b;…]`;
  const parts = list[1] === '' ? [] : list[1]!.split(';');
  if (kind === ValueKind.text) return textArray(parts);
  const elements = parts.map((part) => scalarOf(kind, part.trim()));
  const bad = elements.find((element) => typeof element === 'string');
  if (bad !== undefined) return bad;
  return { kind, bytes: packed(kind, elements as FileValue[]) };
}

const ranges: Readonly<Partial<Record<ValueKind, readonly [number, number]>>> = { [ValueKind.int8]: [-128, 127], [ValueKind.int16]: [-32768, 32767], [ValueKind.int32]: [-2147483648, 2147483647] };

function scalarOf(kind: ValueKind, text: string): FileValue | string {
  if (kind === ValueKind.int64 || kind === ValueKind.uint64) {
    if (!/^-?\d{1,20}$/.test(text)) return `${JSON.stringify(text)} is no whole number`;
    const exact = BigInt(text);
    const fits = kind === ValueKind.int64 ? exact >= -(2n ** 63n) && exact < 2n ** 63n : exact >= 0n && exact < 2n ** 64n;
    return fits ? { kind, num: Number(text), text: String(exact) } : `${text} does not fit its type`;
  }
  const number = /^-?inf(inity)?$/i.test(text) ? (text.startsWith('-') ? -Infinity : Infinity) : /^nan$/i.test(text) ? Number.NaN : text === '' ? undefined : Number(text);
  if (number === undefined || (Number.isNaN(number) && !/^nan$/i.test(text))) return `${JSON.stringify(text)} is no number`;
  const range = ranges[kind];
  if (range && (!Number.isInteger(number) || number < range[0] || number > range[1])) return `${text} does not fit its type`;
  return { kind, num: kind === ValueKind.float ? Math.fround(number) : number };
}

function packed(kind: ValueKind, elements: readonly FileValue[]): Uint8Array {
  if (kind === ValueKind.int64) return bytesOf(BigInt64Array.from(elements, (element) => BigInt(element.text!)));
  if (kind === ValueKind.uint64) return bytesOf(BigUint64Array.from(elements, (element) => BigInt(element.text!)));
  const numbers = elements.map((element) => element.num!);
  if (kind === ValueKind.int8) return bytesOf(Int8Array.from(numbers));
  if (kind === ValueKind.int16) return bytesOf(Int16Array.from(numbers));
  if (kind === ValueKind.int32) return bytesOf(Int32Array.from(numbers));
  return bytesOf(kind === ValueKind.float ? Float32Array.from(numbers) : Float64Array.from(numbers));
}

/** `label~[l0;l1]`, or the bare label. */
function enumOf(text: string): FileValue | string {
  const parts = /^(.*)~\[(.*)\]$/s.exec(text);
  if (parts === null) return /^\d+$/.test(text) ? { kind: ValueKind.enum, num: Number(text) } : { kind: ValueKind.text, text };
  const labels = parts[2]!.split(';');
  const index = labels.indexOf(parts[1]!);
  return index < 0 ? `${JSON.stringify(parts[1])} is none of its labels ${labels.join(', ')}` : { kind: ValueKind.enum, num: index, meta: { labels } };
}

export function writePhoebusSnapshot(content: SnapshotContent): WrittenFile {
  const { columns, names, metas, entries } = content;
  const rowOf = new Map(names.map((name, row) => [name, row]));
  const unread: string[] = [];
  const impossible: string[] = [];
  const lines: string[] = [];
  const written = new Set<string>();
  const shown = (name: string | null): string | undefined => {
    const row = name === null ? undefined : rowOf.get(name);
    return row === undefined || columns.outcome[row] !== ReadOutcome.ok ? undefined : cellOf(content, row);
  };
  const line = (name: string, readback: string | null, readOnly: boolean): void => {
    const row = rowOf.get(name);
    if (row === undefined || written.has(name)) return;
    written.add(name);
    if (columns.outcome[row] !== ReadOutcome.ok) return void unread.push(name);
    const value = shown(name);
    const read = shown(readback);
    if (value === undefined) return void impossible.push(name);
    // Named with its setpoint, and typed like it; one of another type gets a line of its own.
    const beside = readback !== null && read !== undefined && columns.kind[rowOf.get(readback)!] === columns.kind[row] && typeOf(content, rowOf.get(readback)!) === typeOf(content, row);
    if (beside && columns.timeNs[rowOf.get(readback)!] === 0n) written.add(readback);
    const time = columns.timeNs[row]!;
    const cells = [name, '1', time === 0n ? '0.0' : `${time / 1_000_000_000n}.${time % 1_000_000_000n}`, columns.status[row] === 0 ? 'NONE' : statusNames[columns.status[row]!] ?? 'NONE',
      columns.severity[row] === 0 ? 'NONE' : severityNames[columns.severity[row]!]!, typeOf(content, row), `"${value}"`, readback ?? '', `"${beside ? read : none}"`, '', readOnly ? '1' : '0'];
    lines.push(cells.join(','));
  };
  for (const entry of entries) if (entry.setpoint !== null) line(entry.setpoint, entry.readback, entry.readOnly);
  for (const name of names) line(name, null, true);
  const head = ['# Snapshot name:', `# ${oneLine(content.title)}`, '# Description:', ...content.description.split(/\r?\n/).map((text) => `# ${text}`), '# Creator:', `# ${oneLine(content.createdBy)}`, '# Date:', `# ${dateOf(content.createdDate)}`];
  const partial = metas.some((meta: ChannelMeta | undefined) => meta !== undefined && Object.keys(meta).some((key) => key !== 'labels'));
  return {
    text: `${[...head, snapshotColumns.join(','), ...lines].join('\n')}\n`,
    losses: [...lossesOf('Phoebus CSV', content, { alarms: true, times: true, pairs: true, readOnly: true, descriptions: !partial, reasons: true }), ...namesLost('without a value', unread), ...namesLost('values that Phoebus CSV cannot hold (quotes, line breaks, bytes, ; in lists)', impossible)],
  };
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');
const dateOf = (iso: string): string => iso.replace('T', ' ').replace(/Z$/, '');

function typeOf({ columns, metas }: SnapshotContent, row: number): string {
  const kind = columns.kind[row]!;
  const array = columns.bytes.has(row) && !columns.rawText.has(row);
  const base = kind === ValueKind.enum && (array || metas[row]?.labels?.[columns.num[row]!] === undefined) ? 'int' : typeNames[valueKindNames[kind]!]!;
  return array ? `${base}_array` : base;
}

/** Undefined when the value does not fit a cell. */
function cellOf(content: SnapshotContent, row: number): string | undefined {
  const { columns, metas } = content;
  const value = rowValue(columns, row);
  const labels = metas[row]?.labels;
  const plain = (text: string): string | undefined => (/["\r\n]/.test(text) || text !== text.trim() ? undefined : text);
  if (value.is === 'text') return value.raw === undefined ? plain(value.text) : undefined;
  if (value.is === 'numbers') return `[${value.numbers.map(javaNumber).join(';')}]`;
  if (value.is === 'texts') return value.texts.some((text) => plain(text) === undefined || text.includes(';')) ? undefined : `[${value.texts.join(';')}]`;
  const label = columns.kind[row] === ValueKind.enum ? labels?.[Number(value.number)] : undefined;
  if (label === undefined || labels === undefined) return javaNumber(value.number);
  return labels.some((one) => /[";\r\n]/.test(one) || one === '') || labels.indexOf(label) !== value.number ? undefined : `${label}~[${labels.join(';')}]`;
}

const javaNumber = (value: number | bigint): string => {
  const text = plainNumber(value);
  return text === 'nan' ? 'NaN' : text.replace('inf', 'Infinity');
};

/** Phoebus writes the names of its columns so, whatever their number is by now. */
const phoebusColumn = /^[A-Z][A-Z_ ]*$/;

/** Columns PV, READBACK, READ_ONLY as catalogue entries. Others of Phoebus are not looked at. */
export function* readPhoebusConfiguration(text: string, collect: Collector): Steps<{ entry: FileEntry; line: number }[]> {
  const table = yield* phoebusTable(text, collect);
  if (table === undefined) return [];
  const foreign = table.columns.find((column) => column !== '' && !phoebusColumn.test(column));
  if (foreign !== undefined) {
    collect.fault((table.rows[0]?.line ?? 2) - 1, `a Phoebus table has no column ${JSON.stringify(foreign)}, and this one begins with PV; in a table of Drey's own the PV stands in the column Setpoint`);
    return [];
  }
  const [name, readback, readOnly] = ['PV', 'READBACK', 'READ_ONLY'].map((column) => table.columns.indexOf(column)) as [number, number, number];
  return table.rows.map(({ line, cells }) => ({
    line, entry: plainEntry(cells[name]?.trim() ?? '', { readback: cells[readback]?.trim() || null, readOnly: /^(1|true)$/i.test(cells[readOnly]?.trim() ?? '') }),
  }));
}
