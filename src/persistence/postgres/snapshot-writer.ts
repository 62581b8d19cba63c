/**
 * Takes a snapshot's rows into the database while they are still being gathered: one COPY in one
 * transaction. The row that makes it visible is written last, in the same transaction, so a writer
 * that died at any moment has left nothing (S1).
 */
import type { SnapshotQuality } from '../../contracts/snapshots.ts';
import { DreyError } from '../../contracts/errors.ts';
import type { NewSnapshot, SnapshotWriter } from '../port.ts';
import { copyIn } from './copy-in.ts';
import { sessionOn, type Database } from './database.ts';
import { databaseFault, isAway } from './faults.ts';
import type { Partitions } from './partitions.ts';
import type { SetpointsNow } from './setpoints-now.ts';
import { choiceOf, type ChosenEntries } from './snapshot-entries.ts';
import { snapshotColumns, summaryOf, type SnapshotRow } from './snapshot-rows.ts';
import type { TagsThen } from './snapshot-tags.ts';
import type { Turns } from './turns.ts';
import { newUuid } from './uuid.ts';
import { createValueEncoder } from './value-encoder.ts';
import { valueColumnList } from './value-layout.ts';

/** A snapshot waits for its IOCs, so the usual limit of a statement does not fit. */
const copyWithinMs = 15 * 60_000;

export interface WriterParts {
  readonly database: Database;
  readonly partitions: Partitions;
  readonly turns: Turns;
  readonly tagsThen: TagsThen;
  readonly setpoints: SetpointsNow;
}

export async function beginSnapshot({ database, partitions, turns, tagsThen, setpoints }: WriterParts, snapshot: NewSnapshot): Promise<SnapshotWriter> {
  const { entryIds, catalogueRevision } = snapshot;
  const [start] = await database.rows<{ number: number; stored: boolean }>(
    `select nextval('snapshot_number')::int4 as number, exists (select from snapshot where job_id = $1 and kind = $2) as stored`,
    [snapshot.jobId, snapshot.kind],
  );
  const { number, stored } = start!;
  if (stored) throw storedAlready(snapshot);
  const table = await partitions.ready(number);
  const leave = await turns.take();
  const lease = await database.connect().catch((error: unknown) => {
    leave();
    throw error;
  });
  const { client } = lease;
  const session = sessionOn(client);
  let open = true;
  let fault: unknown;
  const end = (broken?: unknown): void => {
    open = false;
    lease.release(broken);
    leave();
  };
  const fail = (error: unknown): unknown => {
    if (open) {
      fault = isDuplicateJob(error) ? storedAlready(snapshot) : databaseFault(error);
      // Ending the connection undoes all of it, in whatever state the COPY is.
      end(error);
    }
    return fault ?? databaseFault(error);
  };

  try {
    await client.query(`begin; set local statement_timeout = ${copyWithinMs}`);
  } catch (error) {
    throw fail(error);
  }
  const copy = copyIn(client, `copy ${table} (${valueColumnList}) from stdin (format binary)`);
  // Also while nobody writes: a writer that was forgotten must not keep its turn.
  copy.failure.catch(fail);
  const encoder = createValueEncoder(number);
  // On another connection, beside the COPY; its error is for commit to meet.
  const known = entryIds === 'setpoints' ? undefined : tagsThen({ catalogueRevision, entryIds });
  known?.catch(() => {});
  const written: Int32Array[] = [];
  const chosen = (): ChosenEntries => {
    if (entryIds !== 'setpoints') return entryIds;
    const channels = ascending(written);
    // Every entry by its setpoint is everything, and need not be told in numbers.
    return setpoints.areOfEveryEntry(channels, catalogueRevision) ? null : { setpoints: channels };
  };
  const mustBeOpen = (): void => {
    if (!open) throw fault ?? new DreyError('conflict', `the snapshot ${JSON.stringify(snapshot.title)} is stored, given up or failed already`);
  };

  return {
    write: async (part) => {
      mustBeOpen();
      try {
        if (entryIds === 'setpoints') written.push(part.channel);
        await copy.write(encoder.encode(part));
      } catch (error) {
        throw fail(error);
      }
    },
    commit: async (quality: SnapshotQuality) => {
      mustBeOpen();
      try {
        const rest = encoder.finish();
        const of = chosen();
        const entries = choiceOf(of);
        const [tagIds] = await Promise.all([known ?? tagsThen({ catalogueRevision, entryIds: of }), copy.write(rest).then(() => copy.finish())]);
        const [row] = await session.rows<SnapshotRow>(
          `insert into snapshot (number, id, title, description, created_by, created_at, modified_at, mode, kind, scope, job_id, catalogue_revision, entry_ids, tags, pv_count, quality, labels, golden, origin)
           values ($1, $2, $3, $4, $5, coalesce($18, now()), now(), $6, $7, $8, $9, $10, ${entries.ids('$11', snapshot.catalogueRevision)}, $12, $13, $14, $15, $16, $17) returning ${snapshotColumns}`,
          [
            number, newUuid(), snapshot.title, snapshot.description, snapshot.createdBy, snapshot.mode, snapshot.kind, JSON.stringify(snapshot.scope),
            snapshot.jobId, snapshot.catalogueRevision, entries.value, tagIds, encoder.rows, JSON.stringify(quality), snapshot.labels ?? [], snapshot.golden ?? false, snapshot.origin ?? null, snapshot.createdAt ?? null,
          ],
        );
        await client.query('commit');
        end();
        return summaryOf(row!);
      } catch (error) {
        throw fail(error);
      }
    },
    abort: async () => {
      if (!open) return;
      open = false;
      let broken: unknown;
      try {
        await copy.abort();
        await client.query('rollback');
      } catch (error) {
        broken = error;
      }
      end(broken);
    },
  };
}

function ascending(parts: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all.sort();
}

const storedAlready = (snapshot: NewSnapshot): DreyError => new DreyError('conflict', `job ${snapshot.jobId} has stored its ${snapshot.kind} already`);

const isDuplicateJob = (error: unknown): boolean => error instanceof Error && !isAway(error) && (error as { constraint?: string }).constraint === 'snapshot_job_id_kind_key';
