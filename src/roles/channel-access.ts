/** The Channel Access client that the configuration names. `variables` are the process's own: PATH, EPICS_BASE. */
import { createLibcaClient } from '../channel-access/libca/index.ts';
import type { CaEnvironment, CaOptions, ChannelAccess } from '../channel-access/port.ts';
import { createWireClient } from '../channel-access/wire/index.ts';
import type { Config } from '../config.ts';
import { DreyError } from '../contracts/errors.ts';
import { bringSink, findLibca } from '../embedded/index.ts';
import type { Log } from '../kernel/log.ts';

export async function createChannelAccess(config: Config, environment: CaEnvironment, variables: Readonly<Record<string, string | undefined>>, log: Log): Promise<ChannelAccess> {
  const options: CaOptions = {
    environment, threads: config.caThreads, capacity: config.caCapacity, echoIdleMs: config.caEchoIdleMs, echoTimeoutMs: config.caEchoTimeoutMs,
  };
  if (config.ca === 'wire') return createWireClient(options);
  const at = { folder: config.bring, environment: { ...variables }, say: (line: string) => log.info({}, line) };
  const libca = await findLibca({ ...at, ...(config.libca ? { override: config.libca } : {}) });
  const sink = await bringSink(at);
  log.info({ version: libca.version, at: libca.found, source: libca.source }, 'Channel Access by libca');
  if ('why' in sink) throw new DreyError('unavailable', `DREY_CA=libca needs its native sink, which could not be built: ${sink.why}. Install a C compiler, or leave DREY_CA at wire, which needs none`);
  return createLibcaClient({ ...options, library: { libca: libca.found, libCom: libca.libCom }, sink: sink.path });
}
