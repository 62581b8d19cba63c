/**
 * The restore log of one work item: what was attempted and what became of it. It is written before
 * and after every slice and is the truth when an item comes again (R2).
 */
import type { Bus } from '../../bus/port.ts';
import { decodeFrame, encodeFrame } from '../../contracts/frame.ts';
import { streams, subjects } from '../../contracts/subjects.ts';
import { emptyValueColumns, sliceValueColumns, type ValueColumns } from '../../contracts/values.ts';
import type { RestoreLogEntry, RowResult, WriteItem } from '../../contracts/work.ts';
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

/** Stretches of rows in one state, at most `longest` rows each. Pure. */
export function stretchesOf({ rows }: Progress, state: number, longest: number): Part[] {
  const stretches: Part[] = [];
  for (let from = 0; from < rows.length; from++) {
    if (rows[from] !== state) continue;
    let to = from + 1;
    while (to < rows.length && to - from < longest && rows[to] === state) to++;
    stretches.push({ from, to });
    from = to - 1;
  }
  return stretches;
}

export interface RestoreLog {
  read(length: number): Promise<Progress>;
  /** Resolves when the server has it. */
  attempting(part: Part): Promise<void>;
  /** `results` and `readBack` for the rows of `part`, in order. */
  outcomes(part: Part, results: readonly RowResult[], readBack?: ValueColumns): Promise<void>;
  finished(): Promise<void>;
}

/** While the bus is away it waits: what this process knows of a row must not be lost to a broken connection. */
export function openRestoreLog(bus: Bus, item: Pick<WriteItem, 'job' | 'item'>, host: string, retry: Retry): RestoreLog {
  const subject = subjects.restoreLog(item.job, item.item);
  const common = () => ({ job: item.job, item: item.item, host, at: retry.clock.now() });
  // The id makes a repeated entry one entry.
  const store = async (entry: Exclude<RestoreLogEntry, { kind: 'closed' }>, columns?: ValueColumns): Promise<void> => {
    const range = entry.kind === 'finished' ? '' : `/${entry.from}-${entry.to}`;
    const body = encodeFrame(entry, columns);
    await untilDone(`log of restore ${item.job}`, () => bus.store(subject, body, { id: `${item.job}/${item.item}/${entry.kind}${range}` }), retry);
  };
  return {
    read: async (length) => {
      const messages = await untilDone(`log of restore ${item.job}`, () => bus.readLog(streams.restoreLog, subject), retry);
      return progressOf(messages.map((message) => decodeFrame<RestoreLogEntry>(message.body).head), length);
    },
    attempting: ({ from, to }) => store({ kind: 'attempting', ...common(), from, to }),
    outcomes: async ({ from, to }, results, readBack = emptyValueColumns(results.length)) => {
      // Arrays read back may be larger than a message: several entries, each row in exactly one.
      for (const piece of partsOf(readBack, Math.min(partBytes, bus.maxPayload), bus.maxPayload)) {
        const whole = piece.from === 0 && piece.to === to - from;
        const columns = whole ? readBack : sliceValueColumns(readBack, piece.from, piece.to);
        await store({ kind: 'outcomes', ...common(), from: from + piece.from, to: from + piece.to, results: results.slice(piece.from, piece.to) }, columns);
      }
    },
    finished: () => store({ kind: 'finished', ...common() }),
  };
}
