/** The Channel Access client that the configuration names. `variables` are the process's own: PATH, EPICS_BASE. */
import { availableParallelism } from 'node:os';
import { createLibcaClient } from '../channel-access/libca/index.ts';
import { createSweptLibcaClient } from '../channel-access/libca/swept/index.ts';
import type { CaEnvironment, CaOptions, ChannelAccess } from '../channel-access/port.ts';
import { createWireClient } from '../channel-access/wire/index.ts';
import type { Config } from '../config.ts';
import { bringSink, findLibca, lostWithoutSink, type Sink } from '../embedded/index.ts';
import type { Log } from '../kernel/log.ts';
import type { Ground } from './ground.ts';

type Variables = Readonly<Record<string, string | undefined>>;

export function openChannelAccess({ config, log, lifecycle }: Ground, environment: CaEnvironment, variables: Variables): Promise<ChannelAccess> {
  return lifecycle.open(
    'channel access',
    () => createChannelAccess(config, environment, variables, log),
    (client) => client.stop(),
  );
}

async function createChannelAccess(config: Config, environment: CaEnvironment, variables: Variables, log: Log): Promise<ChannelAccess> {
  const options: CaOptions = {
    environment, threads: config.caThreads ?? (config.ca === 'libca' ? Math.min(4, Math.max(2, availableParallelism())) : 1), capacity: config.caCapacity, echoIdleMs: config.caEchoIdleMs, echoTimeoutMs: config.caEchoTimeoutMs,
  };
  if (config.ca === 'wire') return createWireClient(options);
  const at = { folder: config.bring, environment: { ...variables }, say: (line: string) => log.info({}, line) };
  const libca = await findLibca({ ...at, ...(config.libca ? { override: config.libca } : {}) });
  const library = { libca: libca.found, libCom: libca.libCom };
  log.info({ version: libca.version, at: libca.found, source: libca.source }, 'Channel Access by libca');
  const sink: Sink = config.libcaSink === 'off' ? { why: 'DREY_LIBCA_SINK=off' } : await bringSink(at);
  if ('path' in sink) return createLibcaClient({ ...options, library, sink: sink.path });
  const lacks = lostWithoutSink(config.libcaSweepMs);
  log.warn({ why: sink.why, lost: lacks }, 'libca without its native sink, which a C compiler would build; DREY_CA=wire needs none');
  return createSweptLibcaClient({ ...options, library, sweepMs: config.libcaSweepMs, lacks });
}
