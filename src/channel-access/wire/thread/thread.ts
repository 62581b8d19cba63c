/** A CA thread: owns the circuits of its IOCs and does what the main thread commands. */
import { flushCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { now } from '../clock.ts';
import { pulsesTaken } from '../counters.ts';
import type { Command, ThreadSetting } from '../thread-messages.ts';
import { createContext } from './context.ts';
import { Ioc } from './ioc.ts';
import { Outbox } from './outbox.ts';
import { Pulses } from './pulse.ts';

const port = parentPort!;
const setting = workerData as ThreadSetting;
const outbox = new Outbox(port);
const context = createContext(setting, outbox);
const iocs = new Map<string, Ioc>();
const pulses = new Pulses(setting.thread, outbox, pulsesTaken(setting.counters), (behind) => {
  for (const ioc of iocs.values()) ioc.flow(behind);
});

const { echoIdleMs, echoTimeoutMs } = setting.options;
const watch = setInterval(() => {
  const at = now();
  for (const ioc of iocs.values()) ioc.watch(at);
}, Math.max(20, Math.min(500, echoIdleMs / 4, echoTimeoutMs / 4)));

port.on('message', (command: Command) => {
  if (command.do === 'stop') stop();
  else obey(iocOf(command.ioc), command);
});

// With NODE_COMPILE_CACHE set, threads start in a third of the CPU time; a thread that is killed would not have left it.
flushCompileCache();

function iocOf(address: string): Ioc {
  let ioc = iocs.get(address);
  if (ioc === undefined) iocs.set(address, (ioc = new Ioc(context, address, pulses)));
  return ioc;
}

function obey(ioc: Ioc, command: Exclude<Command, { do: 'stop' }>): void {
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

function stop(): void {
  clearInterval(watch);
  pulses.stop();
  for (const ioc of iocs.values()) ioc.stop();
  outbox.report({ is: 'stopped' });
  outbox.flush();
  port.close();
}
