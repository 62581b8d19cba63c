/**
 * Serves write items: the host's side of a restore.
 *
 * R2: nothing is ever written twice. Before a slice goes out, `attempting` is in the log and confirmed;
 * an item that comes again is read from its log first, and rows attempted without an outcome end as
 * `unknown`. R4: when the item is acknowledged, each of its rows has exactly one outcome in the log.
 */
import type { Bus, WorkMessage } from '../../bus/port.ts';
import type { ChannelAccess } from '../../channel-access/port.ts';
import { decodeFrame } from '../../contracts/frame.ts';
import { RestoreOutcome, type RestoreReason } from '../../contracts/restores.ts';
import { sliceValueColumns } from '../../contracts/values.ts';
import { rowResults, type RowResults } from '../../contracts/row-results.ts';
import { mostRowsAtOnce, type WriteItem } from '../../contracts/work.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Part } from './parts.ts';
import { attempted, openRestoreLog, stretchFrom, untouched, type RestoreLog } from './restore-log.ts';
import type { Retry } from './retry.ts';
import { result } from './write-outcomes.ts';
import { asTargets, writeSlice, type SliceDeps } from './write-slice.ts';

/**
 * Rows attempted at once are what a crash leaves `unknown` at most, and decide how soon a cancel is heard: as many as
 * the IOC takes in about a second, which is not known of the first ones.
 */
const firstRows = 512;
const leastRows = 128;
const sliceMs = 1_000;

/** Pure. */
export function nextSlice(rows: number, tookMs: number): number {
  const fitting = Math.round((rows * sliceMs) / Math.max(1, tookMs));
  return Math.max(leastRows, Math.min(mostRowsAtOnce, 4 * rows, fitting));
}

/** How often the server is told that an item is still in work. */
const workingMs = 5_000;

export interface WriteServerDeps extends SliceDeps, Retry {
  readonly bus: Bus;
  readonly channelAccess: Pick<ChannelAccess, 'recycle'>;
  readonly host: string;
  readonly counted: (results: RowResults) => void;
}

export interface WriteServer {
  serve(message: WorkMessage): Promise<void>;
  /** Resolves when no slice is under way. */
  idle(): Promise<void>;
}

export function createWriteServer(deps: WriteServerDeps): WriteServer {
  /** Items in work here. The same one delivered again waits, then finds its log finished. */
  const inWork = new Map<string, Promise<void>>();
  return {
    serve: async (message) => {
      const { head: item, columns } = decodeFrame<WriteItem>(message.body);
      const key = `${item.job}/${item.item}`;
      const before = inWork.get(key) ?? Promise.resolve();
      const mine = before.catch(() => {}).then(() => whileWorking(deps.clock, message, () => serve(deps, item, asTargets(columns))));
      inWork.set(key, mine);
      try {
        await mine;
      } finally {
        if (inWork.get(key) === mine) inWork.delete(key);
      }
    },
    idle: async () => void (await Promise.allSettled(inWork.values())),
  };
}

async function serve(deps: WriteServerDeps, item: WriteItem, targets: ReturnType<typeof asTargets>): Promise<void> {
  const { bus, host, clock, log, signal } = deps;
  const entries = openRestoreLog(bus, item, host, deps);
  // At every delivery: an item published again by a coordinator that crashed is no redelivery.
  const progress = await entries.read(targets.length);
  if (progress.finished) return;
  // Asked once: a restore that began in time is not cut in half because it takes long.
  const expired = clock.now() > item.startBefore;

  for (let part = stretchFrom(progress, attempted, 0, mostRowsAtOnce); part; part = stretchFrom(progress, attempted, part.to, mostRowsAtOnce)) {
    log.warn({ job: item.job, item: item.item, ...part }, 'rows were attempted by a process that died, they are not written again');
    await settle(deps, entries, part, RestoreOutcome.unknown, 'processDied');
  }
  for (let rows = firstRows, part = stretchFrom(progress, untouched, 0, rows); part; part = stretchFrom(progress, untouched, part.to, rows)) {
    if (expired) {
      await settle(deps, entries, part, RestoreOutcome.failed, 'expired');
      continue;
    }
    // Given back: whoever takes it next goes on where the log ends.
    if (signal.aborted) throw new Error(`the host stops; job ${item.job} item ${item.item} is given back`);
    // The log orders us against a coordinator that cancels or has given us up: what it closed before is not ours to write.
    if (!(await entries.attempting(part))) {
      log.info({ job: item.job, item: item.item, fromRow: part.from }, 'the coordinator has closed the item, the rest is not written');
      return;
    }
    const began = clock.now();
    const { results, readBack, answers } = await writeSlice(deps, item, sliceValueColumns(targets, part.from, part.to), part.from);
    deps.counted(results);
    await entries.outcomes(part, results, readBack);
    for (const answer of answers) deps.channelAccess.recycle(answer);
    rows = nextSlice(part.to - part.from, clock.now() - began);
  }
  if (progress.closed) return;
  await entries.finished();
}

/** The rows of a part all end alike, without anything being written. */
async function settle(deps: WriteServerDeps, entries: RestoreLog, part: Part, outcome: RestoreOutcome, reason: RestoreReason): Promise<void> {
  const results = rowResults(part.to - part.from, result(outcome, reason));
  deps.counted(results);
  await entries.outcomes(part, results);
}

async function whileWorking(clock: Clock, message: WorkMessage, run: () => Promise<void>): Promise<void> {
  let timer: unknown;
  const beat = (): void => {
    message.working();
    timer = clock.setTimeout(beat, workingMs);
  };
  timer = clock.setTimeout(beat, workingMs);
  try {
    await run();
  } finally {
    clock.clearTimeout(timer);
  }
}
