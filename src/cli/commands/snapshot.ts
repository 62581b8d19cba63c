import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { DreyError } from '../../contracts/errors.ts';
import type { Job } from '../../contracts/jobs.ts';
import type { PlanRow, RestorePlan, RestoreRow } from '../../contracts/restores.ts';
import type { SnapshotSummary } from '../../contracts/snapshots.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../fault.ts';
import { wholeNumber } from '../numbers.ts';
import { cell, count, jobProgress, localTime, print, printJson, printTable, tally } from '../output.ts';
import { snapshotId } from '../snapshot-reference.ts';
import { tagScope } from '../tag-scope.ts';
import { addFileCommands } from './snapshot-files.ts';
import { diffCommand } from './snapshot-diff.ts';

export function snapshotCommands(connect: () => Client): Command {
  const snapshot = new Command('snapshot').description('take, list, show, compare and restore snapshots');

  snapshot
    .command('take <title>')
    .description('read all PVs now (or a part) and keep them')
    .option('--description <text>', 'what it is for', '')
    .option('--monitored', 'from the values that monitors keep, instead of fresh reads')
    .option('--tag <Group=Tag...>', 'only entries with these tags: any within a group, all groups')
    .option('--pv <name...>', 'only these PVs')
    .option('--deadline <ms>', 'time an IOC has for answering', wholeNumber, 2000)
    .option('--label <text...>', 'words to find it by')
    .option('--golden', 'a reference: it is not deleted while it is golden (needs the scope write or admin)')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  drey snapshot take "before the shift"\n  drey snapshot take magnets --tag System=Magnet Area=L1 --label users --golden')
    .action(take);
  async function take(title: string, options: { description: string; monitored?: true; tag?: string[]; pv?: string[]; deadline: number; label?: string[]; golden?: true; json?: true }): Promise<void> {
    const client = connect();
    if (options.tag && options.pv) throw new DreyError('badInput', 'give --tag or --pv, not both');
    const scope = options.pv ? { kind: 'names', pvNames: options.pv } : options.tag ? tagScope(options.tag) : { kind: 'all' };
    const { jobId } = await client.post<{ jobId: string }>('/v1/snapshots', { title, description: options.description, mode: options.monitored ? 'monitored' : 'live', scope, deadlineMs: options.deadline, labels: options.label, golden: options.golden });
    const job = await follow(client, jobId);
    const taken = await client.get<SnapshotSummary>(`/v1/snapshots/${job.resultId}`, { limit: 0 });
    if (options.json) return printJson(taken);
    print(`${taken.id}  ${taken.title}`);
    printQuality(taken);
  }

  snapshot
    .command('list')
    .description('newest first')
    .option('--title <text>', 'only those with this in their title')
    .option('--label <text...>', 'only those with any of these labels')
    .option('--golden', 'only golden ones')
    .option('--limit <n>', 'how many', wholeNumber, 20)
    .option('--offset <n>', 'skip so many', wholeNumber, 0)
    .option('--json', 'print JSON')
    .action(async (options: { title?: string; label?: string[]; golden?: true; limit: number; offset: number; json?: true }) => {
      const { body, totalCount } = await connect().getCounted<SnapshotSummary[]>('/v1/snapshots', { title: options.title, label: options.label, golden: options.golden, limit: options.limit, offset: options.offset });
      if (options.json) return printJson(body);
      if (body.length === 0) return print('no snapshots');
      printTable(
        ['ID', 'TAKEN', 'BY', 'ROWS', 'READ', 'LABELS', 'TITLE'],
        body.map((one) => [one.id, localTime(one.createdDate), one.createdBy, one.pvCount, one.quality.outcomes['ok'] ?? 0, [...(one.golden ? ['GOLDEN'] : []), ...one.labels].join(', '), one.kind === 'snapshot' ? one.title : `${one.title} [${one.kind.replace('-', ' ')}]`]),
      );
      if (totalCount > body.length) print(`${count(totalCount, 'snapshot')} in all; see --limit and --offset`);
    });

  snapshot
    .command('show <snapshot>')
    .description('its making and its values; <snapshot> is an id, the start or end of one, a title, or `latest`')
    .option('--search <text>', 'only PVs with this in name, device or description')
    .option('--limit <n>', 'rows', wholeNumber, 50)
    .option('--offset <n>', 'skip so many rows', wholeNumber, 0)
    .option('--json', 'print JSON')
    .action(show);
  async function show(reference: string, options: { search?: string; limit: number; offset: number; json?: true }): Promise<void> {
    const client = connect();
    const { limit, offset, search } = options;
    const shown = await client.get<ShownSnapshot>(`/v1/snapshots/${await snapshotId(client, reference)}`, { limit, offset, search });
    if (options.json) return printJson(shown);
    print(`${shown.id}  ${shown.title}`);
    print(`taken ${localTime(shown.createdDate)} by ${shown.createdBy}, ${shown.mode}${shown.description ? `: ${shown.description}` : ''}`);
    printQuality(shown);
    print();
    printTable(
      ['PV', 'SETPOINT', 'READBACK', 'UNITS', 'ALARM'],
      shown.pvValues.map((row) => {
        const main = row.setpointValue ?? row.readbackValue ?? row.configValue;
        return [row.pvName, valueCell(row.setpointValue), valueCell(row.readbackValue), main?.units ?? '', alarmCell(row.setpointValue, row.readbackValue)];
      }),
    );
    if (shown.totalCount > offset + shown.pvValues.length) print(`${count(shown.totalCount, 'entry', 'entries')} in all; see --limit and --offset`);
  }

  snapshot.addCommand(diffCommand(connect));

  snapshot
    .command('restore <snapshot>')
    .description('put its setpoints back: shows the plan, asks, writes, reads back; exit code 3 if not every row ended well')
    .option('--dry-run', 'show the plan and stop')
    .option('--pv <name...>', 'only these setpoints')
    .option('--reason <text>', 'why; goes to the audit log', '')
    .option('--deadline <ms>', 'time one write has for completing', wholeNumber, 5000)
    .option('--limit <n>', 'rows of the plan and of the outcome to show', wholeNumber, 1000)
    .option('--offset <n>', 'skip so many of them', wholeNumber, 0)
    .option('-y, --yes', 'do not ask')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  drey snapshot restore latest --dry-run\n  drey snapshot restore "before the shift" --pv QUAD:LI21:201:BCTRL --reason "orbit is off"\n\nThe values before are kept; the command that is printed at the end puts them back.')
    .action(restore);
  async function restore(reference: string, options: { dryRun?: true; pv?: string[]; reason: string; deadline: number; limit: number; offset: number; yes?: true; json?: true }): Promise<void> {
    const client = connect();
    const { limit, offset } = options;
    const id = await snapshotId(client, reference);
    const request = { ...(options.pv ? { pvNames: options.pv } : {}), reason: options.reason, deadlineMs: options.deadline };
    if (options.dryRun || !options.yes) {
      const plan = await client.post<RestorePlan>(`/v1/snapshots/${id}/restore/plan`, request, { limit, offset });
      if (options.dryRun && options.json) return printJson(plan);
      if (!options.json) printPlan(plan);
      if (options.dryRun) return;
      const writes = plan.counts['write'] ?? 0;
      if (writes === 0) return options.json ? printJson({ job: null, rows: [], counts: plan.counts, totalCount: plan.totalCount }) : print('nothing to write');
      if (!(await agreed(`Write ${count(writes, 'PV')}? [y/N] `))) return print('nothing was written');
    }
    const { jobId } = await client.post<{ jobId: string }>(`/v1/snapshots/${id}/restore`, request);
    const job = await follow(client, jobId);
    const ended = await client.get<{ rows: RestoreRow[]; counts: Record<string, number>; totalCount: number }>(`/v1/jobs/${jobId}/rows`, { limit, offset });
    const bad = ended.rows.filter((row) => ['failed', 'held', 'unknown'].includes(row.outcome));
    if ((ended.counts['failed'] ?? 0) + (ended.counts['held'] ?? 0) + (ended.counts['unknown'] ?? 0) > 0) process.exitCode = exitCodes.incomplete;
    if (options.json) return printJson({ job, ...ended });
    const changed = ended.rows.filter((row) => ['written', 'verified'].includes(row.outcome));
    if (changed.length + bad.length > 0) printTable(['PV', 'OUTCOME', 'BEFORE', 'TARGET', 'AFTER', ''], [...changed, ...bad].map((row) => [row.pvName, row.outcome, cell(row.before), cell(row.target), cell(row.after), row.detail]));
    print(`restored: ${tally(ended.counts)}`);
    tellRest(ended);
    if (job.resultId) print(`the values before are kept; this puts them back: drey snapshot restore ${job.resultId}`);
  }

  snapshot
    .command('delete <snapshot>')
    .description('remove a snapshot and its values')
    .option('-y, --yes', 'do not ask')
    .action(async (reference: string, options: { yes?: true }) => {
      const client = connect();
      const one = await client.get<SnapshotSummary>(`/v1/snapshots/${await snapshotId(client, reference)}`, { limit: 0 });
      if (!options.yes && !(await agreed(`Delete ${one.id} "${one.title}" of ${localTime(one.createdDate)}? [y/N] `))) return print('nothing was deleted');
      await client.delete(`/v1/snapshots/${one.id}`);
      print(`deleted ${one.id}`);
    });
  addFileCommands(snapshot, connect);
  return snapshot;
}

interface ShownValue {
  value: unknown;
  enumLabel?: string | null;
  units?: string | null;
  severity: number | null;
  outcome: string;
}
interface ShownSnapshot extends SnapshotSummary {
  totalCount: number;
  pvValues: { pvName: string; setpointValue: ShownValue | null; readbackValue: ShownValue | null; configValue: ShownValue | null }[];
}
async function follow(client: Client, jobId: string): Promise<Job> {
  const progress = jobProgress();
  // Ctrl-C leaves the job running: it is the system's by now (J1).
  const job = await client.finished(jobId, progress.show).finally(progress.done);
  if (job.status === 'completed') return job;
  throw new DreyError(job.status === 'cancelled' ? 'cancelled' : (job.errorCode ?? 'internal'), `job ${jobId} ${job.status}: ${job.error ?? job.message}`);
}

function printQuality({ quality }: SnapshotSummary): void {
  print(`${count(quality.rows, 'row')}: ${tally(quality.outcomes)}; in alarm: ${tally(quality.rowsInAlarm)}; ${quality.durationMs} ms`);
  for (const ioc of quality.iocsNotAnswering) print(`  IOC ${ioc.ioc} gave none of its ${count(ioc.rows, 'row')}: ${ioc.reason}`);
}

function tellRest({ rows, totalCount }: { rows: readonly unknown[]; totalCount: number }): void {
  if (totalCount > rows.length) print(`${rows.length.toLocaleString('en')} of ${count(totalCount, 'row')} were looked at here; see --limit and --offset`);
}

function printPlan(plan: RestorePlan): void {
  const order = ['failed', 'held', 'skipped', 'write'];
  // What will be done stands last, next to the question.
  const shown = plan.rows.filter((row: PlanRow) => row.verdict !== 'unchanged').sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  if (shown.length > 0) printTable(['PV', 'PLAN', 'LIVE', 'TARGET', 'DIFFERENCE', 'UNITS', ''], shown.map((row) => [row.pvName, row.verdict, cell(row.live), cell(row.target), row.difference === null ? '' : cell(row.difference), row.units ?? '', row.detail]));
  tellRest(plan);
  print(`plan: ${tally(plan.counts)}`);
}

function valueCell(value: ShownValue | null): string {
  if (value === null) return '';
  return value.outcome === 'ok' ? cell(value.value, value.enumLabel) : value.outcome;
}

const severities = ['', 'MINOR', 'MAJOR', 'INVALID'];
const alarmCell = (...values: (ShownValue | null)[]): string => severities[Math.max(0, ...values.map((value) => value?.severity ?? 0))] ?? '';

async function agreed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new DreyError('badInput', 'there is no terminal to ask at: say --yes');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(question)).trim());
  } finally {
    prompt.close();
  }
}
