import { Command } from 'commander';
import type { Job } from '../../contracts/jobs.ts';
import type { Client } from '../client.ts';
import { localTime, print, printJson, printTable } from '../output.ts';

export function jobCommands(connect: () => Client): Command {
  const job = new Command('job').description('snapshot and restore jobs');
  job
    .command('list')
    .description('newest first')
    .option('--json', 'print JSON')
    .action(async (options: { json?: true }) => {
      const jobs = await connect().get<Job[]>('/v1/jobs');
      if (options.json) return printJson(jobs);
      if (jobs.length === 0) return print('no jobs');
      printTable(['ID', 'WHAT', 'STATUS', '%', 'CREATED', 'BY', ''], jobs.map((one) => [one.id, one.type, one.status, one.progress, localTime(one.createdAt), one.requestedBy, one.error ?? one.message]));
    });
  job
    .command('show <id>')
    .description('one job')
    .action(async (id: string) => printJson(await connect().get<Job>(`/v1/jobs/${encodeURIComponent(id)}`)));
  job
    .command('cancel <id>')
    .description('ask for its end: what is under way completes, nothing more is begun')
    .action(async (id: string) => {
      const one = await connect().post<Job>(`/v1/jobs/${encodeURIComponent(id)}/cancel`, {});
      print(`${one.id} ${one.status}: ${one.message}`);
    });
  return job;
}
