/** The Channel Access client on the reference library, libca: see docs/decisions and the port. */
import type { CaOptions, ChannelAccess } from '../port.ts';
import { WireClient } from '../wire/main/client.ts';
import type { LibcaFiles } from './ffi.ts';
import type { LibcaSetting } from './lane.ts';

export interface LibcaOptions extends CaOptions {
  /** Where libca is. */
  readonly library: LibcaFiles;
  /** The compiled sink.c. */
  readonly sink: string;
}

/** One for the process: contexts take their setting from its environment, one at a time. */
const gate = new SharedArrayBuffer(4);

export function createLibcaClient({ library, sink, ...options }: LibcaOptions): ChannelAccess {
  const own: LibcaSetting = { files: library, sink, gate };
  return new WireClient(options, undefined, { module: new URL('./worker.ts', import.meta.url), own });
}
