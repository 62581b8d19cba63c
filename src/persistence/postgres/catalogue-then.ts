/** All of the catalogue as it stood at a revision. That never changes again (S2), and most snapshots are of the same few: those used last are kept. */
import { copyHeader } from './value-layout.ts';
import { copyRows, type TakeRow } from './copy-out.ts';
import type { Database } from './database.ts';
import { asOf } from './snapshot-entries.ts';

/** An entry as a snapshot's catalogue knew it. */
export interface EntryThen {
  /** Of entry_version. */
  readonly id: number;
  readonly entry_id: string;
  readonly device: string;
  readonly description: string;
  readonly abs_tolerance: number;
  readonly rel_tolerance: number;
  readonly read_only: boolean;
  /** Their names, with `tagSeparator` between: a list is costly to parse, tens of thousands of times. */
  readonly tags: string;
  readonly setpoint: number | null;
  readonly readback: number | null;
  readonly config: number | null;
  readonly setpoint_name: string | null;
  readonly readback_name: string | null;
  readonly config_name: string | null;
}

export const tagSeparator = '\u001f';

/** `prefix`: of the table, with its dot. */
/** `prefix`: of the table, with its dot. In the order in which they are read below. */
export const entryThenColumns = (prefix = ''): string =>
  `${prefix}id, entry_id::text as entry_id, ${prefix}device, ${prefix}description, abs_tolerance, rel_tolerance, read_only, array_to_string(tag_names, '${tagSeparator}') as tags,
   setpoint, readback, config, setpoint_name, readback_name, config_name`;

export const entryThenOrder = 'coalesce(setpoint_name, readback_name, config_name), entry_id';

/** Ordered by name. */
export type CatalogueThen = (revision: number) => Promise<readonly EntryThen[]>;

const keptRevisions = 2;

export function createCatalogueThen(database: Database): CatalogueThen {
  const kept = new Map<number, Promise<readonly EntryThen[]>>();
  return (revision) => {
    const entries = kept.get(revision) ?? readCatalogue(database, revision);
    kept.delete(revision);
    kept.set(revision, entries);
    if (kept.size > keptRevisions) kept.delete(kept.keys().next().value!);
    entries.catch(() => kept.delete(revision));
    return entries;
  };
}

async function readCatalogue(database: Database, revision: number): Promise<EntryThen[]> {
  const entries: EntryThen[] = [];
  const shared = new Map<string, string>();
  await copyRows(database, `copy (select ${entryThenColumns()} from entry_version where ${asOf(revision)} order by ${entryThenOrder}) to stdout (format binary)`, entryReader((entry) => entries.push(entry), shared));
  return entries;
}

/** Binary COPY of entryThenColumns(). `shared`: texts that many entries have in common, so that each is there once. */
function entryReader(take: (entry: EntryThen) => void, shared: Map<string, string>): TakeRow {
  let bytes: Buffer = Buffer.alloc(0);
  let at = 0;
  let started = false;

  const text = (): string | null => {
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length < 0) return null;
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  const common = (): string => {
    const read = text()!;
    const known = shared.get(read);
    if (known === undefined) shared.set(read, read);
    return known ?? read;
  };
  const int = (): number | null => {
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length < 0) return null;
    at += 4;
    return bytes.readInt32BE(at - 4);
  };
  const double = (): number => {
    at += 12;
    return bytes.readDoubleBE(at - 8);
  };
  const flag = (): boolean => {
    at += 5;
    return bytes[at - 1] === 1;
  };
  return (chunk, from, to) => {
    bytes = chunk;
    at = from;
    if (!started) {
      started = true;
      at += copyHeader.length;
      if (at === to) return;
    }
    if (bytes.readInt16BE(at) === -1) return;
    at += 2;
    take({
      id: int()!, entry_id: text()!, device: common(), description: common(), abs_tolerance: double(), rel_tolerance: double(), read_only: flag(), tags: common(),
      setpoint: int(), readback: int(), config: int(), setpoint_name: text(), readback_name: text(), config_name: text(),
    });
  };
}
