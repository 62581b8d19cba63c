/**
 * R3: the values about to be overwritten, as a snapshot of their own. They are on their way into the database
 * while other IOCs are still being read; kept they are, whole, when `keep` has resolved, and until then nothing
 * is written to any IOC.
 */
import type { SnapshotScope } from '../../contracts/snapshots.ts';
import { pickValueRows, type ValueColumns } from '../../contracts/values.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { JobRun } from '../../kernel/job-run.ts';
import type { Persistence, SnapshotWriter } from '../../persistence/port.ts';
import { tallyQuality } from '../../snapshots/quality.ts';
import { titleBefore } from './title-before.ts';

export interface BeforeImage {
  /** Handed over so far. */
  readonly rows: number;
  add(part: ValueColumns): void;
  /** Resolves with the snapshot's id. A fault of any `add` is its own. */
  keep(): Promise<string>;
  /** Leaves nothing, unless it is being kept already. */
  discard(): void;
}

export interface BeforeImageParts {
  readonly persistence: Persistence;
  readonly clock: Clock;
  readonly job: JobRun;
  /** Of the snapshot that is restored. */
  readonly of: { readonly title: string; readonly scope: SnapshotScope };
}

export function createBeforeImage({ persistence: { snapshots, catalogue }, clock, job, of }: BeforeImageParts): BeforeImage {
  const { id, requestedBy } = job.record.job;
  const tally = tallyQuality();
  const began = clock.now();
  let rows = 0;
  let keeping = false;
  let writer: Promise<SnapshotWriter> | undefined;
  let written: Promise<void> = Promise.resolve();

  const begin = async (): Promise<SnapshotWriter> => {
    // Kept by an attempt that ended before its first write: the plan may have changed since.
    const earlier = await snapshots.byJob(id, 'before-restore');
    if (earlier) await snapshots.delete(earlier.id);
    return snapshots.begin({
      title: titleBefore(of.title),
      description: `the values that job ${id} was about to overwrite`,
      createdBy: requestedBy,
      mode: 'live',
      scope: of.scope,
      kind: 'before-restore',
      jobId: id,
      entryIds: 'setpoints',
      catalogueRevision: (await catalogue.revisions()).catalogue,
    });
  };
  const abort = async (): Promise<void> => {
    await (await writer)?.abort();
  };

  return {
    get rows() {
      return rows;
    },
    add: (part) => {
      rows += part.length;
      tally.add({ ioc: null, startedAt: began, finishedAt: clock.now(), iocProblem: null }, part);
      const into = (writer ??= begin());
      written = written.then(async () => (await into).write(part));
      // For keep() to meet.
      written.catch(() => {});
    },
    keep: async () => {
      keeping = true;
      try {
        await written;
        return (await (await (writer ??= begin())).commit(tally.finish(clock.now() - began))).id;
      } catch (fault) {
        await abort().catch(() => {});
        throw fault;
      }
    },
    discard: () => {
      if (!keeping) abort().catch(() => {});
    },
  };
}

/** Of these rows of `live` and no others: of what was on its way, some may be too large to be written. */
export async function keepExactly(image: BeforeImage, live: ValueColumns, rows: Int32Array, anew: () => BeforeImage): Promise<string> {
  if (image.rows === rows.length) return image.keep();
  image.discard();
  const exact = anew();
  exact.add(pickValueRows(live, rows));
  return exact.keep();
}
