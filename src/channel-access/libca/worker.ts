/** A thread of the libca client: owns one context, and does what the main thread commands. */
import { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { ChannelColumns } from '../columns.ts';
import { pulsesTaken } from '../wire/counters.ts';
import type { ThreadSetting } from '../wire/thread-messages.ts';
import { Outbox } from '../wire/thread/outbox.ts';
import { Pulses } from '../wire/thread/pulse.ts';
import { serveIocs } from '../wire/thread/serve-iocs.ts';
import { Directory } from './directory.ts';
import { shutDownCircuits } from './farewell.ts';
import { loadNative, loadSink } from './ffi.ts';
import { Ioc } from './ioc.ts';
import { createContext, Lane, type LibcaSetting } from './lane.ts';
import { auxiliaryToken, batchToken, checkLayout, layoutLength, Memory, Purpose } from './memory.ts';
import { noteRemains, takeRemains } from './remains.ts';
import { SinkCircuit } from './sink-circuit.ts';
import type { SlotOwner } from './sink-slots.ts';
import { slotsFor } from './slots.ts';
import { createLibcaContext } from './thread-context.ts';
import { Updates } from './updates.ts';

/**
 * Updates are looked for so often, and told in the same turn; answers that somebody waits for rouse the
 * thread at once. Each look costs two threads a waking, so it is more often only while the ring has news.
 */
const quietMs = 100;
const newsMs = 50;

const port = parentPort!;
const setting = workerData as ThreadSetting;
const own = setting.own as LibcaSetting;
const { environment, capacity } = setting.options;

const native = loadNative(own.files);
const directory = await Directory.open();
const memory = new Memory(native.c, slotsFor(capacity), new ChannelColumns(setting.columns), setting.tenure);
createContext(native, environment, directory.port, own.gate);
noteRemains(own.remains, setting.thread, { context: native.ca.current_context(), memory: memory.base, fd: memory.writeEnd });
const lane = new Lane(native, loadSink(own.sink, native, layoutLength, checkLayout), memory);

const outbox = new Outbox(port);
const context = createLibcaContext(setting, outbox, { native, lane, memory, directory });
const updates = new Updates(context);
const pulses = new Pulses(setting.thread, outbox, pulsesTaken(setting.counters), () => undefined, () => updates.takeSide());
const iocs = serveIocs({ port, options: setting.options, outbox, pulses, open: (address) => new Ioc(context, address, pulses, (ioc) => new SinkCircuit(context, ioc, pulses, updates)), stop: leave });

// Node's own handle: one of koffi's ends the process when a thread dies that has it.
const wakes = new Socket({ fd: memory.readEnd, readable: true, writable: false }).on('data', drain);
let news = true;
let timer = setTimeout(look, newsMs);
memory.arm();

function look(): void {
  for (const ioc of iocs.values()) ioc.circuit.countUpdates();
  drain();
  pulses.send();
  timer = setTimeout(look, news ? newsMs : quietMs);
  news = false;
}

/** Takes everything out of the ring. */
function drain(): void {
  const touched = new Set<SlotOwner>();
  // Armed first: what comes while we look is either seen, or rouses us.
  memory.arm();
  let last: SlotOwner | undefined;
  for (let token = memory.next(); token !== 0; token = memory.next()) {
    news = true;
    if (token >= batchToken) context.onBatch.get(memory.batchAt(token - batchToken))?.();
    else if (token >= auxiliaryToken) context.aside.answered(token - auxiliaryToken);
    else {
      const slot = (token >>> 3) - 1;
      const ioc = context.slots.owner[slot];
      if (ioc === undefined) continue;
      if (ioc !== last) touched.add(last = ioc);
      switch ((token & 7) as Purpose) {
        case Purpose.channel: ioc.channelChanged(slot); break;
        case Purpose.event: ioc.event(slot); break;
        case Purpose.property: ioc.property(slot); break;
        case Purpose.putChannel: ioc.putChannelChanged(slot); break;
        // Its answers come by their batch.
        case Purpose.read: break;
      }
    }
  }
  for (const ioc of touched) ioc.settled();
}

async function leave(): Promise<void> {
  clearTimeout(timer);
  wakes.destroy();
  // libca waits for its peers to close too, the directory among them.
  directory.close();
  await new Promise((resolve) => setImmediate(resolve));
  try {
    shutDownCircuits(native.c, iocs.keys());
  } finally {
    takeRemains(own.remains, setting.thread);
    lane.destroy();
  }
  memory.free();
}
