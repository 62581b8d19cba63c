/** `drey snapshot diff`: two snapshots, or one and the machine now. */
import { Command, InvalidArgumentError } from 'commander';
import type { Client } from '../client.ts';
import { exitCodes } from '../fault.ts';
import { wholeNumber } from '../numbers.ts';
import { cell, count, print, printJson, printTable } from '../output.ts';
import { snapshotId } from '../snapshot-reference.ts';

interface Row {
  pvName: string;
  verdict: string;
  value1: unknown;
  value2: unknown;
  enumLabel1: string | null;
  enumLabel2: string | null;
  difference: number | string | null;
  array: { count: number; first: number; worst: number; worstDifference: number | string; length1: number; length2: number } | null;
  units: string | null;
  reason: string | null;
}
interface Comparison {
  differences: Row[];
  matchCount: number;
  differenceCount: number;
  onlyIn1Count: number;
  onlyIn2Count: number;
  missingCount: number;
  totalCount: number;
}
interface Options {
  search?: string;
  device?: string[];
  tag?: string[];
  abs?: number;
  rel?: number;
  all?: true;
  limit: number;
  offset: number;
  json?: true;
}

const tolerance = (text: string): number => {
  const number = Number(text);
  if (text.trim() === '' || !(number >= 0)) throw new InvalidArgumentError('a number, 0 or larger.');
  return number;
};
export function diffCommand(connect: () => Client): Command {
  return new Command('diff')
    .argument('<a>', 'snapshot: id, start or end of one, title, or `latest`')
    .argument('[b]', 'another one; absent or `live`: the machine now', 'live')
    .description('what differs, within the tolerances of the catalogue; exit code 3 if anything does, or if no channel could be compared')
    .option('--search <text>', 'only PVs with this in name, device or description')
    .option('--device <name...>', 'only these devices')
    .option('--tag <tag...>', 'only entries with any of these tags: name, Group=Tag or id')
    .option('--abs <tolerance>', 'absolute tolerance instead of the catalogue\'s', tolerance)
    .option('--rel <tolerance>', 'relative tolerance instead of the catalogue\'s', tolerance)
    .option('--all', 'also what is the same')
    .option('--limit <n>', 'rows', wholeNumber, 1000)
    .option('--offset <n>', 'skip so many rows', wholeNumber, 0)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExamples:\n  drey snapshot diff latest                                 (against the machine now)\n  drey snapshot diff "before the shift" latest --tag Area=L1 --all')
    .action(async (a: string, b: string, options: Options) => {
      const client = connect();
      const second = b === 'live' ? 'live' : await snapshotId(client, b);
      const compared = await client.get<Comparison>(`/v1/snapshots/${await snapshotId(client, a)}/compare/${second}`, {
        limit: options.limit, offset: options.offset, search: options.search, absTolerance: options.abs, relTolerance: options.rel, all: options.all,
        devices: options.device, tags: options.tag?.map((tag) => tag.replace('=', '/')),
      });
      // Nothing to compare is no good news either.
      if (compared.differenceCount > 0 || compared.matchCount === 0) process.exitCode = exitCodes.incomplete;
      if (options.json) return printJson(compared);
      if (compared.differences.length > 0) {
        const [left, right] = b === 'live' ? ['SAVED', 'LIVE'] : ['A', 'B'];
        printTable(['PV', left!, right!, `${right} - ${left}`, 'UNITS', ''], compared.differences.map((row) => [row.pvName, cell(row.value1, row.enumLabel1), cell(row.value2, row.enumLabel2), row.difference === null ? '' : cell(row.difference), row.units ?? '', remark(row)]));
      }
      if (compared.totalCount > options.offset + compared.differences.length) print(`${count(compared.totalCount, 'row')} in all; see --limit and --offset`);
      print(summary(compared, b === 'live'));
      if (compared.differenceCount === 0 && compared.matchCount === 0) print('nothing could be compared');
    });
}

function summary({ differenceCount, matchCount, onlyIn1Count, onlyIn2Count, missingCount }: Comparison, live: boolean): string {
  const apart = [[onlyIn1Count, live ? 'not readable now' : 'without a value in B'], [onlyIn2Count, live ? 'without a saved value' : 'without a value in A'], [missingCount, 'without a value on both sides']] as const;
  const told = apart.filter(([rows]) => rows > 0).map(([rows, what]) => `, ${rows.toLocaleString('en')} ${what}`);
  return `${count(differenceCount - onlyIn1Count - onlyIn2Count, 'channel differs', 'channels differ')}, ${matchCount.toLocaleString('en')} the same${told.join('')}`;
}

function remark({ verdict, array, reason }: Row): string {
  if (verdict === 'same') return 'same';
  if (verdict === 'missing') return `no value on both sides: ${reason ?? ''}`;
  if (verdict !== 'differs') return reason ?? verdict;
  if (array === null) return '';
  const told = `${count(array.count, 'element differs', 'elements differ')}, first [${array.first}]`;
  // What only one side has differs by no number.
  if (array.length1 !== array.length2) return `${told}, ${array.length1} elements against ${array.length2}`;
  return `${told}, worst [${array.worst}] by ${cell(array.worstDifference)}`;
}
