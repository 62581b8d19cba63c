/**
 * The setpoints of the current catalogue as columns. Each restore wants most of them, and the catalogue changes
 * rarely: they are kept, and cost one tiny query as long as it has not.
 */
import type { SetpointColumns } from '../port.ts';
import type { Database, Session } from './database.ts';
import { intArray, unpackDoubles, unpackInts } from './packed.ts';
import { forever, readRevisions } from './revisions.ts';

interface Kept extends SetpointColumns {
  readonly revision: number;
  /** Entries with a setpoint or without. */
  readonly entries: number;
}

export interface SetpointsNow {
  /** Those of these channels that are a setpoint, ascending. */
  among(channels: Int32Array): Promise<SetpointColumns>;
  /** Every setpoint at that revision, ascending; undefined when it is not the current one. */
  at(revision: number): Promise<Int32Array | undefined>;
  /** Whether these, ascending, are the setpoints of every entry of that revision. False also when that is not known without asking. */
  areOfEveryEntry(setpoints: Int32Array, revision: number): boolean;
}

/** Of so few only themselves are read. */
const few = 1_000;

export function createSetpointsNow(database: Database): SetpointsNow {
  let kept: Kept | undefined;
  const now = async (): Promise<Kept> => {
    const { catalogue } = await readRevisions(database);
    if (kept?.revision !== catalogue) kept = await readSetpoints(database, undefined);
    return kept;
  };
  return {
    among: async (channels) => (channels.length < few ? readSetpoints(database, channels) : pick(await now(), channels)),
    at: async (revision) => {
      const { revision: current, channel } = await now();
      return current === revision ? channel : undefined;
    },
    areOfEveryEntry: (setpoints, revision) => kept?.revision === revision && kept.entries === kept.channel.length && same(setpoints, kept.channel),
  };
}

/** One statement, so that the revision is that of the entries. */
async function readSetpoints(session: Session, channels: Int32Array | undefined): Promise<Kept> {
  const packed = (send: string): string => `string_agg(${send}, ''::bytea order by setpoint)`;
  const [row] = await session.rows<Record<keyof SetpointColumns, Buffer | null> & { revision: number; entries: number }>(
    `select (select value from revision where name = 'catalogue') as revision, (select count(*)::int4 from entry_version where to_revision = ${forever}) as entries,
       ${packed('int4send(setpoint)')} as channel, ${packed('boolsend(read_only)')} as "readOnly",
       ${packed('float8send(abs_tolerance)')} as "absTolerance", ${packed('float8send(rel_tolerance)')} as "relTolerance"
     from entry_version where to_revision = ${forever} and setpoint is not null${channels === undefined ? '' : ' and setpoint = any($1::int4[])'}`,
    channels === undefined ? [] : [intArray(channels)],
  );
  const { revision, entries, channel, readOnly, absTolerance, relTolerance } = row!;
  return { revision, entries, channel: unpackInts(channel), readOnly: new Uint8Array(readOnly ?? []), absTolerance: unpackDoubles(absTolerance), relTolerance: unpackDoubles(relTolerance) };
}

function pick(all: SetpointColumns, channels: Int32Array): SetpointColumns {
  if (same(all.channel, channels)) return all;
  const wanted = channels.slice().sort();
  const rows: number[] = [];
  for (let row = 0, at = 0; row < all.channel.length && at < wanted.length; row++) {
    while (wanted[at]! < all.channel[row]!) at++;
    if (wanted[at] === all.channel[row]) rows.push(row);
  }
  return {
    channel: Int32Array.from(rows, (row) => all.channel[row]!),
    readOnly: Uint8Array.from(rows, (row) => all.readOnly[row]!),
    absTolerance: Float64Array.from(rows, (row) => all.absTolerance[row]!),
    relTolerance: Float64Array.from(rows, (row) => all.relTolerance[row]!),
  };
}

function same(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
