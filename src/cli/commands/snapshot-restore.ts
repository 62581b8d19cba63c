/** `drey snapshot restore`: what is written, or could not be, is always shown whole; what is left alone is counted by reason. */
import { Command, Option } from 'commander';
import { DreyError } from '../../contracts/errors.ts';
import { planVerdict, restoreReasonSentences, type PlanVerdict, type RestorePlan, type RestoreReason, type RestoreRow } from '../../contracts/restores.ts';
import { agreed } from '../agreed.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../fault.ts';
import { follow } from '../follow.ts';
import { wholeNumber } from '../numbers.ts';
import { cell, count, print, printJson, printTable, tally } from '../output.ts';
import { snapshotId } from '../snapshot-reference.ts';

interface Options {
  dryRun?: true;
  all?: true;
  verdict?: PlanVerdict[];
  pv?: string[];
  reason: string;
  deadline: number;
  limit: number;
  offset: number;
  yes?: true;
  json?: true;
}
interface Ended {
  rows: RestoreRow[];
  counts: Record<string, number>;
  reasons: RestorePlan['reasons'];
  totalCount: number;
}

/** In the order in which they are shown. */
const verdicts: readonly PlanVerdict[] = ['write', 'failed', 'held'];
const restVerdicts: readonly PlanVerdict[] = ['skipped', 'unchanged'];
const bad = ['failed', 'held', 'unknown'] as const;
const outcomes = ['verified', 'written', ...bad, 'pending'] as const satisfies readonly RestoreRow['outcome'][];
const restOutcomes = ['skipped', 'unchanged'] as const;
/** As many as the API gives in one page. */
const everything = 100_000;

export function restoreCommand(connect: () => Client): Command {
  return new Command('restore')
    .argument('<snapshot>', 'id, start or end of one, title, or `latest`')
    .description('put its setpoints back: shows the plan, asks, writes, reads back; exit code 3 if not every row ended well')
    .option('--dry-run', 'show the plan and stop')
    .option('--all', 'list also the rows that are skipped or unchanged')
    .addOption(new Option('--verdict <verdict...>', 'with --dry-run: list only these rows of the plan').choices(planVerdict.options))
    .option('--pv <name...>', 'only these setpoints')
    .option('--reason <text>', 'why; goes to the audit log', '')
    .option('--deadline <ms>', 'time one write has for completing', wholeNumber, 5000)
    .option('--limit <n>', 'rows of the plan and of the outcome to list; absent: all', wholeNumber, everything)
    .option('--offset <n>', 'skip so many of them', wholeNumber, 0)
    .option('-y, --yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  drey snapshot restore latest --dry-run\n  drey snapshot restore latest --dry-run --verdict skipped\n  drey snapshot restore "before the shift" --pv QUAD:LI21:201:BCTRL --reason "orbit is off"\n\nRows that are skipped or unchanged are counted by reason; --all lists them.\nThe values before are kept; the command that is printed at the end puts them back.')
    .action((reference: string, options: Options) => restore(connect(), reference, options));
}

async function restore(client: Client, reference: string, options: Options): Promise<void> {
  const { limit, offset, all } = options;
  if (options.verdict && !options.dryRun) throw new DreyError('badInput', '--verdict goes with --dry-run: before it asks, a restore lists all that it would write');
  const id = await snapshotId(client, reference);
  const request = { ...(options.pv ? { pvNames: options.pv } : {}), reason: options.reason, deadlineMs: options.deadline };
  if (options.dryRun || !options.yes) {
    const listed = options.verdict ?? (all ? [...verdicts, ...restVerdicts] : verdicts);
    const plan = await client.post<RestorePlan>(`/v1/snapshots/${id}/restore/plan`, request, { limit, offset, verdict: listed });
    if (options.dryRun && options.json) return printJson(plan);
    if (!options.json) printPlan(plan, listed);
    if (options.dryRun) return;
    const writes = plan.counts['write'] ?? 0;
    if (writes === 0) return options.json ? printJson({ job: null, rows: [], counts: plan.counts, totalCount: plan.totalCount }) : print('nothing to write');
    if (!(await agreed(`Write ${count(writes, 'PV')}? [y/N] `))) return print('nothing was written');
  }
  const { jobId } = await client.post<{ jobId: string }>(`/v1/snapshots/${id}/restore`, request);
  const job = await follow(client, jobId);
  const listed = all ? [...outcomes, ...restOutcomes] : outcomes;
  const ended = await client.get<Ended>(`/v1/jobs/${jobId}/rows`, { limit, offset, outcome: listed });
  if (bad.some((outcome) => (ended.counts[outcome] ?? 0) > 0)) process.exitCode = exitCodes.incomplete;
  if (options.json) return printJson({ job, ...ended });
  if (ended.rows.length > 0) printTable(['PV', 'OUTCOME', 'BEFORE', 'TARGET', 'AFTER', ''], ended.rows.map((row) => [row.pvName, row.outcome, cell(row.before), cell(row.target), cell(row.after), row.detail]));
  tellRest(ended, offset);
  print(`restored: ${tally(ended.counts)}`);
  tellReasons(ended, listed);
  if (job.resultId) print(`the values before are kept; this puts them back: drey snapshot restore ${job.resultId}`);
}

function printPlan(plan: RestorePlan, listed: readonly string[]): void {
  if (plan.rows.length > 0) printTable(['PV', 'PLAN', 'LIVE', 'TARGET', 'DIFFERENCE', 'UNITS', ''], plan.rows.map((row) => [row.pvName, row.verdict, cell(row.live), cell(row.target), row.difference === null ? '' : cell(row.difference), row.units ?? '', row.detail]));
  tellRest(plan, plan.offset);
  print(`plan: ${tally(plan.counts)}`);
  tellReasons(plan, listed);
}

function tellRest({ rows, totalCount }: { rows: readonly unknown[]; totalCount: number }, offset: number): void {
  if (totalCount > rows.length) print(`${rows.length.toLocaleString('en')} of ${count(totalCount, 'row')} are listed${offset > 0 ? `, after the first ${offset.toLocaleString('en')}` : ''}; see --limit and --offset`);
}

/** Of the rows that are not listed. */
function tellReasons({ reasons }: Pick<RestorePlan, 'reasons'>, listed: readonly string[]): void {
  for (const [what, ofWhat] of Object.entries(reasons)) {
    if (listed.includes(what)) continue;
    for (const [why, rows] of Object.entries(ofWhat).sort(([whyA, a], [whyB, b]) => b - a || (whyA < whyB ? -1 : 1))) print(`  ${what} ${rows.toLocaleString('en')}: ${restoreReasonSentences[why as RestoreReason] ?? why}`);
  }
}
