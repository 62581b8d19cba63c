/**
 * CSV in pieces of any size: records as soon as they are whole, each with the line it begins on, in bounded
 * memory. D1: a quote that breaks the file is told with its line and with the place where the quote began;
 * nothing after it is taken, for nobody can tell any more what was meant to be a cell.
 */
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
  push(piece: string): Generator<CsvRecord, void, void>;
  /** What the last line was, if no line break ended it. */
  end(): Generator<CsvRecord, void, void>;
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

const quote = 34;
const comma = 44;
const lf = 10;
const cr = 13;

export function createCsvRecords({ lenient = false, firstLine = 1, longest = 1024 * 1024 }: CsvOptions = {}): CsvRecords {
  let text = '';
  let line = firstLine;
  let fault: CsvFault | undefined;

  function* take(last: boolean): Generator<CsvRecord, void, void> {
    let at = 0;
    // Looked for once each, not once per record: a file usually has none of one of them.
    let nextQuote = text.indexOf('"');
    let nextCr = text.indexOf('\r');
    while (at < text.length && fault === undefined) {
      if (nextQuote >= 0 && nextQuote < at) nextQuote = text.indexOf('"', at);
      if (nextCr >= 0 && nextCr < at) nextCr = text.indexOf('\r', at);
      const nextLf = text.indexOf('\n', at);
      const lineEnd = nextLf >= 0 ? nextLf : last ? text.length : -1;
      const crEnd = nextCr === lineEnd - 1 ? nextCr : lineEnd;
      const plain = lineEnd >= 0 && (nextQuote < 0 || nextQuote > lineEnd) && (nextCr < 0 || nextCr >= crEnd);
      if (plain) {
        if (crEnd - at > longest) tooLong(at);
        else if (crEnd > at) yield { line, cells: text.slice(at, crEnd).split(',') };
        line += 1;
        at = lineEnd + 1;
        continue;
      }
      const record = taken(at, last);
      if (record === undefined) break;
      if (record.cells.length > 1 || record.cells[0] !== '') yield { line, cells: record.cells };
      line += record.lines;
      at = record.next;
    }
    text = text.slice(at);
    if (fault === undefined && text.length > longest) tooLong(0);
    if (fault !== undefined) text = '';
  }

  function tooLong(from: number): void {
    const opened = text.slice(from, from + longest).indexOf('"');
    const quoted = opened < 0 ? '' : `, its first double quote ${placeOf(from, from + opened, line)}: is it ever closed?`;
    fault = { line, what: `a row of more than ${longest} characters begins here${quoted}` };
  }

  /** One record with quotes or bare carriage returns, or undefined while it is not whole. */
  function taken(from: number, last: boolean): { cells: string[]; next: number; lines: number } | undefined {
    const cells: string[] = [];
    let lines = 0;
    let at = from;
    for (;;) {
      let cell = '';
      if (text.charCodeAt(at) === quote) {
        const opened = at;
        for (at += 1; ; ) {
          const close = text.indexOf('"', at);
          if (close < 0) {
            if (last) fault = { line, what: `the double quote ${placeOf(from, opened, line)} is never closed: the file ends on line ${line + breaksIn(from, text.length)}` };
            return undefined;
          }
          cell += text.slice(at, close);
          at = close + 1;
          const after = text.charCodeAt(at);
          if (Number.isNaN(after) && !last) return undefined;
          if (Number.isNaN(after) || after === comma || after === lf || after === cr) break;
          if (after !== quote && !lenient) {
            fault = { line: line + breaksIn(from, at), what: `${JSON.stringify(text.slice(at, at + 20).split(/[\r\n]/)[0])} stands behind a closing double quote, which was opened ${placeOf(from, opened, line)}: is one missing, or not doubled, between?` };
            return undefined;
          }
          cell += '"';
          if (after === quote) at += 1;
        }
      } else {
        const start = at;
        while (at < text.length && !isBreak(text.charCodeAt(at))) at += 1;
        if (at === text.length && !last) return undefined;
        cell = text.slice(start, at);
        const stray = lenient ? -1 : cell.indexOf('"');
        if (stray >= 0) {
          fault = { line: line + breaksIn(from, at), what: `a double quote stands in the middle of the cell ${JSON.stringify(cell.slice(0, 60))}, ${placeOf(from, start + stray, line)}: put the whole cell in double quotes and double those inside` };
          return undefined;
        }
      }
      cells.push(cell);
      const after = text.charCodeAt(at);
      if (after === comma) {
        at += 1;
        continue;
      }
      if (after === cr && at + 1 === text.length && !last) return undefined;
      lines = breaksIn(from, at) + 1;
      return { cells, next: at + (after === cr && text.charCodeAt(at + 1) === lf ? 2 : 1), lines };
    }
  }

  /** "on line 3, character 7" */
  function placeOf(from: number, at: number, first: number): string {
    const before = text.slice(from, at);
    const start = Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\r'));
    return `on line ${first + breaksIn(from, at)}, character ${before.length - start}`;
  }

  function breaksIn(from: number, to: number): number {
    let found = 0;
    for (let at = from; at < to; at++) {
      const char = text.charCodeAt(at);
      if (char === lf || (char === cr && text.charCodeAt(at + 1) !== lf)) found += 1;
    }
    return found;
  }

  return {
    *push(piece) {
      if (fault !== undefined) return;
      text += piece;
      yield* take(false);
    },
    end: () => take(true),
    get fault() {
      return fault;
    },
  };
}

const isBreak = (char: number): boolean => char === comma || char === lf || char === cr;
