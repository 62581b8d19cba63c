import type { CaEnvironment } from '../../src/channel-access/port.ts';

/** What EPICS_CA_* says when it names only these ports of loopback. */
export function loopbackEnvironment(ports: readonly number[], change: Partial<CaEnvironment> = {}): CaEnvironment {
  return {
    addressList: ports.map((port) => ({ host: '127.0.0.1', port })),
    autoAddressList: false,
    nameServers: [],
    serverPort: 5064,
    // Nobody's repeater, and nobody's own: beacons are tested elsewhere.
    repeaterPort: 35_065,
    connectionTimeout: 30,
    beaconPeriod: 15,
    maxArrayBytes: 16_384,
    autoArrayBytes: true,
    maxSearchPeriod: 60,
    multicastTtl: 1,
    ...change,
  };
}
