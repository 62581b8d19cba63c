import { Command } from 'commander';
import type { Job } from '../../contracts/jobs.ts';
import type { Client } from '../client.ts';
import { wholeNumber } from '../numbers.ts';
import { localTime, print, printJson, printTable } from '../output.ts';
import { oneOf } from '../reference.ts';

const wholeId = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function jobCommands(connect: () => Client): Command {
  const job = new Command('job').description('snapshot and restore jobs');
  const idOf = async (client: Client, reference: string): Promise<string> => (wholeId.test(reference) ? reference : oneOf(await client.get<Job[]>('/v1/jobs', { limit: 1000 }), reference, 'job').id);
  job
    .command('list')
    .description('newest first')
    .option('--limit <n>', 'how many', wholeNumber, 100)
    .option('--json', 'print JSON')
    .action(async (options: { limit: number; json?: true }) => {
      const jobs = await connect().get<Job[]>('/v1/jobs', { limit: options.limit });
      if (options.json) return printJson(jobs);
      if (jobs.length === 0) return print('no jobs');
      printTable(['ID', 'WHAT', 'STATUS', '%', 'CREATED', 'BY', ''], jobs.map((one) => [one.id, one.type, one.status, one.progress, localTime(one.createdAt), one.requestedBy, one.error ?? one.message]));
    });
  job
    .command('show <id>')
    .description('one job, by id or part of it (4 characters of its start or end, or more), as JSON')
    .addHelpText('after', '\nExample:\n  drey job show 3f2a')
    .action(async (reference: string) => {
      const client = connect();
      printJson(await client.get<Job>(`/v1/jobs/${await idOf(client, reference)}`));
    });
  job
    .command('cancel <id>')
    .description('ask for its end: what is under way completes, nothing more is begun')
    .action(async (reference: string) => {
      const client = connect();
      const one = await client.post<Job>(`/v1/jobs/${await idOf(client, reference)}/cancel`, undefined);
      print(`${one.id} ${one.status}: ${one.message}`);
    });
  return job;
}
