/** Restores: the dry run, made here from live values, and the job, which a coordinator does. */
import { z } from 'zod';
import { DreyError } from '../../contracts/errors.ts';
import { restoreReasonNames, restoreRequest, restoreRow, rowsByReason, type PlanRow, type PlanVerdict, type RestorePlan, type RestoreReason, type RestoreRequest } from '../../contracts/restores.ts';
import { AccessBits, copyValueRow, emptyValueColumns, type ValueColumns } from '../../contracts/values.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { CatalogueStore, Persistence, SetpointInfo, SnapshotPage } from '../../persistence/port.ts';
import { numericDifference } from '../../snapshots/compare.ts';
import { jsonNumber, jsonValueOf } from '../../snapshots/json-values.ts';
import { planDetail, planRestore, planVerdicts } from '../../snapshots/plan.ts';
import { plannedSetpoints } from '../../snapshots/planned-setpoints.ts';
import { selectForRestore } from '../../snapshots/restore-selection.ts';
import { reasonSentence } from '../../snapshots/restore-sentence.ts';
import type { Caller } from '../access.ts';
import type { Audit } from '../audit.ts';
import type { JobOperations } from './jobs.ts';
import type { LiveValues } from './live-values.ts';

export const restoreBody = restoreRequest.strict();

export const restoreResult = z.object({
  jobId: z.string(),
  resultId: z.string().nullable().describe('the snapshot with the values before: restoring it undoes this; null = nothing was to be written'),
  totalPVs: z.number().int(),
  successCount: z.number().int().describe('written, verified or already there'),
  failureCount: z.number().int().describe('failed, held or unknown'),
  skippedCount: z.number().int(),
  outcomes: z.record(z.string(), z.number().int()).describe('rows by outcome'),
  failures: z.array(z.object({ pvId: z.string().nullable(), pvName: z.string(), error: z.string(), outcome: z.string() })).describe('the first 1000'),
});

export const restoreRows = z.object({
  jobId: z.string(),
  rows: z.array(restoreRow),
  totalCount: z.number().int().describe('rows that fit the filter'),
  counts: z.record(z.string(), z.number().int()).describe('all rows by outcome'),
  reasons: rowsByReason.describe('all rows that have a reason, by outcome and name of the reason'),
  limit: z.number().int(),
  offset: z.number().int(),
});

/** Deadline of the reads of a dry run, ms: one dead IOC costs the plan this once (I1). */
const planReadMs = 2_000;
const mostFailures = 1_000;
const failing = ['failed', 'held', 'unknown'] as const;

export interface PlanPage {
  readonly limit: number;
  readonly offset: number;
  /** Only these, one after the other. */
  readonly verdicts?: readonly PlanVerdict[] | undefined;
}

export interface RestoreDeps {
  readonly persistence: Persistence;
  readonly live: LiveValues;
  readonly jobs: JobOperations;
  readonly audit: Audit;
  readonly clock: Clock;
}

export function createRestoreOperations({ persistence, live, jobs, audit, clock }: RestoreDeps) {
  const { snapshots, catalogue, restores } = persistence;

  const plan = async (snapshotId: string, request: RestoreRequest, show: PlanPage): Promise<RestorePlan> => {
    const [page, iocOf] = await Promise.all([snapshots.page(snapshotId, {}), iocsOf(catalogue)]);
    const selection = selectForRestore(page.entries, request);
    const saved = savedRows(page, selection.rows.map((entry) => entry.setpoint!.row));
    const [now, infos] = await Promise.all([live.read(saved.channel, { mode: 'live', deadlineMs: planReadMs }), catalogue.setpoints(saved.channel)]);
    const byChannel = new Map(infos.map((info) => [info.channel, info]));
    const metaOf = (hash: bigint) => now.metas.get(hash) ?? page.metas.get(hash);
    const made = planRestore({ saved, live: now.columns, setpoints: plannedSetpoints(Array.from(saved.channel, (channel) => byChannel.get(channel))), metaOf });

    // Rows by number, then entries without a row.
    const all = [...Array(saved.length).keys(), ...selection.withoutSetpoint];
    const verdictOf = (one: (typeof all)[number]): PlanVerdict => (typeof one === 'number' ? planVerdicts[made.verdict[one]!]! : 'skipped');
    const wanted = show.verdicts === undefined ? all : [...new Set(show.verdicts)].flatMap((verdict) => all.filter((one) => verdictOf(one) === verdict));
    const rowAt = (at: number): PlanRow => {
      const row = wanted[at]!;
      if (typeof row !== 'number') return skippedRow(row);
      const info: SetpointInfo | undefined = byChannel.get(saved.channel[row]!);
      const difference = numericDifference(now.columns, row, made.target, row);
      return {
        pvId: info?.entryId ?? null,
        pvName: selection.rows[row]!.setpoint!.name,
        ioc: iocOf(saved.channel[row]!),
        verdict: planVerdicts[made.verdict[row]!]!,
        why: restoreReasonNames[made.why[row]!]!,
        detail: planDetail(made, now.columns, row, metaOf),
        target: jsonValueOf(made.target, row),
        live: jsonValueOf(now.columns, row),
        difference: difference === null ? null : jsonNumber(difference),
        units: metaOf(now.columns.metaHash[row]!)?.units ?? metaOf(saved.metaHash[row]!)?.units ?? null,
        writable: writableOf(now.columns.access[row]!),
      };
    };
    const reasons: RestorePlan['reasons'] = {};
    for (const one of all) {
      const why = typeof one === 'number' ? restoreReasonNames[made.why[one]!]! : reasonWithoutSetpoint(one);
      if (why === 'none') continue;
      const ofVerdict = (reasons[verdictOf(one)] ??= {});
      ofVerdict[why] = (ofVerdict[why] ?? 0) + 1;
    }
    const totalCount = wanted.length;
    const rows: PlanRow[] = [];
    for (let at = show.offset; at < Math.min(totalCount, show.offset + show.limit); at++) rows.push(rowAt(at));
    return { snapshotId, madeAt: new Date(clock.now()).toISOString(), counts: { ...made.counts, skipped: made.counts.skipped + selection.withoutSetpoint.length }, reasons, totalCount, limit: show.limit, offset: show.offset, rows };
  };

  return {
    plan,

    run: async (caller: Caller, snapshotId: string, request: RestoreRequest) => {
      const snapshot = await snapshots.get(snapshotId);
      // Unknown rows are the asker's fault, told at once instead of by a failed job.
      if (request.pvIds !== undefined || request.pvNames !== undefined) selectForRestore((await snapshots.page(snapshotId, {})).entries, request);
      const after = { title: snapshot.title, rows: request.pvIds || request.pvNames ? { pvIds: request.pvIds, pvNames: request.pvNames } : 'all', deadlineMs: request.deadlineMs };
      return audit.command(caller, { what: 'restore.run', subject: snapshotId, why: request.reason, after }, async () => {
        const accepted = await jobs.submit(caller, { type: 'snapshot_restore', snapshotId, request });
        return { value: accepted, result: `accepted as job ${accepted.jobId}` };
      });
    },

    result: async (jobId: string, signal: AbortSignal): Promise<z.output<typeof restoreResult>> => {
      const { resultId } = await jobs.finished(jobId, signal);
      const counts = await restores.counts(jobId);
      const count = (outcome: string): number => counts[outcome] ?? 0;
      const failures: z.output<typeof restoreResult>['failures'] = [];
      for (const outcome of failing) {
        if (count(outcome) === 0 || failures.length >= mostFailures) continue;
        const { rows } = await restores.rows(jobId, { limit: mostFailures - failures.length, offset: 0, outcomes: [outcome] });
        failures.push(...rows.map((row) => ({ pvId: row.pvId, pvName: row.pvName, error: row.detail, outcome: row.outcome })));
      }
      return {
        jobId,
        resultId,
        totalPVs: Object.values(counts).reduce((sum, rows) => sum + rows, 0),
        successCount: count('written') + count('verified') + count('unchanged'),
        failureCount: failing.reduce((sum, outcome) => sum + count(outcome), 0),
        skippedCount: count('skipped'),
        outcomes: counts,
        failures,
      };
    },

    rows: async (jobId: string, options: { limit: number; offset: number; outcomes?: readonly string[] | undefined }): Promise<z.output<typeof restoreRows>> => {
      const job = await jobs.show(jobId);
      if (job.type !== 'snapshot_restore') throw new DreyError('notFound', `job ${jobId} is a ${job.type} and has no rows: only restores have`);
      return { jobId, ...(await restores.rows(jobId, { limit: options.limit, offset: options.offset, ...(options.outcomes === undefined ? {} : { outcomes: options.outcomes }) })), limit: options.limit, offset: options.offset };
    },
  };
}
export type RestoreOperations = ReturnType<typeof createRestoreOperations>;

function savedRows(page: SnapshotPage, rows: readonly number[]): ValueColumns {
  const saved = emptyValueColumns(rows.length);
  rows.forEach((row, at) => copyValueRow(page.columns, row, saved, at));
  return saved;
}

async function iocsOf(catalogue: CatalogueStore): Promise<(channel: number) => string | null> {
  const { channels, iocIndex, iocs } = await catalogue.directory();
  const at = new Map<number, number>();
  channels.forEach((channel, i) => at.set(channel, iocIndex[i]!));
  return (channel) => iocs[at.get(channel) ?? -1] ?? null;
}

const writableOf = (access: number): boolean | null => ((access & AccessBits.known) === 0 ? null : (access & AccessBits.write) !== 0);

const reasonWithoutSetpoint = (entry: SnapshotPage['entries'][number]): RestoreReason => (entry.setpoint === null ? 'noSetpoint' : 'noSavedValue');

function skippedRow(entry: SnapshotPage['entries'][number]): PlanRow {
  const why = reasonWithoutSetpoint(entry);
  const pvName = (entry.setpoint ?? entry.readback ?? entry.config)?.name ?? entry.entryId;
  return { pvId: entry.entryId, pvName, ioc: null, verdict: 'skipped', why, detail: reasonSentence(why), target: null, live: null, difference: null, units: null, writable: null };
}
