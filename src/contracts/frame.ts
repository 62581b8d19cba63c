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
 * Little-endian throughout. D1: what is damaged is refused with the reason and the offset.
 */
import { emptyValueColumns, type ValueColumns } from './values.ts';

const magic = 0x31465244; // "DRF1"
const text = new TextEncoder();
const utf8 = new TextDecoder();

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
const fixedRowBytes = 8 + 8 + 8 + 4 + 2 + 1 + 1 + 1 + 1 + 1;

export function encodeFrame(head: unknown, columns: ValueColumns = emptyValueColumns(0)): Uint8Array {
  const headBytes = text.encode(JSON.stringify(head));
  const n = columns.length;
  const texts = [...columns.text].map(([row, value]) => ({ row, bytes: text.encode(value) }));
  const textBytes = texts.reduce((sum, entry) => sum + entry.bytes.length, 0);
  let arrayBytes = 0;
  for (const bytes of columns.bytes.values()) arrayBytes += bytes.length;
  const headEnd = 8 + pad(headBytes.length, 8);
  const fixedEnd = headEnd + 16 + pad(n * fixedRowBytes, 8);
  const textsEnd = fixedEnd + texts.length * 8 + pad(textBytes, 4);
  const total = textsEnd + columns.rawText.size * 4 + columns.bytes.size * 8 + arrayBytes;

  const out = new Uint8Array(total);
  const view = new DataView(out.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, headBytes.length, true);
  out.set(headBytes, 8);
  view.setUint32(headEnd, n, true);
  view.setUint32(headEnd + 4, texts.length, true);
  view.setUint32(headEnd + 8, columns.bytes.size, true);
  view.setUint32(headEnd + 12, columns.rawText.size, true);

  let at = headEnd + 16;
  const put = (array: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }): void => {
    out.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at += array.byteLength;
  };
  put(columns.timeNs);
  put(columns.metaHash);
  put(columns.num);
  put(columns.channel);
  put(columns.code);
  put(columns.outcome);
  put(columns.kind);
  put(columns.severity);
  put(columns.status);
  put(columns.access);

  at = fixedEnd;
  for (const entry of texts) {
    view.setUint32(at, entry.row, true);
    at += 4;
  }
  for (const entry of texts) {
    view.setUint32(at, entry.bytes.length, true);
    at += 4;
  }
  for (const entry of texts) {
    out.set(entry.bytes, at);
    at += entry.bytes.length;
  }
  at = textsEnd;
  for (const row of columns.rawText) {
    view.setUint32(at, row, true);
    at += 4;
  }
  for (const row of columns.bytes.keys()) {
    view.setUint32(at, row, true);
    at += 4;
  }
  for (const bytes of columns.bytes.values()) {
    view.setUint32(at, bytes.length, true);
    at += 4;
  }
  for (const bytes of columns.bytes.values()) {
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}

export function decodeFrame<Head>(input: Uint8Array): Frame<Head> {
  const need = (end: number, what: string): void => {
    if (end > input.length) throw new DamagedFrame(`${what} needs ${end} bytes, there are ${input.length}`);
  };
  need(8, 'the start');
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (view.getUint32(0, true) !== magic) throw new DamagedFrame('it does not begin with DRF1');
  const headLength = view.getUint32(4, true);
  const headEnd = 8 + pad(headLength, 8);
  need(headEnd + 16, 'the head');
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
  const fixedEnd = headEnd + 16 + pad(n * fixedRowBytes, 8);
  need(fixedEnd, `${n} rows`);

  let at = headEnd + 16;
  const take = (bytes: number): ArrayBuffer => {
    const copy = new ArrayBuffer(bytes);
    new Uint8Array(copy).set(input.subarray(at, at + bytes));
    at += bytes;
    return copy;
  };
  const columns: ValueColumns = {
    length: n,
    timeNs: new BigInt64Array(take(8 * n)),
    metaHash: new BigInt64Array(take(8 * n)),
    num: new Float64Array(take(8 * n)),
    channel: new Int32Array(take(4 * n)),
    code: new Uint16Array(take(2 * n)),
    outcome: new Uint8Array(take(n)),
    kind: new Uint8Array(take(n)),
    severity: new Uint8Array(take(n)),
    status: new Uint8Array(take(n)),
    access: new Uint8Array(take(n)),
    text: new Map(),
    bytes: new Map(),
    rawText: new Set(),
  };
  const rowAt = (offset: number, what: string): number => {
    const row = view.getUint32(offset, true);
    if (row >= n) throw new DamagedFrame(`${what} names row ${row} of ${n}`);
    return row;
  };

  at = fixedEnd;
  need(at + textCount * 8, `${textCount} texts`);
  let bytesAt = at + textCount * 8;
  for (let i = 0; i < textCount; i++) {
    const length = view.getUint32(at + textCount * 4 + i * 4, true);
    need(bytesAt + length, `text ${i}`);
    columns.text.set(rowAt(at + i * 4, 'a text'), utf8.decode(input.subarray(bytesAt, bytesAt + length)));
    bytesAt += length;
  }
  at = fixedEnd + textCount * 8 + pad(bytesAt - (fixedEnd + textCount * 8), 4);
  need(at + rawCount * 4 + arrayCount * 8, `${arrayCount} arrays`);
  for (let i = 0; i < rawCount; i++) columns.rawText.add(rowAt(at + i * 4, 'a raw text'));
  at += rawCount * 4;
  bytesAt = at + arrayCount * 8;
  for (let i = 0; i < arrayCount; i++) {
    const length = view.getUint32(at + arrayCount * 4 + i * 4, true);
    need(bytesAt + length, `array ${i}`);
    // A copy, since the socket uses the message's buffer again. Not input.slice(): of a Buffer that is a view.
    columns.bytes.set(rowAt(at + i * 4, 'an array'), new Uint8Array(input.subarray(bytesAt, bytesAt + length)));
    bytesAt += length;
  }
  return { head, columns };
}
