import { Command, Option } from 'commander';
import { channelView, type ChannelView, type IocView } from '../../contracts/iocs.ts';
import type { Client } from '../client.ts';
import { wholeNumber } from '../numbers.ts';
import { count, localTime, print, printJson, printTable } from '../output.ts';

const channelStates = channelView.shape.state.options;

/** What keeps a channel from being read. */
function whyOf({ state }: ChannelView, { circuit, state: breaker }: IocView): string {
  if (breaker === 'open' || breaker === 'forcedOpen') return 'the circuit breaker of its IOC is open';
  if (state === 'denied') return 'the IOC grants no read access';
  if (circuit === 'unresponsive') return 'the IOC does not answer';
  if (state === 'connected') return '';
  if (circuit === 'down') return 'the circuit to its IOC is down';
  return state === 'searching' ? 'no IOC has answered the search for this name' : 'the IOC has closed this channel';
}

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
        ['IOC', 'BREAKER', 'CIRCUIT', 'CONNECTED', 'UNRESPONSIVE', 'CHANNELS', 'NEXT PROBE', 'HOST', 'WHY'],
        iocs.map((one) => [one.name, one.state, one.circuit, one.channels.connected, one.channels.unresponsive || '', one.channels.total, one.nextProbeAt === null ? '' : localTime(one.nextProbeAt), one.host, one.reason]),
      );
    });

  ioc
    .command('show <ioc>')
    .description('one IOC, by host:port, with its channels: those that are not connected first')
    .addOption(new Option('--state <state>', 'only channels in this state').choices(channelStates))
    .option('--limit <n>', 'channels', wholeNumber, 50)
    .option('--offset <n>', 'skip so many channels', wholeNumber, 0)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  drey ioc show 10.0.0.5:5064 --state disconnected')
    .action(async (name: string, options: { state?: ChannelView['state']; limit: number; offset: number; json?: true }) => {
      const one = await connect().get<IocView & { channelList: ChannelView[] }>(`/v1/iocs/${encodeURIComponent(name)}`);
      if (options.json) return printJson(one);
      print(`${one.name}  breaker ${one.state} since ${localTime(one.since)}: ${one.reason}`);
      print(`circuit ${one.circuit}, ${one.channels.connected} of ${one.channels.total} channels connected${one.channels.unresponsive ? ` (${one.channels.unresponsive} more on the wire, of no use while the IOC does not answer or its breaker is not closed)` : ''}, ${one.window.failures} of the last ${one.window.calls} operations failed, actor on ${one.host}, ${one.restarts} restarts`);
      if (one.nextProbeAt !== null) print(`next probe ${localTime(one.nextProbeAt)}`);
      const chosen = one.channelList.filter(({ state }) => options.state === undefined || state === options.state);
      chosen.sort((a, b) => Number(a.state === 'connected') - Number(b.state === 'connected') || (a.name < b.name ? -1 : 1));
      const shown = chosen.slice(options.offset, options.offset + options.limit);
      if (shown.length > 0) printTable(['CHANNEL', 'STATE', 'SINCE', 'WHY'], shown.map((channel) => [channel.name, channel.state, localTime(channel.since), whyOf(channel, one)]));
      if (chosen.length > options.offset + shown.length) print(`${count(chosen.length, 'channel')} in all; see --limit and --offset`);
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
      .addHelpText('after', `\nExample:\n  drey ioc ${command} 10.0.0.5:5064 --reason maintenance`)
      .action(async (name: string, options: { reason: string }) => {
        const one = await connect().post<IocView>(`/v1/iocs/${encodeURIComponent(name)}/${command}`, { reason: options.reason });
        print(`${one.name} is ${one.state}: ${one.reason}`);
      });
  }
  return ioc;
}
