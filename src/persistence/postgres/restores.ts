/** What became of each row of a restore (R4), kept when its job has ended. */
import { restoreOutcomeNames, restoreReasonNames, type RestoreRow } from '../../contracts/restores.ts';
import { DreyError } from '../../contracts/errors.ts';
import type { AuditEvent, RestoreStore, StoredRestore } from '../port.ts';
import { recordEvents } from './audit.ts';
import type { Database } from './database.ts';
import { encodeRestoreParts, restorePartColumns } from './restore-encoder.ts';
import type { MetaTable } from './metas.ts';
import { tellRows } from './restore-values.ts';
import { forever } from './revisions.ts';
import { knownForm } from './uuid.ts';

export function createRestores(database: Database, metas: MetaTable): RestoreStore {
  return {
    save: (restore) => saveRestore(database, restore),
    counts: async (jobId) => (await storedRestore(database, jobId)).counts,
    rows: (jobId, options) => readRows(database, metas, jobId, options),
  };
}

function saveRestore(database: Database, restore: StoredRestore): Promise<void> {
  const n = restore.channel.length;
  for (const [what, length] of Object.entries({ outcome: restore.outcome.length, why: restore.why.length, code: restore.code.length, attempted: restore.attempted.length, before: restore.before.length, target: restore.target.length, after: restore.after.length })) {
    if (length !== n) throw new DreyError('internal', `the restore of job ${restore.jobId} has ${n} channels and ${length} rows of ${what}`);
  }
  return database.transaction(async (session) => {
    const [made] = await session.rows<{ number: number }>(
      `insert into restore (job_id, snapshot_id, who, reason, started_at, finished_at, attempted, counts)
       values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (job_id) do nothing returning number`,
      [
        restore.jobId, knownForm('snapshot', restore.snapshotId), restore.who, restore.reason, restore.startedAt, restore.finishedAt,
        restore.attempted.reduce((sum, attempted) => sum + attempted, 0), JSON.stringify(countsOf(restore.outcome)),
      ],
    );
    if (!made) return;
    await recordEvents(session, [endOf(restore)]);
    await session.copy(`copy restore_part (${restorePartColumns}) from stdin (format binary)`, encodeRestoreParts(made.number, restore));
  });
}

/** Rows by the number of their outcome. */
function countsOf(outcomes: Uint8Array): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

const named = (counts: Readonly<Record<number, number>>): Record<string, number> => Object.fromEntries(Object.entries(counts).map(([outcome, rows]) => [restoreOutcomeNames[Number(outcome)]!, rows]));

/** A1: how it ended, beside that it was asked for. */
function endOf({ jobId, snapshotId, beforeId = null, who, reason, outcome }: StoredRestore): AuditEvent {
  const outcomes = named(countsOf(outcome));
  const told = Object.entries(outcomes).map(([name, rows]) => `${rows} ${name}`).join(', ');
  return { who, what: 'restore.run', subject: snapshotId, before: null, after: { job: jobId, outcomes, resultId: beforeId }, why: reason, result: `ended: ${told === '' ? 'no rows' : told}` };
}

async function storedRestore(database: Database, jobId: string): Promise<{ number: number; counts: Record<string, number> }> {
  const [stored] = await database.rows<{ number: number; counts: Record<string, number> }>('select number, counts from restore where job_id = $1', [jobId]);
  if (!stored) throw new DreyError('notFound', `there are no stored rows of a restore by job ${JSON.stringify(jobId.slice(0, 60))}`);
  return { number: stored.number, counts: named(stored.counts) };
}

async function readRows(database: Database, metas: MetaTable, jobId: string, { limit, offset, outcomes }: Parameters<RestoreStore['rows']>[1]): ReturnType<RestoreStore['rows']> {
  const { number, counts } = await storedRestore(database, jobId);
  const only = outcomes?.map((name) => restoreOutcomeNames.indexOf(name as (typeof restoreOutcomeNames)[number])) ?? null;
  const unknown = outcomes?.[only!.indexOf(-1)];
  if (unknown !== undefined) throw new DreyError('badInput', `${JSON.stringify(unknown.slice(0, 60))} is no outcome of a restore: one of ${restoreOutcomeNames.join(', ')}`);
  const rows = await database.rows<{ row: number; first_row: number; name: string; entry_id: string | null; outcome: number; why: number; code: number }>(
    `select r.row, r.first_row, c.name, v.entry_id, r.outcome, r.why, r.code from restore_row r join channel c on c.id = r.channel
     left join entry_version v on v.setpoint = r.channel and v.to_revision = ${forever}
     where r.restore = $1 and ($2::int2[] is null or r.outcome = any($2)) order by array_position($2, r.outcome), c.name, r.row limit $3 offset $4`,
    [number, only, limit, offset],
  );
  const told = await tellRows(database, metas, rows.map((row) => ({ restore: number, first: row.first_row, row: row.row, why: row.why, code: row.code })));
  return {
    rows: rows.map((row, i): RestoreRow => {
      const { sentence, ...values } = told[i]!;
      return { pvId: row.entry_id, pvName: row.name, outcome: restoreOutcomeNames[row.outcome]!, detail: sentence, ...values };
    }),
    totalCount: [...(outcomes === undefined ? Object.keys(counts) : new Set(outcomes))].reduce((sum, outcome) => sum + (counts[outcome] ?? 0), 0),
    counts,
    reasons: await reasonsOf(database, number),
  };
}

async function reasonsOf(database: Database, number: number): Promise<Record<string, Record<string, number>>> {
  const reasons: Record<string, Record<string, number>> = {};
  const found = await database.rows<{ outcome: number; why: number; rows: number }>('select outcome, why, count(*)::int as rows from restore_row where restore = $1 and why > 0 group by outcome, why order by 3 desc, 2', [number]);
  for (const { outcome, why, rows } of found) (reasons[restoreOutcomeNames[outcome]!] ??= {})[restoreReasonNames[why]!] = rows;
  return reasons;
}
