import { Command } from 'commander';
import { DreyError } from '../../contracts/errors.ts';
import type { SnapshotSummary } from '../../contracts/snapshots.ts';
import { agreed } from '../agreed.ts';
import type { Client } from '../client.ts';
import { follow } from '../follow.ts';
import { wholeNumber } from '../numbers.ts';
import { cell, count, localTime, print, printJson, printTable, tally } from '../output.ts';
import { snapshotId } from '../snapshot-reference.ts';
import { tagScope } from '../tag-scope.ts';
import { addFileCommands } from './snapshot-files.ts';
import { diffCommand } from './snapshot-diff.ts';
import { restoreCommand } from './snapshot-restore.ts';

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

  snapshot.addCommand(restoreCommand(connect));

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

function printQuality({ quality }: SnapshotSummary): void {
  print(`${count(quality.rows, 'row')}: ${tally(quality.outcomes)}; in alarm: ${tally(quality.rowsInAlarm)}; ${quality.durationMs} ms`);
  for (const ioc of quality.iocsNotAnswering) print(`  IOC ${ioc.ioc} gave none of its ${count(ioc.rows, 'row')}: ${ioc.reason}`);
}

function valueCell(value: ShownValue | null): string {
  if (value === null) return '';
  return value.outcome === 'ok' ? cell(value.value, value.enumLabel) : value.outcome;
}

const severities = ['', 'MINOR', 'MAJOR', 'INVALID'];
const alarmCell = (...values: (ShownValue | null)[]): string => severities[Math.max(0, ...values.map((value) => value?.severity ?? 0))] ?? '';
