/** The Channel Access client on the reference library, libca: see docs/decisions and the port. */
import { Worker } from 'node:worker_threads';
import type { CaOptions, ChannelAccess } from '../port.ts';
import { WireClient } from '../wire/main/client.ts';
import { environmentGate } from './environment-gate.ts';
import type { LibcaFiles } from './ffi.ts';
import type { LibcaSetting } from './lane.ts';
import type { Estate } from './reaper.ts';
import { newRemains, takeRemains } from './remains.ts';

export interface LibcaOptions extends CaOptions {
  /** Where libca is. */
  readonly library: LibcaFiles;
  /** The compiled sink. */
  readonly sink: string;
}

export function createLibcaClient({ library, sink, ...options }: LibcaOptions): ChannelAccess {
  const own: LibcaSetting = { files: library, sink, gate: environmentGate, remains: newRemains(Math.max(1, options.threads)) };
  return new WireClient(options, undefined, {
    module: new URL('./worker.ts', import.meta.url),
    own,
    died: (thread) => {
      const remains = takeRemains(own.remains, thread);
      if (remains.context === 0) return;
      const estate: Estate = { files: library, remains };
      new Worker(new URL('./reaper.ts', import.meta.url), { workerData: estate, name: `ca-reaper-${thread + 1}` }).unref();
    },
  });
}
