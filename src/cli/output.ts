/** What commands print: tables for people, JSON for programs, progress on standard error. */
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import type { Job } from '../contracts/jobs.ts';

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** Columns without lines, as in ps and ls: readable, and cut and grep work on it. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const bare = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' };
  const table = new Table({ head: [...head], chars: bare, style: { 'padding-left': 0, 'padding-right': 0, head: process.stdout.isTTY ? ['bold'] : [], border: [] } });
  for (const row of rows) table.push(row.map(String));
  print(table.toString());
}

/** A bar on a terminal, nothing elsewhere. */
export function jobProgress(): { show(job: Job): void; done(): void } {
  if (!process.stderr.isTTY) return { show: () => {}, done: () => {} };
  const bar = new SingleBar({ format: '{bar} {percentage}%  {message}', barCompleteChar: '█', barIncompleteChar: '░', clearOnComplete: true, hideCursor: true });
  bar.start(100, 0, { message: '' });
  return { show: (job) => bar.update(job.progress, { message: job.message }), done: () => bar.stop() };
}

export const count = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;

/** "ok 1,998, timeout 2" */
export const tally = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .filter(([, n]) => n > 0)
    .map(([name, n]) => `${name} ${n.toLocaleString('en')}`)
    .join(', ') || 'nothing';

/** A value in a table cell: seven digits of numbers, the first elements of arrays. JSON has all of it. */
export function cell(value: unknown, label?: string | null): string {
  if (value === null || value === undefined) return '-';
  if (Array.isArray(value)) return `[${value.slice(0, 3).map((element) => cell(element)).join(', ')}${value.length > 3 ? `, … ${value.length}` : ''}]`;
  if (typeof value === 'number' && !Number.isInteger(value)) return String(Number(value.toPrecision(7)));
  return label ? `${label} (${String(value)})` : String(value);
}

export const localTime = (iso: string | null): string => (iso === null ? '-' : `${new Date(iso).toLocaleString('sv')} ${zoneOf(new Date(iso))}`);
const withZone = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' });
const zoneOf = (at: Date): string => withZone.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
