/** BURT .snap: a header, then `[RO|RON|WO] NAME COUNT v1 … vCOUNT`. Enums stand as their label; `\0` is the empty text. */
import { ReadOutcome, ValueKind } from '../contracts/values.ts';
import type { Steps } from '../kernel/in-turns.ts';
import { typesLost } from './autosave-sav.ts';
import { plainArray, plainScalar, rowValue, textArray } from './plain-values.ts';
import { createCollector, lossesOf, namesLost, plainEntry, type FileValue, type ReadSnapshotFile, type SnapshotContent, type WrittenFile } from './snapshot-file.ts';

const start = '--- Start BURT header';
const end = '--- End BURT header';
const empty = '\\0';

interface Token {
  readonly text: string;
  readonly quoted: boolean;
}

export function* readBurtSnap(file: string): Steps<ReadSnapshotFile> {
  const collect = createCollector();
  const lines = file.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  const headEnd = lines.findIndex((line) => line.trim() === end);
  if (lines[0]?.trim() !== start) collect.fault(1, `the first line is not "${start}"`);
  else if (headEnd < 0) collect.fault(lines.length, `the header has no "${end}"`);
  if (headEnd < 0 || lines[0]?.trim() !== start) return collect.end({});

  const head = new Map<string, string>();
  for (const line of lines.slice(1, headEnd)) {
    const field = /^(Time|Login ID|Keywords|Comments|Type):\s*(.*)$/.exec(line);
    if (field) head.set(field[1]!, field[2]!.trim());
  }
  const type = head.get('Type');
  if (type !== undefined && type !== '' && type.toLowerCase() !== 'absolute') collect.fault(lines.findIndex((line) => line.startsWith('Type:')) + 1, `the file is of type ${type}: it holds changes, not values`);

  for (let at = headEnd + 1; at < lines.length; at++) {
    yield;
    const line = lines[at]!;
    if (line.trim() === '' || line.startsWith('%')) continue;
    const parts = /^\s*(?:(RO|RON|WO)\s+)?(\S+)\s+(\d+)(?: (.*))?\s*$/s.exec(line);
    if (parts === null) {
      collect.fault(at + 1, `${JSON.stringify(line.slice(0, 60))} is not "[RO|RON|WO] NAME COUNT values"`);
      continue;
    }
    const [, mark, name = '', count = '', rest = ''] = parts;
    const value = valueOf(Number(count), rest);
    if (typeof value === 'string') {
      collect.fault(at + 1, `${name}: ${value}`);
      continue;
    }
    collect.row(at + 1, name, value);
    collect.entry(plainEntry(name, { readOnly: mark === 'RO' || mark === 'RON' }));
  }
  collect.mustEndALine(file);
  const description = (head.get('Comments') ?? '').replaceAll('\\n', '\n');
  return collect.end({ description, createdBy: head.get('Login ID') ?? '', createdDate: head.get('Time') ?? '', title: head.get('Keywords') ?? '' });
}

/** The value, or what is wrong. BURT itself puts no quotes around blanks, so the count decides. */
function valueOf(count: number, rest: string): FileValue | string {
  const tokens = tokensOf(rest);
  if (tokens === undefined) return 'a double quote is not closed';
  if (count === 0) return tokens.length === 0 ? { kind: ValueKind.double, bytes: new Uint8Array(0) } : `has ${tokens.length} values, its count says 0`;
  if (count === 1) {
    const [only] = tokens;
    if (only === undefined) return 'has no value, its count says 1';
    if (tokens.length > 1) return { kind: ValueKind.text, text: rest.trimEnd() };
    return only.quoted ? { kind: ValueKind.text, text: only.text } : only.text === empty ? { kind: ValueKind.text, text: '' } : plainScalar(only.text);
  }
  if (tokens.length !== count) {
    // A char array with blanks among its characters: each stands by itself, one blank between.
    const characters = [...rest];
    if (characters.length === 2 * count - 1 && characters.every((char, i) => i % 2 === 0 || char === ' ')) return textArray(characters.filter((_, i) => i % 2 === 0));
    return `has ${tokens.length} values, its count says ${count}`;
  }
  if (tokens.some((token) => token.quoted)) return textArray(tokens.map((token) => (!token.quoted && token.text === empty ? '' : token.text)));
  const texts = tokens.map((token) => (token.text === empty ? '' : token.text));
  // A missing element of numbers is no number.
  const numbers = texts.map((text) => (text === '' ? 'nan' : text));
  const array = plainArray(numbers);
  return array.kind === ValueKind.text || texts.every((text) => text === '') ? textArray(texts) : array;
}

function tokensOf(rest: string): Token[] | undefined {
  const tokens: Token[] = [];
  const token = /\s*(?:"([^"]*)"|([^\s"]\S*))/gy;
  let at = 0;
  for (let found = token.exec(rest); found; found = token.exec(rest)) {
    tokens.push(found[1] === undefined ? { text: found[2]!, quoted: false } : { text: found[1], quoted: true });
    at = token.lastIndex;
  }
  return rest.slice(at).trim() === '' ? tokens : undefined;
}

export function writeBurtSnap(content: SnapshotContent): WrittenFile {
  const { columns, names, metas } = content;
  const readOnly = new Set(content.entries.flatMap((entry) => [entry.readOnly ? entry.setpoint : null, entry.readback, entry.config]));
  const impossible: string[] = [];
  const unread: string[] = [];
  const oneElement: string[] = [];
  const lines: string[] = [];
  names.forEach((name, row) => {
    if (columns.outcome[row] !== ReadOutcome.ok) return void unread.push(name);
    const value = rowValue(columns, row);
    const label = value.is === 'number' && columns.kind[row] === ValueKind.enum ? metas[row]?.labels?.[Number(value.number)] : undefined;
    const elements = label !== undefined ? [quoted(label)]
      : value.is === 'number' ? [exponential(value.number)]
      : value.is === 'text' ? [value.raw === undefined ? quoted(value.text) : undefined]
      : value.is === 'numbers' ? value.numbers.map(exponential)
      : value.texts.map(quoted);
    if (elements.includes(undefined)) return void impossible.push(name);
    if (elements.length === 1 && (value.is === 'numbers' || value.is === 'texts')) oneElement.push(name);
    lines.push([...(readOnly.has(name) ? ['RO'] : []), name, String(elements.length), ...elements].join(' '));
  });
  const one = (text: string): string => text.replaceAll(/\r?\n/g, '\\n');
  const head = [
    start, `Time:     ${content.createdDate}`, `Login ID: ${one(content.createdBy)}`, 'Eff  UID: 0', 'Group ID: 0', `Keywords: ${one(content.title)}`,
    `Comments: ${one(content.description)}`, 'Type:     Absolute', 'Directory drey', 'Req File: drey.req', end,
  ];
  return {
    text: `${[...head, ...lines].join('\n')}\n`,
    losses: [
      ...lossesOf('BURT', content, { readOnly: true, reasons: true }), ...typesLost(content), ...namesLost('without a value', unread),
      ...namesLost('texts that BURT cannot hold (double quotes, line breaks, bytes)', impossible),
      ...(oneElement.length > 0 ? [`${oneElement.length} arrays of one element are read back as scalars`] : []),
    ],
  };
}

/** In the field's form with exponent, with as many digits as bring the same double back. */
function exponential(value: number | bigint): string {
  if (typeof value === 'bigint') return String(value);
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  return Object.is(value, -0) ? '-0e+0' : value.toExponential();
}

/** Quotes also tell a text from a number. */
function quoted(text: string): string | undefined {
  if (text === '') return empty;
   
  return /["\x00-\x1f\x7f]/.test(text) ? undefined : `"${text}"`;
}
