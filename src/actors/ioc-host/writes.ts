/**
 * Serves write items: the host's side of a restore.
 *
 * R2: nothing is ever written twice. Before a slice goes out, `attempting` is in the log and confirmed;
 * an item that comes again is read from its log first, and rows attempted without an outcome end as
 * `unknown`. R4: when the item is acknowledged, each of its rows has exactly one outcome in the log.
 */
import type { Bus, WorkMessage } from '../../bus/port.ts';
import { decodeFrame } from '../../contracts/frame.ts';
import { RestoreOutcome, type RestoreReason } from '../../contracts/restores.ts';
import { sliceValueColumns } from '../../contracts/values.ts';
import type { RowResult, WriteItem } from '../../contracts/work.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Part } from './parts.ts';
import { attempted, openRestoreLog, stretchesOf, untouched, type RestoreLog } from './restore-log.ts';
import type { Retry } from './retry.ts';
import { result } from './write-outcomes.ts';
import { asTargets, writeSlice, type SliceDeps } from './write-slice.ts';

/** Rows attempted at once: what a crash leaves `unknown` at most, and how soon a cancel is heard. */
const sliceRows = 512;
/** How often the server is told that an item is still in work. */
const workingMs = 5_000;

export interface WriteServerDeps extends SliceDeps, Retry {
  readonly bus: Bus;
  readonly host: string;
  readonly counted: (results: readonly RowResult[]) => void;
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

  for (const part of stretchesOf(progress, attempted, sliceRows)) {
    log.warn({ job: item.job, item: item.item, ...part }, 'rows were attempted by a process that died, they are not written again');
    await settle(deps, entries, part, RestoreOutcome.unknown, 'processDied');
  }
  for (const part of stretchesOf(progress, untouched, sliceRows)) {
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
    const { results, readBack } = await writeSlice(deps, item, sliceValueColumns(targets, part.from, part.to), part.from);
    deps.counted(results);
    await entries.outcomes(part, results, readBack);
  }
  if (progress.closed) return;
  await entries.finished();
}

/** The rows of a part all end alike, without anything being written. */
async function settle(deps: WriteServerDeps, entries: RestoreLog, part: Part, outcome: RestoreOutcome, reason: RestoreReason): Promise<void> {
  const results = new Array<RowResult>(part.to - part.from).fill(result(outcome, reason));
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
