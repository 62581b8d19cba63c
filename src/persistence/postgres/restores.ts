/** What became of each row of a restore (R4), kept when its job has ended. */
import { encodeFrame } from '../../contracts/frame.ts';
import { restoreOutcomeNames, type RestoreRow } from '../../contracts/restores.ts';
import { DreyError } from '../../contracts/errors.ts';
import { jsonValueOf } from '../../snapshots/json-values.ts';
import type { RestoreStore, StoredRestore } from '../port.ts';
import type { Database } from './database.ts';
import { encodeRestoreRows, restoreRowColumns } from './restore-encoder.ts';
import { reasonOf, restoreValues } from './restore-values.ts';
import { forever } from './revisions.ts';
import { knownForm } from './uuid.ts';

export function createRestores(database: Database): RestoreStore {
  return {
    save: (restore) => saveRestore(database, restore),
    rows: (jobId, options) => readRows(database, jobId, options),
  };
}

function saveRestore(database: Database, restore: StoredRestore): Promise<void> {
  const n = restore.channel.length;
  for (const [what, length] of Object.entries({ outcome: restore.outcome.length, why: restore.why.length, code: restore.code.length, attempted: restore.attempted.length, before: restore.before.length, target: restore.target.length, after: restore.after.length })) {
    if (length !== n) throw new DreyError('internal', `the restore of job ${restore.jobId} has ${n} channels and ${length} rows of ${what}`);
  }
  return database.transaction(async (session) => {
    const [made] = await session.rows<{ number: number }>(
      `insert into restore (job_id, snapshot_id, who, reason, started_at, finished_at, attempted, before_values, target_values, after_values)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (job_id) do nothing returning number`,
      [
        restore.jobId, knownForm('snapshot', restore.snapshotId), restore.who, restore.reason, restore.startedAt, restore.finishedAt,
        restore.attempted.reduce((sum, attempted) => sum + attempted, 0),
        ...[restore.before, restore.target, restore.after].map((columns) => Buffer.from(encodeFrame(null, columns))),
      ],
    );
    if (made) await session.copy(`copy restore_row (${restoreRowColumns}) from stdin (format binary)`, [encodeRestoreRows(made.number, restore)]);
  });
}

async function readRows(database: Database, jobId: string, options: { limit: number; offset: number; outcome?: string }): ReturnType<RestoreStore['rows']> {
  const [stored] = await database.rows<{ number: number }>('select number from restore where job_id = $1', [jobId]);
  if (!stored) throw new DreyError('notFound', `there are no stored rows of a restore by job ${JSON.stringify(jobId.slice(0, 60))}`);
  const only = options.outcome === undefined ? null : restoreOutcomeNames.indexOf(options.outcome as (typeof restoreOutcomeNames)[number]);
  if (only === -1) throw new DreyError('badInput', `${JSON.stringify(options.outcome!.slice(0, 60))} is no outcome of a restore: one of ${restoreOutcomeNames.join(', ')}`);
  const counted = await database.rows<{ outcome: number; count: bigint }>('select outcome, count(*) from restore_row where restore = $1 group by outcome order by outcome', [stored.number]);
  const counts = Object.fromEntries(counted.map((row) => [restoreOutcomeNames[row.outcome]!, Number(row.count)]));
  const rows = await database.rows<{ row: number; name: string; entry_id: string | null; outcome: number; why: number; code: number }>(
    `select r.row, c.name, v.entry_id, r.outcome, r.why, r.code from restore_row r join channel c on c.id = r.channel
     left join entry_version v on v.setpoint = r.channel and v.to_revision = ${forever}
     where r.restore = $1 and ($2::int2 is null or r.outcome = $2) order by c.name, r.row limit $3 offset $4`,
    [stored.number, only, options.limit, options.offset],
  );
  const { before, target, after } = (await restoreValues(database, rows.length === 0 ? [] : [stored.number])).get(stored.number) ?? {};
  return {
    rows: rows.map((row): RestoreRow => {
      const why = reasonOf(row.why, row.code);
      return {
        pvId: row.entry_id,
        pvName: row.name,
        outcome: restoreOutcomeNames[row.outcome]!,
        why: why.name,
        detail: why.sentence,
        before: jsonValueOf(before!, row.row),
        target: jsonValueOf(target!, row.row),
        after: jsonValueOf(after!, row.row),
      };
    }),
    totalCount: only === null ? Object.values(counts).reduce((sum, count) => sum + count, 0) : (counts[options.outcome!] ?? 0),
    counts,
  };
}
