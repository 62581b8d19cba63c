/**
 * Catalogue entries as CSV, row by row as the file comes. First line: column names (catalogue-columns.ts), in any
 * order, whatever their case. The cell of a tag group is a comma list of tags; a tag with a comma in it
 * stands in double quotes of its own. Empty, `nan` and `none` mean nothing; rows with nothing in them are passed over.
 *
 * D1: every fault has its line. What breaks the file itself (its quotes, its first line) ends the reading.
 */
import { newCatalogueEntry, type NewCatalogueEntry, type NewCatalogueEntryInput } from '../contracts/catalogue.ts';
import { checkInput } from '../contracts/input-faults.ts';
import { readColumns, type CatalogueSays, type Column, type Field } from './catalogue-columns.ts';
import { createCsvRecords, type CsvRecord } from './csv-records.ts';

export type CatalogueRow =
  | { readonly line: number; readonly entry: NewCatalogueEntry }
  /** A row that cannot be taken; those after it can. */
  | { readonly line: number; readonly fault: string }
  /** The file itself is no sound CSV of a catalogue. */
  | { readonly line: number; readonly broken: string };

export interface CatalogueCsvReader {
  /** What its columns say of the entries; nothing before the first line. */
  readonly says: CatalogueSays;
  push(piece: string): Generator<CatalogueRow, void, void>;
  end(): Generator<CatalogueRow, void, void>;
}

const nothing = new Set(['', 'nan', 'none']);
const cellOf = (text: string): string | undefined => {
  const trimmed = text.trim();
  return trimmed.length <= 4 && nothing.has(trimmed.toLowerCase()) ? undefined : trimmed;
};
const yes = new Set(['true', 'yes', '1', 'y']);
const no = new Set(['false', 'no', '0', 'n']);

/** `knownGroups`: names of the tag groups there are, in lower case. */
export function createCatalogueCsvReader(knownGroups: ReadonlySet<string> = new Set()): CatalogueCsvReader {
  const records = createCsvRecords();
  let columns: readonly Column[] | undefined;
  let broken = false;

  function* read(next: readonly CsvRecord[]): Generator<CatalogueRow, void, void> {
    for (const record of next) {
      if (broken) continue;
      if (columns === undefined) {
        const head = readColumns(record.cells, knownGroups);
        columns = head.columns;
        for (const fault of head.faults) yield { line: record.line, broken: fault };
        broken = head.faults.length > 0;
      } else {
        const row = readRow(columns, record);
        if (row !== undefined) yield row;
      }
    }
    if (records.fault === undefined || broken) return;
    broken = true;
    yield { line: records.fault.line, broken: records.fault.what };
  }

  return {
    get says() {
      return { fields: columns?.flatMap((column) => ('field' in column ? [column.field] : [])) ?? [], groups: columns?.flatMap((column) => ('group' in column ? [column.group] : [])) ?? [] };
    },
    push: (piece) => read(records.push(piece)),
    *end() {
      yield* read(records.end());
      if (columns === undefined && !broken) yield { line: 1, broken: 'the file is empty; its first line names the columns' };
    },
  };
}

function readRow(columns: readonly Column[], { line, cells }: CsvRecord): CatalogueRow | undefined {
  if (cells.every((cell) => cell.trim() === '')) return undefined;
  if (cells.length !== columns.length) return { line, fault: `has ${cells.length} ${cells.length === 1 ? 'cell' : 'cells'}, the first line names ${columns.length} columns` };
  const entry: Partial<Record<Field, unknown>> = {};
  const tagNames: Record<string, string[]> = {};
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]!;
    const cell = cellOf(cells[i]!);
    if (cell === undefined) continue;
    if ('group' in column) {
      const tags = tagsOf(cell);
      if (tags.length > 0) tagNames[column.group] = tags;
      continue;
    }
    const wrong = readField(entry, column.field, cell);
    if (wrong !== undefined) return { line, fault: `${column.title}: ${wrong}` };
  }
  const { data, faults } = checkInput(newCatalogueEntry, { ...entry, tagNames } as NewCatalogueEntryInput);
  return data === undefined ? { line, fault: faults.join('; ') } : { line, entry: data };
}

/** Says what is wrong. */
function readField(entry: Partial<Record<Field, unknown>>, field: Field, cell: string): string | undefined {
  if (field === 'absTolerance' || field === 'relTolerance') {
    const number = Number(cell);
    if (!Number.isFinite(number)) return `${JSON.stringify(cell.slice(0, 60))} is not a number`;
    entry[field] = number;
  } else if (field === 'readOnly') {
    const word = cell.toLowerCase();
    if (!yes.has(word) && !no.has(word)) return `${JSON.stringify(cell.slice(0, 60))} is neither true nor false`;
    entry[field] = yes.has(word);
  } else entry[field] = cell;
  return undefined;
}

/** Between commas, but for what stands in double quotes. */
const nextTag = /\s*(?:"((?:[^"]|"")*)"\s*|([^,]*))(?:,|$)/y;

function tagsOf(cell: string): string[] {
  if (!cell.includes(',') && !cell.startsWith('"')) return [cell];
  const tags = new Set<string>();
  for (nextTag.lastIndex = 0; nextTag.lastIndex < cell.length; ) {
    const [, quoted, plain = ''] = nextTag.exec(cell)!;
    const tag = (quoted?.replaceAll('""', '"') ?? plain).trim();
    if (tag !== '') tags.add(tag);
  }
  return [...tags];
}
