/**
 * What a snapshot file holds, whatever its format: values as columns, row i being of the channel
 * `names[i]`, and the entries that pair setpoints with readbacks.
 *
 * D1: a reader reports every fault with its line; with any fault there is no content.
 * S3: a writer says what its format could not hold (`losses`); it drops nothing silently.
 */
import { emptyValueColumns, ReadOutcome, ValueKind, type ChannelMeta, type ValueColumns } from '../contracts/values.ts';

export interface FileEntry {
  readonly setpoint: string | null;
  readonly readback: string | null;
  readonly config: string | null;
  readonly device: string;
  readonly description: string;
  readonly absTolerance: number;
  readonly relTolerance: number;
  readonly readOnly: boolean;
  /** Names of tags; formats that hold none leave it empty. */
  readonly tags: readonly string[];
  /** Of each tag, the name of its group; null, or no list at all, where the file does not say. */
  readonly groups?: readonly (string | null)[];
}

export interface FileHead {
  /** Empty where the file says nothing. */
  readonly title: string;
  readonly description: string;
  readonly createdBy: string;
  /** As the file says it: not every format has a time zone. */
  readonly createdDate: string;
}

export interface SnapshotContent extends FileHead {
  readonly names: readonly string[];
  /** `channel` and `metaHash` mean nothing here: ids and hashes are given by who stores it. */
  readonly columns: ValueColumns;
  readonly metas: readonly (ChannelMeta | undefined)[];
  readonly entries: readonly FileEntry[];
}

export interface ReadSnapshotFile {
  readonly content: SnapshotContent | null;
  readonly faults: readonly string[];
  /** What the file says and Drey cannot keep. */
  readonly losses: readonly string[];
}

export interface WrittenFile {
  readonly text: string;
  readonly losses: readonly string[];
}

export interface FileValue {
  readonly kind: ValueKind;
  readonly num?: number;
  readonly text?: string;
  readonly bytes?: Uint8Array;
  readonly rawText?: boolean;
  readonly outcome?: number;
  readonly severity?: number;
  readonly status?: number;
  readonly timeNs?: bigint;
  readonly code?: number;
  readonly access?: number;
  readonly meta?: ChannelMeta;
}

export const noValue = (outcome: number = ReadOutcome.disconnected): FileValue => ({ kind: ValueKind.none, outcome });

export const plainEntry = (setpoint: string, more: Partial<FileEntry> = {}): FileEntry => ({
  setpoint, readback: null, config: null, device: '', description: '', absTolerance: 0, relTolerance: 0, readOnly: false, tags: [], ...more,
});

/** Why a text is no PV name; undefined when it is one. */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'a PV name is missing';
  if (name.startsWith('pva://')) return `${JSON.stringify(name.slice(0, 60))} asks for PVAccess, which Drey does not speak yet`;
  if (name.length > 255) return `${JSON.stringify(`${name.slice(0, 40)}…`)} has ${name.length} characters, a PV name has at most 255`;
  return /^[\x21-\x7e]+$/.test(name) ? undefined : `${JSON.stringify(name)} holds a character that no PV name can: only visible ASCII without blanks`;
}

export interface Collector {
  fault(line: number, what: string): void;
  loss(what: string): void;
  /** For formats without an end mark: what was cut off can look whole. */
  mustEndALine(text: string): void;
  /** The same name may stand twice with the same value, as in files made of overlapping parts. */
  row(line: number, name: string, value: FileValue): void;
  entry(entry: FileEntry): void;
  /** Without entries each name is one of its own. */
  end(head: Partial<FileHead>): ReadSnapshotFile;
}

/** Of a file that is damaged throughout, enough to see how. */
const mostFaults = 1_000;
const longestFault = 400;

export function createCollector(): Collector {
  const faults: string[] = [];
  let unlisted = 0;
  const losses: string[] = [];
  const names: string[] = [];
  const lines: number[] = [];
  const metas: (ChannelMeta | undefined)[] = [];
  const rowOf = new Map<string, number>();
  const entries: FileEntry[] = [];
  // Values go into columns as they come: an object kept per row costs more than all the reading.
  let columns = emptyValueColumns(1_024);
  const fault = (line: number, what: string): void => {
    if (faults.length < mostFaults) faults.push(`line ${line}: ${what.length > longestFault ? `${what.slice(0, longestFault)}…` : what}`);
    else unlisted += 1;
  };
  return {
    fault,
    loss: (what) => void losses.push(what),
    mustEndALine: (text) => {
      if (!text.endsWith('\n')) losses.push('no line break ends the last line: the file may have been cut off there');
    },
    row: (line, given, value) => {
      const name = given.startsWith('ca://') ? given.slice(5) : given;
      const wrong = nameFault(name);
      if (wrong !== undefined) return fault(line, wrong);
      const earlier = rowOf.get(name);
      if (earlier !== undefined) return sameValue(columns, earlier, value) ? undefined : fault(line, `${name} stands on line ${lines[earlier]} already, with another value`);
      const row = names.push(name) - 1;
      rowOf.set(name, row);
      lines.push(line);
      metas.push(value.meta);
      if (row === columns.length) columns = ofLength(columns, 2 * row);
      putValue(columns, row, value);
    },
    entry: (entry) => void entries.push(entry),
    end: ({ title = '', description = '', createdBy = '', createdDate = '' }) => {
      if (unlisted > 0) faults.push(`and ${unlisted} more`);
      if (faults.length > 0) return { content: null, faults, losses: [] };
      const paired = entries.length > 0 ? entries : names.map((name) => plainEntry(name));
      return { content: { title, description, createdBy, createdDate, names, columns: ofLength(columns, names.length), metas, entries: paired }, faults, losses };
    },
  };
}

function putValue(columns: ValueColumns, row: number, value: FileValue): void {
  columns.outcome[row] = value.outcome ?? ReadOutcome.ok;
  columns.kind[row] = value.kind;
  columns.num[row] = value.num ?? 0;
  columns.severity[row] = value.severity ?? 0;
  columns.status[row] = value.status ?? 0;
  columns.timeNs[row] = value.timeNs ?? 0n;
  columns.code[row] = value.code ?? 0;
  columns.access[row] = value.access ?? 0;
  if (value.text !== undefined) columns.text.set(row, value.text);
  if (value.bytes !== undefined) columns.bytes.set(row, value.bytes);
  if (value.rawText === true) columns.rawText.add(row);
}

/** The same rows with room for more, or without what was not needed. */
function ofLength({ text, bytes, rawText, ...numbers }: ValueColumns, length: number): ValueColumns {
  const next = { ...emptyValueColumns(length), text, bytes, rawText };
  const kept = Math.min(length, numbers.length);
  for (const name of ['outcome', 'kind', 'severity', 'status', 'num', 'code', 'access'] as const) next[name].set(numbers[name].subarray(0, kept));
  next.timeNs.set(numbers.timeNs.subarray(0, kept));
  return next;
}

function sameValue(columns: ValueColumns, row: number, value: FileValue): boolean {
  const bytes = columns.bytes.get(row);
  const same = columns.kind[row] === value.kind && columns.outcome[row] === (value.outcome ?? ReadOutcome.ok) && Object.is(columns.num[row], value.num ?? 0)
    && columns.text.get(row) === value.text && bytes?.length === value.bytes?.length;
  return same && (bytes === undefined || bytes.every((byte, i) => byte === value.bytes![i]));
}

/** What a format holds beside names and values. */
export interface Holds {
  readonly alarms?: boolean;
  readonly times?: boolean;
  readonly descriptions?: boolean;
  readonly reasons?: boolean;
  readonly pairs?: boolean;
  readonly tolerances?: boolean;
  readonly readOnly?: boolean;
}

/** One line for each sort of thing that stands in the snapshot and not in the file. */
export function lossesOf(format: string, { columns, metas, entries }: SnapshotContent, holds: Holds): string[] {
  let alarms = 0;
  let times = 0;
  let unread = 0;
  for (let row = 0; row < columns.length; row++) {
    if (columns.outcome[row] !== ReadOutcome.ok) unread += 1;
    else if (columns.severity[row] !== 0 || columns.status[row] !== 0) alarms += 1;
    if (columns.timeNs[row] !== 0n) times += 1;
  }
  const counts: [boolean | undefined, number, string][] = [
    [holds.alarms, alarms, 'alarms'],
    [holds.times, times, 'time stamps'],
    [holds.descriptions, metas.filter((meta) => meta !== undefined).length, 'descriptions of channels (units, limits, labels)'],
    [holds.reasons, unread, 'reasons why a row has no value'],
    [holds.pairs, entries.filter((entry) => entry.setpoint !== null && entry.readback !== null).length, 'pairs of setpoint and readback'],
    [holds.tolerances, entries.filter((entry) => entry.absTolerance !== 0 || entry.relTolerance !== 0).length, 'tolerances'],
    [holds.readOnly, entries.filter((entry) => entry.readOnly).length, 'read-only marks'],
    [holds.tolerances, entries.filter((entry) => entry.device !== '' || entry.description !== '' || entry.tags.length > 0).length, 'devices, descriptions or tags of entries'],
  ];
  return counts.filter(([held, count]) => !held && count > 0).map(([, count, what]) => `${format} holds no ${what}: ${count} left out`);
}

/** Rows that a format cannot hold, by name, the first few of them. */
export function namesLost(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [`${names.length} left out, ${what}: ${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`];
}
