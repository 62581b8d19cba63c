/**
 * Writes parts into one database transaction while others are still being gathered. When Postgres goes
 * away and comes back the parts, which are kept until the commit, are written again: no value is read twice.
 */
import { DreyError } from '../../contracts/errors.ts';
import type { SnapshotQuality, SnapshotSummary } from '../../contracts/snapshots.ts';
import type { ValueColumns } from '../../contracts/values.ts';
import { backoffMs } from '../../kernel/backoff.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { NewSnapshot, SnapshotStore, SnapshotWriter } from '../../persistence/port.ts';

export interface PartStore {
  add(part: ValueColumns): void;
  /** Resolves when the snapshot is visible, whole (S1). Rejects when Postgres stays away beyond the limit, or refuses. */
  commit(quality: () => SnapshotQuality): Promise<SnapshotSummary>;
  /** Leaves nothing. */
  abort(): void;
}

const pauses = { baseMs: 100, maxMs: 3_000 };

export interface PartStoreOptions {
  readonly store: SnapshotStore;
  readonly snapshot: NewSnapshot;
  readonly clock: Clock;
  readonly log: Log;
  /** How long Postgres may be away. */
  readonly limitMs: number;
}

export function storeParts({ store, snapshot, clock, log, limitMs }: PartStoreOptions): PartStore {
  const parts: ValueColumns[] = [];
  let quality: (() => SnapshotQuality) | undefined;
  let aborted = false;
  let wake = (): void => {};
  let writer: SnapshotWriter | undefined;

  /** One transaction from its beginning to its commit. */
  const attempt = async (onProgress: () => void): Promise<SnapshotSummary> => {
    writer = await store.begin(snapshot);
    for (let written = 0; ; ) {
      if (aborted) throw new DreyError('cancelled', 'the snapshot was given up');
      if (written < parts.length) {
        await writer.write(parts[written]!);
        written += 1;
        onProgress();
      } else if (quality !== undefined) {
        return await writer.commit(quality());
      } else {
        await new Promise<void>((resume) => (wake = resume));
      }
    }
  };

  const run = async (): Promise<SnapshotSummary> => {
    let awaySince: number | undefined;
    for (let tries = 0; ; tries++) {
      try {
        // A commit whose answer was lost may have happened all the same.
        const stored = tries > 0 ? await store.byJob(snapshot.jobId, snapshot.kind) : undefined;
        return stored ?? (await attempt(() => (awaySince = undefined)));
      } catch (fault) {
        await writer?.abort().catch(() => {});
        writer = undefined;
        if (aborted || !(fault instanceof DreyError) || fault.code !== 'unavailable') throw fault;
        awaySince ??= clock.now();
        const pause = backoffMs(tries, pauses, Math.random());
        if (clock.now() + pause - awaySince > limitMs) throw new DreyError('unavailable', `Postgres was away for more than ${limitMs / 1000} s: ${fault.message}`, { cause: fault });
        log.warn({ job: snapshot.jobId, reason: fault.message, again: pause }, 'the snapshot cannot be stored now, trying again');
        await new Promise<void>((resume) => {
          wake = resume;
          clock.setTimeout(resume, pause);
        });
      }
    }
  };

  const ended = run();
  // Whoever commits hears of it; without a commit nobody needs to.
  ended.catch(() => {});
  return {
    add: (part) => {
      parts.push(part);
      wake();
    },
    commit: (finish) => {
      quality = finish;
      wake();
      return ended;
    },
    abort: () => {
      aborted = true;
      wake();
      ended.then(undefined, () => {});
    },
  };
}
