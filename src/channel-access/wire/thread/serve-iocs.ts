/** The loop of a CA thread, of either client: does for each IOC what the main thread commands, and watches them. */
import type { MessagePort } from 'node:worker_threads';
import type { CaOptions } from '../../port.ts';
import { now } from '../clock.ts';
import type { Command } from '../thread-messages.ts';
import type { Outbox } from './outbox.ts';
import type { Pulses } from './pulse.ts';

type Of<Verb extends Command['do']> = Command & { readonly do: Verb };

/** One IOC, as its thread serves it. */
export interface ServedIoc {
  connect(command: Of<'connect'>): void;
  close(rows: Int32Array): void;
  read(command: Of<'read'>): void;
  write(command: Of<'write'>): void;
  prepare(rows: Int32Array): void;
  alive(command: Of<'alive'>): void;
  allow(allowed: boolean): void;
  restarted(): void;
  /** Called regularly: looks for silence and for what is overdue. */
  watch(at: number): void;
  stop(): void;
}

interface Serving<Served extends ServedIoc> {
  readonly port: MessagePort;
  readonly options: CaOptions;
  readonly outbox: Outbox;
  readonly pulses: Pulses;
  readonly open: (address: string) => Served;
  /** After the last report: lets go of what belongs to no IOC. */
  readonly stop?: () => Promise<void>;
}

/** Returns the IOCs; it grows as the main thread names them. */
export function serveIocs<Served extends ServedIoc>({ port, options, outbox, pulses, open, stop }: Serving<Served>): ReadonlyMap<string, Served> {
  const iocs = new Map<string, Served>();
  const { echoIdleMs, echoTimeoutMs } = options;
  const watch = setInterval(() => {
    const at = now();
    for (const ioc of iocs.values()) ioc.watch(at);
  }, Math.max(20, Math.min(500, echoIdleMs / 4, echoTimeoutMs / 4)));

  const iocOf = (address: string): Served => {
    let ioc = iocs.get(address);
    if (ioc === undefined) iocs.set(address, (ioc = open(address)));
    return ioc;
  };
  const end = async (): Promise<void> => {
    clearInterval(watch);
    pulses.stop();
    for (const ioc of iocs.values()) ioc.stop();
    outbox.report({ is: 'stopped' });
    outbox.flush();
    await stop?.();
    port.close();
  };
  port.on('message', (command: Command) => {
    if (command.do === 'stop') void end();
    else obey(iocOf(command.ioc), command);
  });
  return iocs;
}

function obey(ioc: ServedIoc, command: Exclude<Command, { do: 'stop' }>): void {
  switch (command.do) {
    case 'connect': return ioc.connect(command);
    case 'close': return ioc.close(command.rows);
    case 'read': return ioc.read(command);
    case 'alive': return ioc.alive(command);
    case 'allow': return ioc.allow(command.allowed);
    case 'write': return ioc.write(command);
    case 'prepare': return ioc.prepare(command.rows);
    case 'restarted': return ioc.restarted();
  }
}
