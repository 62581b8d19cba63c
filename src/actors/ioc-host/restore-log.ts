/**
 * The restore log of one work item: what was attempted and what became of it. It is written before
 * and after every slice and is the truth when an item comes again (R2).
 */
import { randomUUID } from 'node:crypto';
import type { Bus } from '../../bus/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import { decodeFrame, encodeLeanFrame } from '../../contracts/frame.ts';
import { streams, subjects } from '../../contracts/subjects.ts';
import { runsOf, type RowResults } from '../../contracts/row-results.ts';
import { emptyValueColumns, sliceValueColumns, type ValueColumns } from '../../contracts/values.ts';
import type { RestoreLogEntry, WriteItem } from '../../contracts/work.ts';
import { partBytes } from './reads.ts';
import { partsOf, type Part } from './parts.ts';
import { untilDone, type Retry } from './retry.ts';

/** What the log says of an item's rows. */
export interface Progress {
  /** Per row: {@link untouched}, {@link attempted} or {@link settled}. */
  readonly rows: Uint8Array;
  readonly finished: boolean;
  /** The coordinator has closed the item: what was not attempted before is settled without this host. */
  readonly closed: boolean;
}
export const untouched = 0;
export const attempted = 1;
export const settled = 2;

/** Pure; the order of the entries decides. A range outside the item is a damaged log (D1). */
export function progressOf(entries: readonly RestoreLogEntry[], length: number): Progress {
  const rows = new Uint8Array(length);
  let finished = false;
  let closed = false;
  for (const entry of entries) {
    switch (entry.kind) {
      case 'attempting':
      case 'outcomes': {
        const { from, to } = entry;
        if (from < 0 || to > length || from > to) throw new RangeError(`restore log of job ${entry.job} item ${entry.item}: rows ${from} to ${to} of ${length}`);
        const state = entry.kind === 'attempting' ? attempted : settled;
        for (let row = from; row < to; row++) rows[row] = Math.max(rows[row]!, state);
        break;
      }
      case 'closed':
        closed = true;
        for (let row = 0; row < length; row++) if (rows[row] === untouched) rows[row] = settled;
        break;
      case 'finished':
        finished = true;
    }
  }
  return { rows, finished, closed };
}

/** The first stretch of rows in one state that begins at `from` or later, at most `longest` rows of it. Pure. */
export function stretchFrom({ rows }: Progress, state: number, from: number, longest: number): Part | undefined {
  while (from < rows.length && rows[from] !== state) from++;
  if (from === rows.length) return undefined;
  let to = from + 1;
  while (to < rows.length && to - from < longest && rows[to] === state) to++;
  return { from, to };
}

export interface RestoreLog {
  /** What the log says so far. Comes before everything else. */
  read(length: number): Promise<Progress>;
  /** True when the server has it: the rows may be written. False when the coordinator has closed the item. */
  attempting(part: Part): Promise<boolean>;
  /** `results` and `readBack` for the rows of `part`, in order. */
  outcomes(part: Part, results: RowResults, readBack?: ValueColumns): Promise<void>;
  finished(): Promise<void>;
}

type OwnEntry = Exclude<RestoreLogEntry, { kind: 'closed' }>;

/**
 * Each entry is stored only after the last one known here, so that a `closed`, or another process that
 * writes the same item, is noticed before a row is written. While the bus is away it waits: what this
 * process knows of a row must not be lost to a broken connection.
 */
export function openRestoreLog(bus: Bus, item: Pick<WriteItem, 'job' | 'item'>, host: string, retry: Retry): RestoreLog {
  const subject = subjects.restoreLog(item.job, item.item);
  const what = `log of restore ${item.job}`;
  const common = () => ({ job: item.job, item: item.item, host, at: retry.clock.now() });
  const process = randomUUID();
  let last = 0;
  let closed = false;

  const look = async (): Promise<RestoreLogEntry[]> => {
    const messages = await untilDone(what, () => bus.readLog(streams.restoreLog, subject), retry);
    last = messages.at(-1)?.sequence ?? 0;
    const entries = messages.map((message) => decodeFrame<RestoreLogEntry>(message.body).head);
    closed = entries.some((entry) => entry.kind === 'closed');
    return entries;
  };
  /**
   * False when something else was stored meanwhile. The id makes an entry whose answer was lost one entry.
   * An attempt is this process's own: were another's taken for it, both would write.
   */
  const store = (entry: OwnEntry, columns?: ValueColumns): Promise<boolean> => {
    const body = encodeLeanFrame(entry, columns);
    const range = entry.kind === 'finished' ? '' : `/${entry.from}-${entry.to}`;
    const id = `${item.job}/${item.item}/${entry.kind}${range}${entry.kind === 'attempting' ? `/${process}` : ''}`;
    return untilDone(
      what,
      async () => {
        try {
          last = (await bus.store(subject, body, { id, after: last })).sequence;
          return true;
        } catch (error) {
          if (error instanceof DreyError && error.code === 'conflict') return false;
          throw error;
        }
      },
      retry,
    );
  };
  /** What has happened is logged whatever else was stored meanwhile. */
  const storeAnyway = async (entry: OwnEntry, columns?: ValueColumns): Promise<void> => {
    for (let tries = 0; tries < mostConflicts; tries++) {
      if (await store(entry, columns)) return;
      await look();
    }
    throw new Error(`${what}: item ${item.item} was overtaken ${mostConflicts} times by another writer`);
  };

  return {
    read: async (length) => progressOf(await look(), length),
    attempting: async ({ from, to }) => {
      if (closed) return false;
      if (await store({ kind: 'attempting', ...common(), from, to })) return true;
      await look();
      if (closed) return false;
      throw new Error(`${what}: another process writes item ${item.item}`);
    },
    outcomes: async ({ from, to }, results, readBack = emptyValueColumns(results.length)) => {
      // Arrays read back may be larger than a message: several entries, each row in exactly one.
      for (const piece of partsOf(readBack, Math.min(partBytes, bus.maxPayload), bus.maxPayload)) {
        const whole = piece.from === 0 && piece.to === to - from;
        const columns = whole ? readBack : sliceValueColumns(readBack, piece.from, piece.to);
        await storeAnyway({ kind: 'outcomes', ...common(), from: from + piece.from, to: from + piece.to, results: runsOf(results, piece.from, piece.to) }, columns);
      }
    },
    finished: () => storeAnyway({ kind: 'finished', ...common() }),
  };
}

const mostConflicts = 20;
