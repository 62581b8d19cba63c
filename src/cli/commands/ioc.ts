import { Command } from 'commander';
import type { ChannelView, IocView } from '../../contracts/iocs.ts';
import type { Client } from '../client.ts';
import { localTime, print, printJson, printTable } from '../output.ts';

export function iocCommands(connect: () => Client): Command {
  const ioc = new Command('ioc').description('IOCs, their circuits and breakers');

  ioc
    .command('list')
    .description('every IOC that serves or served a channel')
    .option('--json', 'print JSON')
    .action(async (options: { json?: true }) => {
      const iocs = await connect().get<IocView[]>('/v1/iocs');
      if (options.json) return printJson(iocs);
      if (iocs.length === 0) return print('no IOC has been seen yet');
      printTable(
        ['IOC', 'BREAKER', 'CIRCUIT', 'CONNECTED', 'CHANNELS', 'NEXT PROBE', 'HOST', 'WHY'],
        iocs.map((one) => [one.name, one.state, one.circuit, one.channels.connected, one.channels.total, one.nextProbeAt === null ? '' : localTime(one.nextProbeAt), one.host, one.reason]),
      );
    });

  ioc
    .command('show <ioc>')
    .description('one IOC, by host:port, with its channels')
    .option('--json', 'print JSON')
    .action(async (name: string, options: { json?: true }) => {
      const one = await connect().get<IocView & { channelList: ChannelView[] }>(`/v1/iocs/${encodeURIComponent(name)}`);
      if (options.json) return printJson(one);
      print(`${one.name}  breaker ${one.state} since ${localTime(one.since)}: ${one.reason}`);
      print(`circuit ${one.circuit}, ${one.channels.connected} of ${one.channels.total} channels connected, ${one.window.failures} of the last ${one.window.calls} operations failed, actor on ${one.host}, ${one.restarts} restarts`);
      if (one.nextProbeAt !== null) print(`next probe ${localTime(one.nextProbeAt)}`);
      const odd = one.channelList.filter((channel) => channel.state !== 'connected');
      if (odd.length > 0) printTable(['CHANNEL', 'STATE', 'SINCE'], odd.slice(0, 100).map((channel) => [channel.name, channel.state, localTime(channel.since)]));
    });

  for (const [command, about] of [
    ['open', 'stop all reads and writes to it until closed'],
    ['close', 'let reads and writes go to it'],
    ['observe', 'count failures, never trip'],
  ] as const) {
    ioc
      .command(`${command} <ioc>`)
      .description(about)
      .requiredOption('--reason <text>', 'why; goes to the audit log')
      .action(async (name: string, options: { reason: string }) => {
        const one = await connect().post<IocView>(`/v1/iocs/${encodeURIComponent(name)}/${command}`, { reason: options.reason });
        print(`${one.name} is ${one.state}: ${one.reason}`);
      });
  }
  return ioc;
}
