/** A thread of the libca client without native code: owns one context, and does what the main thread commands. */
import { createSocket, type Socket } from 'node:dgram';
import { parentPort, workerData } from 'node:worker_threads';
import koffi from 'koffi';
import { now } from '../../wire/clock.ts';
import { pulsesTaken } from '../../wire/counters.ts';
import { Outbox } from '../../wire/thread/outbox.ts';
import { Pulses } from '../../wire/thread/pulse.ts';
import { serveIocs } from '../../wire/thread/serve-iocs.ts';
import type { ThreadSetting } from '../../wire/thread-messages.ts';
import { Directory } from '../directory.ts';
import { shutDownCircuits } from '../farewell.ts';
import { Ioc } from '../ioc.ts';
import { createContext } from '../lane.ts';
import { SweptCircuit } from './circuit.ts';
import { createSweptContext, type SweptSetting } from './context.ts';
import { loadSweptNative, takeArrived } from './ffi.ts';
import { SweptSides } from './sweeps.ts';

/** In case libca does not say that something has come. */
const lookMs = 20;

const port = parentPort!;
const setting = workerData as ThreadSetting;
const own = setting.own as SweptSetting;

const native = loadSweptNative(own.files);
const directory = await Directory.open();
const directoryPort = directory.port;
createContext(native, setting.options.environment, directoryPort, own.gate, 'whenProcessed');
const contexts = new Int32Array(own.contexts);
Atomics.add(contexts, 0, 1);

const outbox = new Outbox(port);
const context = createSweptContext(setting, outbox, native, directory);
const sides = new SweptSides(context);
const pulses = new Pulses(setting.thread, outbox, pulsesTaken(setting.counters), () => undefined, () => sides.take());

const wakeUps: Socket[] = [];
// A copy of the descriptor, for both sides close theirs. Kept here: a callback that nobody holds is collected.
const handler = native.onDescriptor((fd) => wakeUps.push(createSocket('udp4', look).bind({ fd: native.c.dup(fd), exclusive: true })));
const iocs = serveIocs({ port, options: setting.options, outbox, pulses, open: (address) => new Ioc(context, address, pulses, (ioc) => new SweptCircuit(context, ioc, pulses, sides)), stop: leave });
const timer = setInterval(look, lookMs);

function look(): void {
  takeArrived(native);
  const at = now();
  for (const ioc of iocs.values()) ioc.circuit.look(at);
}

async function leave(): Promise<void> {
  clearInterval(timer);
  for (const socket of wakeUps) socket.close();
  await new Promise((resolve) => setImmediate(resolve));
  end();
  directory.close();
}

// Also when the thread ends by a fault: libca ends the process when the owner of its lock is gone, and without callbacks that is this thread.
process.on('exit', end);

let ended = false;
function end(): void {
  if (ended) return;
  ended = true;
  try {
    shutDownCircuits(native.c, [...iocs.keys(), `127.0.0.1:${directoryPort}`]);
    takeArrived(native);
  } finally {
    native.ca.context_destroy();
  }
  Atomics.sub(contexts, 0, 1);
  Atomics.notify(contexts, 0);
  koffi.unregister(handler as Parameters<typeof koffi.unregister>[0]);
  context.cells.free();
}
