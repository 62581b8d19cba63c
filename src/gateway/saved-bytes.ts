/** Rows as createRowWriter().saved() writes them, as bytes; a test holds the two together. What is rare is left to it. */
import { ReadOutcome, ValueKind, type ValueColumns } from '../contracts/values.ts';
import type { JsonBytes } from './json-bytes.ts';
import { SplitTime } from './split-time.ts';
import { createRowWriter, metaJson, valueJson, type Metas } from './value-json.ts';

export interface SavedWriter {
  saved(row: number): void;
  /** `"status":…,"severity":…,"timestamp":…`; -1 = no row. */
  summary(row: number): void;
}

export function createSavedWriter(columns: ValueColumns, metas: Metas, out: JsonBytes): SavedWriter {
  const writer = createRowWriter(columns, metas);
  const describe = describer(columns, metas);
  const { outcome, kind, num, severity, status, bytes } = columns;
  const times = new Int32Array(columns.timeNs.buffer, columns.timeNs.byteOffset, columns.length * 2);
  const time = new SplitTime();
  // Of the row read last, and what the rows of its second and its alarm have in common.
  let second = -1;
  let alarm = -1;
  let nanos = 0;
  let secondText = '';
  let head = '';
  let middle = '';

  /** False for a row without a value, and for times of other centuries. */
  const read = (row: number): boolean => {
    if (outcome[row] !== ReadOutcome.ok || !time.read(times[2 * row]!, times[2 * row + 1]!)) return false;
    const whole = time.second;
    nanos = time.nanos;
    const alarmNow = status[row]! * 256 + severity[row]!;
    if (whole === second && alarmNow === alarm) return true;
    if (whole !== second) {
      second = whole;
      secondText = new Date(whole * 1000).toISOString().slice(0, -4);
      middle = `Z","timestampNs":"${whole}`;
    }
    alarm = alarmNow;
    head = `"status":${status[row]},"severity":${severity[row]},"timestamp":"${secondText}`;
    return true;
  };
  const value = (row: number): void => {
    const of = kind[row]!;
    if (of === ValueKind.text || of === ValueKind.int64 || of === ValueKind.uint64 || bytes.has(row)) out.text(valueJson(columns, row));
    else out.number(num[row]!);
  };

  return {
    summary: (row) => {
      if (row >= 0 && read(row)) {
        out.ascii(head);
        out.digits((nanos / 1_000_000) | 0, 3);
        out.ascii('Z"');
        return;
      }
      const ok = row >= 0 && outcome[row] === ReadOutcome.ok;
      out.ascii(`"status":${ok ? status[row] : null},"severity":${ok ? severity[row] : null},"timestamp":${row < 0 ? 'null' : writer.timestamp(row)}`);
    },
    saved: (row) => {
      if (!read(row)) {
        out.text(writer.saved(row));
        return;
      }
      out.ascii('{"value":');
      value(row);
      out.ascii(',');
      out.ascii(head);
      out.digits((nanos / 1_000_000) | 0, 3);
      out.ascii(middle);
      out.digits(nanos, 9);
      out.copy(describe(row));
    },
  };
}

/** From the time's end to the row's, by description and label. Hashes are told apart by halves too. */
function describer(columns: ValueColumns, metas: Metas): (row: number) => Buffer {
  const { kind, num } = columns;
  const hashes = new Int32Array(columns.metaHash.buffer, columns.metaHash.byteOffset, columns.length * 2);
  const known = new Map<number, { readonly high: number; readonly unlabelled: Buffer; readonly labelled: readonly Buffer[] }[]>();
  const described = (row: number) => {
    const low = hashes[2 * row]!;
    const high = hashes[2 * row + 1]!;
    let candidates = known.get(low);
    if (candidates === undefined) known.set(low, (candidates = []));
    for (const one of candidates) if (one.high === high) return one;
    const meta = metas.get(columns.metaHash[row]!);
    const text = metaJson(meta);
    const withLabel = (label: string): Buffer => Buffer.from(`",${text},"enumLabel":${label},"outcome":"ok","reason":null}`);
    const made = { high, unlabelled: withLabel('null'), labelled: (meta?.labels ?? []).map((label) => withLabel(JSON.stringify(label))) };
    candidates.push(made);
    return made;
  };
  return (row) => {
    const { unlabelled, labelled } = described(row);
    return (kind[row] === ValueKind.enum ? labelled[num[row]!] : undefined) ?? unlabelled;
  };
}
