/** PSI snapshot .snap: `#` and a JSON object on the first line, then `NAME,JSON`: an object with `val`, or the bare value of old files. */
import { ReadOutcome, ValueKind, type ChannelMeta } from '../contracts/values.ts';
import type { Steps } from '../kernel/in-turns.ts';
import { bytesOf, rowValue, textArray } from './plain-values.ts';
import { Float, LongInteger, parsePythonJson, pythonFloat } from './python-json.ts';
import { createCollector, lossesOf, namesLost, noValue, type Collector, type FileHead, type FileValue, type ReadSnapshotFile, type SnapshotContent, type WrittenFile } from './snapshot-file.ts';

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Float) && !(value instanceof LongInteger);

export function* readPsiSnap(text: string): Steps<ReadSnapshotFile> {
  const collect = createCollector();
  const lines = text.split('\n');
  const first = lines[0]!.trimEnd();
  const head = first.startsWith('#') ? jsonOf(first.slice(1)) : {};
  if (head instanceof SyntaxError) collect.fault(1, `behind # stands no JSON object: ${head.message}`);
  else if (!isObject(head)) collect.fault(1, 'behind # stands no JSON object');
  if (text.trim() === '') collect.fault(1, 'the file is empty');
  else if (!first.startsWith('#')) collect.fault(1, 'the file does not begin with # and a JSON object');
  for (let at = 0; at < lines.length; at++) {
    yield;
    const line = lines[at]!.trimEnd();
    if (line !== '' && !line.startsWith('#')) readLine(collect, at + 1, line);
  }
  collect.mustEndALine(text);
  return collect.end(isObject(head) ? headOf(head) : {});
}

function readLine(collect: Collector, number: number, line: string): void {
  const comma = line.indexOf(',');
  const name = comma < 0 ? line : line.slice(0, comma);
  const rest = comma < 0 ? '' : line.slice(comma + 1).trim();
  if (rest === '') return collect.row(number, name, noValue());
  const parsed = jsonOf(rest);
  if (parsed instanceof SyntaxError) return collect.fault(number, `${name}: its value is not JSON: ${parsed.message}`);
  const value = isObject(parsed) ? objectValue(parsed) : pythonValue(parsed);
  if (typeof value === 'string') collect.fault(number, `${name}: ${value}`);
  else collect.row(number, name, value);
}

function jsonOf(text: string): unknown {
  try {
    return parsePythonJson(text);
  } catch (error) {
    if (error instanceof SyntaxError) return error;
    throw error;
  }
}

function headOf(head: Record<string, unknown>): Partial<FileHead> {
  const plain = (value: unknown): string => (value instanceof Float ? String(value.value) : value instanceof LongInteger ? value.digits : String(value));
  const notes = [typeof head['comment'] === 'string' ? head['comment'] : ''];
  if (Array.isArray(head['labels']) && head['labels'].length > 0) notes.push(`labels: ${head['labels'].map(plain).join(', ')}`);
  if (isObject(head['machine_params'])) {
    for (const [name, parameter] of Object.entries(head['machine_params'])) {
      const { value, units } = isObject(parameter) ? parameter : { value: parameter, units: undefined };
      notes.push(`${name} = ${plain(value)}${typeof units === 'string' && units !== '' ? ` ${units}` : ''}`);
    }
  }
  const time = head['save_time'];
  const seconds = time instanceof Float ? time.value : typeof time === 'number' ? time : undefined;
  const saved = seconds === undefined || !(Math.abs(seconds) < 8e12) ? '' : new Date(seconds * 1000).toISOString();
  return { description: notes.filter((note) => note !== '').join('\n'), createdDate: saved, title: typeof head['req_file_name'] === 'string' ? head['req_file_name'] : '' };
}

function objectValue(parsed: Record<string, unknown>): FileValue | string {
  if (!('val' in parsed)) return 'its object has no "val"';
  const value = pythonValue(parsed['val']);
  if (typeof value === 'string') return value;
  const { EGU: units, PREC: precision } = parsed;
  const meta: ChannelMeta = { ...(typeof units === 'string' ? { units } : {}), ...(typeof precision === 'number' ? { precision } : {}) };
  return Object.keys(meta).length > 0 ? { ...value, meta } : value;
}

const int32 = (value: number): boolean => value >= -(2 ** 31) && value < 2 ** 31;

/** What Python writes as JSON: whole numbers, floats, texts, and lists of one of these. */
export function pythonValue(value: unknown): FileValue | string {
  if (value === null) return noValue();
  if (typeof value === 'string') return { kind: ValueKind.text, text: value };
  if (typeof value === 'boolean') return { kind: ValueKind.int32, num: value ? 1 : 0 };
  if (value instanceof Float) return { kind: ValueKind.double, num: value.value };
  if (typeof value === 'number') return int32(value) ? { kind: ValueKind.int32, num: value } : { kind: ValueKind.int64, num: value, text: String(value) };
  if (value instanceof LongInteger) {
    const exact = BigInt(value.digits);
    if (exact < -(2n ** 63n) || exact >= 2n ** 64n) return `${value.digits} does not fit 64 bits`;
    return { kind: exact < 2n ** 63n ? ValueKind.int64 : ValueKind.uint64, num: Number(exact), text: String(exact) };
  }
  if (!Array.isArray(value)) return 'its value is neither a number, a text nor a list';
  const elements = value as unknown[];
  if (elements.every((element) => typeof element === 'string')) return elements.length === 0 ? { kind: ValueKind.double, bytes: new Uint8Array(0) } : textArray(elements);
  if (elements.every((element) => typeof element === 'number' && int32(element))) return { kind: ValueKind.int32, bytes: bytesOf(Int32Array.from(elements as number[])) };
  if (elements.every((element) => typeof element === 'number' || element instanceof LongInteger)) {
    const exact = elements.map((element) => BigInt(element instanceof LongInteger ? element.digits : (element as number)));
    if (exact.every((one) => one >= -(2n ** 63n) && one < 2n ** 63n)) return { kind: ValueKind.int64, bytes: bytesOf(BigInt64Array.from(exact)) };
    if (exact.every((one) => one >= 0n && one < 2n ** 64n)) return { kind: ValueKind.uint64, bytes: bytesOf(BigUint64Array.from(exact)) };
    return 'its list holds whole numbers that do not fit 64 bits';
  }
  if (elements.every((element) => typeof element === 'number' || element instanceof Float)) {
    return { kind: ValueKind.double, bytes: bytesOf(Float64Array.from(elements as (number | Float)[], (element) => (element instanceof Float ? element.value : element))) };
  }
  return 'its list holds something else than numbers alone or texts alone';
}

export function writePsiSnap(content: SnapshotContent): WrittenFile {
  const { columns, names, metas } = content;
  const raw: string[] = [];
  let kinds = 0;
  const lines = names.map((name, row) => {
    if (columns.outcome[row] !== ReadOutcome.ok) return name;
    const value = rowValue(columns, row);
    const kind = columns.kind[row]!;
    const float = kind === ValueKind.double || kind === ValueKind.float;
    if (kind !== ValueKind.double && kind !== ValueKind.text && kind !== ValueKind.int32) kinds += 1;
    if (value.is === 'text' && value.raw !== undefined) {
      raw.push(name);
      return undefined;
    }
    const number = (one: number | bigint): string => (float ? pythonFloat(Number(one)) : String(one));
    const val = value.is === 'number' ? number(value.number) : value.is === 'numbers' ? `[${value.numbers.map(number).join(', ')}]` : JSON.stringify(value.is === 'text' ? value.text : value.texts);
    const meta = metas[row];
    const more = `${meta?.units === undefined ? '' : `, "EGU": ${JSON.stringify(meta.units)}`}${meta?.precision === undefined ? '' : `, "PREC": ${meta.precision}`}`;
    return `${name},{"val": ${val}${more}}`;
  });
  const time = Date.parse(content.createdDate);
  const head = { labels: [], comment: content.description, machine_params: {}, ...(Number.isNaN(time) ? {} : { save_time: time / 1000 }), req_file_name: content.title };
  return {
    text: `${[`#${JSON.stringify(head)}`, ...lines.filter((line) => line !== undefined)].join('\n')}\n`,
    losses: [
      ...lossesOf('PSI snapshot', content, { descriptions: metas.every((meta) => meta === undefined || Object.keys(meta).every((key) => key === 'units' || key === 'precision')) }),
      ...(kinds > 0 ? [`the format knows whole numbers and floats only: ${kinds} values of other types are read back as these`] : []),
      ...namesLost('texts that are not UTF-8', raw),
    ],
  };
}
