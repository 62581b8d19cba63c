/**
 * CSV in pieces of any size: records as soon as they are whole, each with the line it begins on, in bounded
 * memory. csv-parse reads; what is added here is where in the file. D1: a quote that breaks the file is told with
 * its line and with the place where the quote began; nothing after it is taken, for nobody can tell any more what
 * was meant to be a cell.
 */
import { CsvError, parse } from 'csv-parse';

export interface CsvRecord {
  readonly line: number;
  readonly cells: readonly string[];
}

export interface CsvFault {
  readonly line: number;
  readonly what: string;
}

export interface CsvRecords {
  /** The records that are whole with this piece. */
  push(piece: string): readonly CsvRecord[];
  /** What the last line was, if no line break ended it. */
  end(): readonly CsvRecord[];
  /** Once set, no more records come. */
  readonly fault: CsvFault | undefined;
}

export interface CsvOptions {
  /** A quote where none belongs stands for itself, as in files whose writer does not double them. */
  readonly lenient?: boolean;
  /** Line of the file that the first piece begins with. */
  readonly firstLine?: number;
  /** Characters that a record may have. */
  readonly longest?: number;
}

export function createCsvRecords({ lenient = false, firstLine = 1, longest = 1024 * 1024 }: CsvOptions = {}): CsvRecords {
  const held = createHeldText();
  let whole: CsvRecord[] = [];
  let line = firstLine;
  let fault: CsvFault | undefined;

  const parser = parse({
    record_delimiter: ['\r\n', '\n', '\r'], relax_column_count: true, relax_quotes: lenient, max_record_size: longest === Infinity ? 0 : longest,
    // Kept here and not by the stream, so a piece is read when `write` is back.
    on_record: (cells: string[], { bytes }) => {
      if (fault !== undefined) return null;
      const read = lenient && cells.some(isQuoted) ? withoutOuterQuotes(cells, held.textUntil(bytes)) : cells;
      if (read === undefined) fault = { line, what: 'a cell has double quotes inside of which some are doubled and some are not' };
      else if (cells.length > 1 || cells[0] !== '') whole.push({ line, cells: read });
      // The library's own count takes a CR LF within a cell for two lines.
      line += 1 + breaksIn(cells.join(','));
      held.drop(bytes);
      return null;
    },
  });
  // What went wrong is in `errored` at once; the event comes later.
  parser.on('error', () => undefined);

  function taken(): readonly CsvRecord[] {
    const error = parser.errored;
    if (error !== null && !(error instanceof CsvError)) throw error;
    if (error !== null) fault ??= faultOf(error, held, line, longest);
    const records = whole;
    whole = [];
    return records;
  }

  return {
    push: (piece) => {
      if (fault !== undefined) return [];
      parser.write(held.add(piece));
      return taken();
    },
    end: () => {
      if (fault !== undefined) return [];
      parser.end();
      return taken();
    },
    get fault() {
      return fault;
    },
  };
}

interface HeldText {
  /** The piece as bytes. */
  add(piece: string): Buffer;
  /** What comes before this byte of the file is no longer needed. */
  drop(before: number): void;
  textUntil(end?: number): string;
}

/** The text of the record that is being read. */
function createHeldText(): HeldText {
  let pieces: Buffer[] = [];
  let first = 0;
  let start = 0;
  let half = '';
  return {
    add: (piece) => {
      const text = half + piece;
      // Half a character waits for its other half.
      const cut = (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800 ? text.length - 1 : text.length;
      half = text.slice(cut);
      const bytes = Buffer.from(text.slice(0, cut));
      pieces.push(bytes);
      return bytes;
    },
    drop: (before) => {
      start = before;
      while (pieces.length > 0 && first + pieces[0]!.length <= before) first += pieces.shift()!.length;
    },
    textUntil: (end) => {
      if (pieces.length > 1) pieces = [Buffer.concat(pieces)];
      return pieces[0]?.toString('utf8', start - first, end === undefined ? undefined : end - first) ?? '';
    },
  };
}

function faultOf({ code, ...error }: CsvError, held: HeldText, line: number, longest: number): CsvFault {
  const row = held.textUntil();
  const place = (at: number): string => {
    const before = row.slice(0, at);
    return `on line ${line + breaksIn(before)}, character ${at - Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\r'))}`;
  };
  if (code === 'CSV_MAX_RECORD_SIZE') {
    const opened = row.slice(0, longest).indexOf('"');
    return { line, what: `a row of more than ${longest} characters begins here${opened < 0 ? '' : `, its first double quote ${place(opened)}: is it ever closed?`}` };
  }
  // Where the last cell ended; what broke the file is in the next.
  const last = held.textUntil(error['bytes'] as number).length;
  const start = row[last] === ',' ? last + 1 : last;
  if (code === 'CSV_QUOTE_NOT_CLOSED') return { line, what: `the double quote ${place(start)} is never closed: the file ends on line ${line + breaksIn(row)}` };
  if (row[start] !== '"') {
    const [cell = ''] = row.slice(start).split(/[,\r\n]/, 1);
    return { line: line + breaksIn(row.slice(0, start)), what: `a double quote stands in the middle of the cell ${JSON.stringify(cell.slice(0, 60))}, ${place(start + cell.indexOf('"'))}: put the whole cell in double quotes and double those inside` };
  }
  let behind = start + 1;
  for (;;) {
    behind = row.indexOf('"', behind) + 1;
    if (row[behind] !== '"') break;
    behind += 1;
  }
  return { line: line + breaksIn(row.slice(0, behind)), what: `${JSON.stringify(row.slice(behind, behind + 20).split(/[\r\n]/)[0])} stands behind a closing double quote, which was opened ${place(start)}: is one missing, or not doubled, between?` };
}

const isQuoted = (cell: string): boolean => cell.length > 1 && cell.startsWith('"') && cell.endsWith('"');

/**
 * The library leaves those around a cell whose quotes inside are not doubled. How the row is written tells such a
 * cell from one that begins and ends with doubled quotes; undefined where it tells neither.
 */
function withoutOuterQuotes(cells: readonly string[], row: string): string[] | undefined {
  const read: string[] = [];
  let at = 0;
  for (const cell of cells) {
    const doubled = `"${cell.replaceAll('"', '""')}"`;
    const written = [cell, doubled].find((one) => row.startsWith(one, at) && /^[,\r\n]?$/.test(row.slice(at + one.length, at + one.length + 1)));
    if (written === undefined) return undefined;
    read.push(written === cell && isQuoted(cell) ? cell.slice(1, -1) : cell);
    at += written.length + 1;
  }
  return read;
}

const breaksIn = (text: string): number => text.match(/\r\n?|\n/g)?.length ?? 0;
