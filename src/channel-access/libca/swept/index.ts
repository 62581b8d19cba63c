/** The libca client where nothing can be compiled: see docs/decisions/0008. */
import type { CaOptions, ChannelAccess } from '../../port.ts';
import { WireClient } from '../../wire/main/client.ts';
import { environmentGate } from '../environment-gate.ts';
import type { LibcaFiles } from '../ffi.ts';
import type { SweptSetting } from './context.ts';

export interface SweptLibcaOptions extends CaOptions {
  /** Where libca is. */
  readonly library: LibcaFiles;
  /** Time from one sweep of an IOC's monitored channels to the next, ms. */
  readonly sweepMs: number;
  /** What is said of what is lost. */
  readonly lacks?: readonly string[];
}

/** Ended from outside, a thread would take the process with it: that is for one that hangs for good. */
const stopMs = 60_000;
/** How long a process that ends waits for its contexts to be ended. */
const patienceMs = 1_000;

export function createSweptLibcaClient({ library, sweepMs, lacks = [], ...options }: SweptLibcaOptions): ChannelAccess {
  const contexts = new SharedArrayBuffer(4);
  const own: SweptSetting = { files: library, sweepMs, gate: environmentGate, contexts };
  const client = new WireClient(options, undefined, { module: new URL('./worker.ts', import.meta.url), own, stopMs, lacks });
  const stop = client.stop.bind(client);
  // A process that ends ends its threads, wherever they are; libca takes that badly (see worker.ts).
  const atExit = (): void => {
    void stop();
    awaitNone(new Int32Array(contexts));
  };
  process.once('exit', atExit);
  client.stop = async () => {
    await stop();
    process.off('exit', atExit);
  };
  return client;
}

function awaitNone(contexts: Int32Array): void {
  const until = performance.now() + patienceMs;
  for (let left = Atomics.load(contexts, 0); left > 0 && performance.now() < until; left = Atomics.load(contexts, 0)) {
    Atomics.wait(contexts, 0, left, until - performance.now());
  }
}
