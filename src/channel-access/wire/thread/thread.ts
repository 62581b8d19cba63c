/** A CA thread: owns the circuits of its IOCs and does what the main thread commands. */
import { flushCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { pulsesTaken } from '../counters.ts';
import type { ThreadSetting } from '../thread-messages.ts';
import { createContext } from './context.ts';
import { Ioc } from './ioc.ts';
import { Outbox } from './outbox.ts';
import { Pulses } from './pulse.ts';
import { Rests } from './rests.ts';
import { serveIocs } from './serve-iocs.ts';

const port = parentPort!;
const setting = workerData as ThreadSetting;
const outbox = new Outbox(port);
const pulses = new Pulses(setting.thread, outbox, pulsesTaken(setting.counters), (behind) => {
  for (const ioc of iocs.values()) ioc.flow(behind);
});
const context = createContext(setting, outbox, new Rests((lateMs) => pulses.beat(lateMs)));
const iocs = serveIocs({ port, options: setting.options, outbox, pulses, open: (address) => new Ioc(context, address, pulses) });

// With NODE_COMPILE_CACHE set, threads start in a third of the CPU time; a thread that is killed would not have left it.
flushCompileCache();
