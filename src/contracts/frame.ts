/**
 * The binary message that carries columns over the bus: a JSON head, then the columns.
 *
 *   u32 magic "DRF1" | u32 bytes of the head | head (UTF-8 JSON, padded to 8)
 *   u32 rows | u32 texts | u32 arrays | u32 raw texts
 *   timeNs 8n | metaHash 8n | num 8n | channel 4n | code 2n | outcome n | kind n | severity n | status n | access n, padded to 8
 *   texts:  row u32 each | length u32 each | UTF-8 bytes | padding to 4
 *   arrays: row u32 each | length u32 each | bytes
 *   raw text rows: u32 each, before the arrays' bytes
 *
 * Between Drey's own processes it may be lean: magic "DRF2", and after the raw texts u32 columns that hold one value
 * throughout, u32 columns of which that value is 0, a bit each in the order above. Of the former one element is there,
 * of the latter none.
 *
 * Little-endian throughout. D1: what is damaged is refused with the reason and the offset.
 */
import { emptyValueColumns, type ValueColumns } from './values.ts';

const magic = 0x31465244; // "DRF1"
const leanMagic = 0x32465244; // "DRF2"
const text = new TextEncoder();
/** A text may begin with U+FEFF, and keeps it (S3). */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
/** A lean frame of few bytes may speak of many rows: of more than these it is damaged. */
const mostLeanRows = 2 ** 20;

export interface Frame<Head> {
  readonly head: Head;
  readonly columns: ValueColumns;
}

export class DamagedFrame extends Error {
  constructor(what: string) {
    super(`damaged frame: ${what}`);
    this.name = 'DamagedFrame';
  }
}

const pad = (bytes: number, to: number): number => Math.ceil(bytes / to) * to;

/** In their order in a frame: widest first, so that each begins aligned. */
const layout = [
  ['timeNs', 8], ['metaHash', 8], ['num', 8], ['channel', 4], ['code', 2], ['outcome', 1], ['kind', 1], ['severity', 1], ['status', 1], ['access', 1],
] as const;
const fixedRowBytes = layout.reduce((sum, [, bytes]) => sum + bytes, 0);

export function encodeFrame(head: unknown, columns: ValueColumns = emptyValueColumns(0)): Uint8Array {
  return encode(headOf(head), columns, false);
}

/** For a head that is JSON already, as bytes. */
export function encodeFrameUnder(head: Uint8Array, columns: ValueColumns): Uint8Array {
  return encode(head, columns, false);
}

/** For Drey's own processes: see above. */
export function encodeLeanFrame(head: unknown, columns: ValueColumns = emptyValueColumns(0)): Uint8Array {
  return encode(headOf(head), columns, columns.length <= mostLeanRows);
}

const headOf = (head: unknown): Uint8Array => text.encode(JSON.stringify(head));

function encode(headBytes: Uint8Array, columns: ValueColumns, lean: boolean): Uint8Array {
  const n = columns.length;
  const texts = encodeTexts([...columns.text.values()]);
  let arrayBytes = 0;
  for (const bytes of columns.bytes.values()) arrayBytes += bytes.length;
  const { single, zero } = lean ? sameThroughout(columns) : { single: 0, zero: 0 };
  const fixed = layout.map(([name, bytes], column) => bytesOf(columns[name]).subarray(0, bytes * elementsOf(n, column, single, zero)));
  const countsEnd = 8 + pad(headBytes.length, 8) + (lean ? 24 : 16);
  const fixedEnd = countsEnd + pad(fixed.reduce((sum, column) => sum + column.length, 0), 8);
  const textsEnd = fixedEnd + columns.text.size * 8 + pad(texts.bytes.length, 4);
  const total = textsEnd + columns.rawText.size * 4 + columns.bytes.size * 8 + arrayBytes;

  const out = new Uint8Array(total);
  const view = new DataView(out.buffer);
  let at = 0;
  const word = (value: number): void => {
    view.setUint32(at, value, true);
    at += 4;
  };
  const put = (bytes: Uint8Array): void => {
    out.set(bytes, at);
    at += bytes.length;
  };
  word(lean ? leanMagic : magic);
  word(headBytes.length);
  put(headBytes);
  at = 8 + pad(headBytes.length, 8);
  word(n);
  word(columns.text.size);
  word(columns.bytes.size);
  word(columns.rawText.size);
  if (lean) {
    word(single);
    word(zero);
  }
  for (const column of fixed) put(column);

  at = fixedEnd;
  for (const row of columns.text.keys()) word(row);
  for (const length of texts.lengths) word(length);
  put(texts.bytes);
  at = textsEnd;
  for (const row of columns.rawText) word(row);
  for (const row of columns.bytes.keys()) word(row);
  for (const bytes of columns.bytes.values()) word(bytes.length);
  for (const bytes of columns.bytes.values()) put(bytes);
  return out;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ValueColumns[(typeof layout)[number][0]]): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);

/** Elements of a column that are in the frame. */
const elementsOf = (rows: number, column: number, single: number, zero: number): number => ((zero >> column) & 1 ? 0 : (single >> column) & 1 ? Math.min(rows, 1) : rows);

function sameThroughout(columns: ValueColumns): { single: number; zero: number } {
  let single = 0;
  let zero = 0;
  layout.forEach(([name, width], column) => {
    const bytes = bytesOf(columns[name]);
    if (!repeats(bytes, width)) return;
    single |= 1 << column;
    if (bytes.subarray(0, width).every((byte) => byte === 0)) zero |= 1 << column;
  });
  return { single, zero };
}

/** Bit for bit: -0 is not 0. By words of 32 bits, since a BigInt per row is dear and single bytes are many. */
function repeats(bytes: Uint8Array, width: number): boolean {
  const words = bytes.byteOffset % 4 === 0 ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2) : new Int32Array(0);
  const step = width === 8 ? 2 : 1;
  for (let i = step; i < words.length; i++) if (words[i] !== words[i - step]) return false;
  // What the words leave: whether the first one repeats within itself, and the end.
  const alike = (from: number, to: number): boolean => {
    for (let i = from; i < to; i++) if (bytes[i] !== bytes[i - width]) return false;
    return true;
  };
  return alike(width, Math.min(bytes.length, 8)) && alike(Math.max(width, words.length * 4), bytes.length);
}

/** In one go: most are plain ASCII, whose length in bytes is that of the string. */
function encodeTexts(texts: readonly string[]): { lengths: number[]; bytes: Uint8Array } {
  const whole = texts.join('');
  const bytes = text.encode(whole);
  if (bytes.length === whole.length) return { lengths: texts.map(({ length }) => length), bytes };
  const each = texts.map((value) => text.encode(value));
  const joined = new Uint8Array(each.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of each) {
    joined.set(part, at);
    at += part.length;
  }
  return { lengths: each.map(({ length }) => length), bytes: joined };
}

export function decodeFrame<Head>(input: Uint8Array): Frame<Head> {
  const need = (end: number, what: string): void => {
    if (end > input.length) throw new DamagedFrame(`${what} needs ${end} bytes, there are ${input.length}`);
  };
  need(8, 'the start');
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const lean = view.getUint32(0, true) === leanMagic;
  if (!lean && view.getUint32(0, true) !== magic) throw new DamagedFrame('it does not begin with DRF1 or DRF2');
  const headLength = view.getUint32(4, true);
  const headEnd = 8 + pad(headLength, 8);
  const countsEnd = headEnd + (lean ? 24 : 16);
  need(countsEnd, 'the head');
  let head: Head;
  try {
    head = JSON.parse(utf8.decode(input.subarray(8, 8 + headLength))) as Head;
  } catch {
    throw new DamagedFrame('its head is not JSON');
  }
  const n = view.getUint32(headEnd, true);
  const textCount = view.getUint32(headEnd + 4, true);
  const arrayCount = view.getUint32(headEnd + 8, true);
  const rawCount = view.getUint32(headEnd + 12, true);
  const single = lean ? view.getUint32(headEnd + 16, true) : 0;
  const zero = lean ? view.getUint32(headEnd + 20, true) : 0;
  if (lean && n > mostLeanRows) throw new DamagedFrame(`it speaks of ${n} rows, at most ${mostLeanRows} are possible`);
  const fixedBytes = layout.reduce((sum, [, bytes], column) => sum + bytes * elementsOf(n, column, single, zero), 0);
  const fixedEnd = countsEnd + pad(fixedBytes, 8);
  need(fixedEnd, `${n} rows`);

  const columns = columnsInOne(n);
  let at = countsEnd;
  layout.forEach(([name, bytes], column) => {
    const values = columns[name];
    const elements = elementsOf(n, column, single, zero);
    bytesOf(values).set(input.subarray(at, at + bytes * elements));
    at += bytes * elements;
    if (elements > 0 && elements < n) repeatFirst(values);
  });
  const rowAt = (offset: number, what: string): number => {
    const row = view.getUint32(offset, true);
    if (row >= n) throw new DamagedFrame(`${what} names row ${row} of ${n}`);
    return row;
  };

  at = fixedEnd;
  need(at + textCount * 8, `${textCount} texts`);
  const lengthsAt = at + textCount * 4;
  const textsAt = at + textCount * 8;
  let textBytes = 0;
  for (let i = 0; i < textCount; i++) {
    textBytes += view.getUint32(lengthsAt + i * 4, true);
    need(textsAt + textBytes, `text ${i}`);
  }
  const whole = textCount === 0 ? '' : utf8.decode(input.subarray(textsAt, textsAt + textBytes));
  const plain = whole.length === textBytes;
  for (let i = 0, from = 0; i < textCount; i++) {
    const to = from + view.getUint32(lengthsAt + i * 4, true);
    columns.text.set(rowAt(at + i * 4, 'a text'), plain ? whole.slice(from, to) : utf8.decode(input.subarray(textsAt + from, textsAt + to)));
    from = to;
  }
  at = textsAt + pad(textBytes, 4);
  need(at + rawCount * 4 + arrayCount * 8, `${arrayCount} arrays`);
  for (let i = 0; i < rawCount; i++) columns.rawText.add(rowAt(at + i * 4, 'a raw text'));
  at += rawCount * 4;
  let bytesAt = at + arrayCount * 8;
  for (let i = 0; i < arrayCount; i++) {
    const length = view.getUint32(at + arrayCount * 4 + i * 4, true);
    need(bytesAt + length, `array ${i}`);
    // A copy, since the socket uses the message's buffer again. Not input.slice(): of a Buffer that is a view.
    columns.bytes.set(rowAt(at + i * 4, 'an array'), new Uint8Array(input.subarray(bytesAt, bytesAt + length)));
    bytesAt += length;
  }
  return { head, columns };
}

/** Bit for bit, so that a NaN stays the one it was. */
function repeatFirst(values: ValueColumns[(typeof layout)[number][0]]): void {
  if (values.BYTES_PER_ELEMENT < 8) (values as Uint8Array).fill(values[0] as number);
  else {
    const words = new BigInt64Array(values.buffer, values.byteOffset, values.length);
    words.fill(words[0]!);
  }
}

/** All columns over one buffer: ten small ones cost more than a large one. */
function columnsInOne(rows: number): ValueColumns {
  const buffer = new ArrayBuffer(rows * fixedRowBytes);
  let at = 0;
  const next = (bytes: number): [ArrayBuffer, number, number] => {
    at += rows * bytes;
    return [buffer, at - rows * bytes, rows];
  };
  return {
    length: rows,
    timeNs: new BigInt64Array(...next(8)),
    metaHash: new BigInt64Array(...next(8)),
    num: new Float64Array(...next(8)),
    channel: new Int32Array(...next(4)),
    code: new Uint16Array(...next(2)),
    outcome: new Uint8Array(...next(1)),
    kind: new Uint8Array(...next(1)),
    severity: new Uint8Array(...next(1)),
    status: new Uint8Array(...next(1)),
    access: new Uint8Array(...next(1)),
    text: new Map(),
    bytes: new Map(),
    rawText: new Set(),
  };
}
