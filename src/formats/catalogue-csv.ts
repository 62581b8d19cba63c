/**
 * Catalogue entries as CSV. First line: column names, in any order, case-insensitive. Known are Setpoint,
 * Readback, Config, Device, Description, Abs Tolerance, Rel Tolerance, Read Only; Setpoint or Readback or
 * Config must be there. Every other column is a tag group, its cells comma lists of tags. Empty, `nan` and
 * `none` mean nothing.
 *
 * D1: every fault is reported with its line; with any fault there are no entries, unless the sound rows are asked for.
 */
import { CsvError, parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { newCatalogueEntry, type CatalogueEntry, type NewCatalogueEntryInput } from '../contracts/catalogue.ts';

export interface CatalogueCsv {
  readonly entries: readonly NewCatalogueEntryInput[];
  /** Line of the file per entry. */
  readonly lines: readonly number[];
  readonly faults: readonly string[];
}

const known = {
  setpoint: 'setpointAddress',
  readback: 'readbackAddress',
  config: 'configAddress',
  device: 'device',
  description: 'description',
  'abs tolerance': 'absTolerance',
  'rel tolerance': 'relTolerance',
  'read only': 'readOnly',
} as const;
type Field = (typeof known)[keyof typeof known];

const nothing = new Set(['', 'nan', 'none']);
const cellOf = (text: string): string | undefined => (nothing.has(text.trim().toLowerCase()) ? undefined : text.trim());
const yes = new Set(['true', 'yes', '1', 'y']);
const no = new Set(['false', 'no', '0', 'n']);

/** `skipFaulty`: the sound rows are given beside the faults of the others. */
export function parseCatalogueCsv(text: string, { skipFaulty = false }: { skipFaulty?: boolean } = {}): CatalogueCsv {
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(text, { bom: true, info: true, relax_column_count: true, skip_empty_lines: true, max_record_size: 1_000_000 }) as unknown as typeof records;
  } catch (error) {
    if (error instanceof CsvError) return { entries: [], lines: [], faults: [`line ${String(error['lines'] ?? '?')}: ${error.message}`] };
    throw error;
  }
  const [head, ...rows] = records;
  if (head === undefined) return { entries: [], lines: [], faults: ['line 1: the file is empty; its first line names the columns'] };
  const columns = head.record.map((name) => name.trim());
  const faults = headFaults(columns);
  if (faults.length > 0) return { entries: [], lines: [], faults };

  const entries: NewCatalogueEntryInput[] = [];
  const lines: number[] = [];
  const setpoints = new Map<string, number>();
  for (const { record, info } of rows) {
    const line = info.lines;
    const fault = (what: string): number => faults.push(`line ${line}: ${what}`);
    if (record.length > columns.length) {
      fault(`has ${record.length} cells, the first line names ${columns.length} columns`);
      continue;
    }
    const before = faults.length;
    const entry = readRow(columns, record, fault);
    const checked = newCatalogueEntry.safeParse(entry);
    if (!checked.success) {
      for (const issue of checked.error.issues) fault(`${issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''}${issue.message}`);
      continue;
    }
    const setpoint = checked.data.setpointAddress;
    const earlier = setpoint === null ? undefined : setpoints.get(setpoint);
    if (setpoint !== null && earlier !== undefined) fault(`setpoint ${setpoint} stands on line ${earlier} already`);
    else if (setpoint !== null) setpoints.set(setpoint, line);
    if (faults.length > before) continue;
    entries.push(entry);
    lines.push(line);
  }
  return faults.length > 0 && !skipFaulty ? { entries: [], lines: [], faults } : { entries, lines, faults };
}

function headFaults(columns: readonly string[]): string[] {
  const lower = columns.map((name) => name.toLowerCase());
  const faults: string[] = [];
  if (!['setpoint', 'readback', 'config'].some((name) => lower.includes(name))) faults.push(`line 1: names no column Setpoint, Readback or Config; it names ${columns.map((name) => JSON.stringify(name)).join(', ')}`);
  lower.forEach((name, i) => {
    if (name === '') faults.push(`line 1: column ${i + 1} has no name`);
    else if (lower.indexOf(name) < i) faults.push(`line 1: names column ${JSON.stringify(columns[i])} twice`);
  });
  return faults;
}

function readRow(columns: readonly string[], record: readonly string[], fault: (what: string) => void): NewCatalogueEntryInput {
  const entry: Partial<Record<Field, unknown>> = {};
  const tagNames: Record<string, string[]> = {};
  columns.forEach((column, i) => {
    const cell = cellOf(record[i] ?? '');
    if (cell === undefined) return;
    const field = known[column.toLowerCase() as keyof typeof known] as Field | undefined;
    if (field === undefined) tagNames[column] = [...new Set(cell.split(',').map((tag) => tag.trim()).filter((tag) => tag !== ''))];
    else if (field === 'absTolerance' || field === 'relTolerance') {
      const number = Number(cell);
      if (Number.isFinite(number)) entry[field] = number;
      else fault(`${column}: ${JSON.stringify(cell)} is not a number`);
    } else if (field === 'readOnly') {
      const word = cell.toLowerCase();
      if (yes.has(word) || no.has(word)) entry[field] = yes.has(word);
      else fault(`${column}: ${JSON.stringify(cell)} is neither true nor false`);
    } else entry[field] = cell;
  });
  return { ...entry, tagNames } as NewCatalogueEntryInput;
}

/** The same columns back; one column per tag group that any entry uses. */
export function writeCatalogueCsv(entries: readonly CatalogueEntry[]): string {
  const groups = [...new Set(entries.flatMap((entry) => entry.tags.map((tag) => tag.groupName)))].sort();
  const head = ['Setpoint', 'Readback', 'Config', 'Device', 'Description', 'Abs Tolerance', 'Rel Tolerance', 'Read Only', ...groups];
  const rows = entries.map((entry) => [
    entry.setpointAddress ?? '',
    entry.readbackAddress ?? '',
    entry.configAddress ?? '',
    entry.device,
    entry.description,
    String(entry.absTolerance),
    String(entry.relTolerance),
    String(entry.readOnly),
    ...groups.map((group) => entry.tags.filter((tag) => tag.groupName === group).map((tag) => tag.name).join(',')),
  ]);
  return stringify([head, ...rows]);
}
