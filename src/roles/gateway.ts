/** The gateway as a part of a role. */
import type { Bus } from '../bus/port.ts';
import type { CaEnvironment } from '../channel-access/port.ts';
import { createGateway } from '../gateway/index.ts';
import type { Persistence } from '../persistence/port.ts';
import type { Ground } from './ground.ts';
import { version } from './version.ts';

/** As they are written in the environment. */
function caVariables({ addressList, autoAddressList, nameServers }: CaEnvironment): Record<string, string> {
  const list = (places: CaEnvironment['addressList']): string => places.map(({ host, port }) => `${host}:${port}`).join(' ');
  return { EPICS_CA_ADDR_LIST: list(addressList), EPICS_CA_AUTO_ADDR_LIST: autoAddressList ? 'YES' : 'NO', EPICS_CA_NAME_SERVERS: list(nameServers) };
}

export async function runGateway({ config, log, lifecycle, metrics }: Ground, bus: Bus, persistence: Persistence): Promise<string> {
  const gateway = createGateway({
    persistence,
    bus,
    log: log.child({ part: 'gateway' }),
    metrics,
    options: { host: config.host, port: config.port, allowOrigins: config.origins, version, environment: caVariables(config.caEnvironment) },
  });
  await lifecycle.run(gateway);
  return gateway.url;
}
