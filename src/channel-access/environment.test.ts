import { describe, expect, test } from 'vitest';
import { describeCaFaults, readCaEnvironment } from './environment.ts';

describe('The EPICS_CA_* variables', () => {
  test('take the defaults of EPICS base when unset or empty', () => {
    expect(readCaEnvironment({ EPICS_CA_ADDR_LIST: '', EPICS_CA_CONN_TMO: '  ' })).toEqual({
      ok: true,
      environment: {
        addressList: [], autoAddressList: true, nameServers: [], serverPort: 5064, repeaterPort: 5065, connectionTimeout: 30,
        beaconPeriod: 15, maxArrayBytes: 16384, autoArrayBytes: true, maxSearchPeriod: 300, multicastTtl: 1,
      },
    });
  });

  test('are all read', () => {
    expect(readCaEnvironment({
      EPICS_CA_ADDR_LIST: ' 10.1.255.255  ioc-rf.site.org:5070 10.1.255.255:5066\t10.1.255.255:5070 ',
      EPICS_CA_AUTO_ADDR_LIST: 'no', EPICS_CA_NAME_SERVERS: 'names:9000', EPICS_CA_SERVER_PORT: '5066', EPICS_CA_REPEATER_PORT: '5067',
      EPICS_CA_CONN_TMO: '5.5', EPICS_CA_BEACON_PERIOD: '1e1', EPICS_CA_MAX_ARRAY_BYTES: '8000000', EPICS_CA_AUTO_ARRAY_BYTES: 'NO',
      EPICS_CA_MAX_SEARCH_PERIOD: '60', EPICS_CA_MCAST_TTL: '4',
    })).toEqual({
      ok: true,
      environment: {
        // The first and the third mean the same address once the default port is known.
        addressList: [{ host: '10.1.255.255', port: 5066 }, { host: 'ioc-rf.site.org', port: 5070 }, { host: '10.1.255.255', port: 5070 }],
        autoAddressList: false, nameServers: [{ host: 'names', port: 9000 }], serverPort: 5066, repeaterPort: 5067, connectionTimeout: 5.5,
        beaconPeriod: 10, maxArrayBytes: 8_000_000, autoArrayBytes: false, maxSearchPeriod: 60, multicastTtl: 4,
      },
    });
  });

  test('report all faults together, each with variable, value and what is allowed', () => {
    const result = readCaEnvironment({
      EPICS_CA_ADDR_LIST: '10.1.1.1:0 10.1.1.256 ok.host a:b:c', EPICS_CA_AUTO_ADDR_LIST: 'maybe', EPICS_CA_SERVER_PORT: '80',
      EPICS_CA_REPEATER_PORT: '5065.5', EPICS_CA_CONN_TMO: 'soon', EPICS_CA_MAX_ARRAY_BYTES: '0x10000', EPICS_CA_MCAST_TTL: '0', EPICS_CA_BEACON_PERIOD: '-1',
    });
    if (result.ok) throw new Error('faults were not seen');
    expect(result.faults.map(({ variable, value }) => `${variable}=${value}`).sort()).toEqual([
      'EPICS_CA_ADDR_LIST=10.1.1.1:0', 'EPICS_CA_ADDR_LIST=10.1.1.256', 'EPICS_CA_ADDR_LIST=a:b:c', 'EPICS_CA_AUTO_ADDR_LIST=maybe',
      'EPICS_CA_BEACON_PERIOD=-1', 'EPICS_CA_CONN_TMO=soon', 'EPICS_CA_MAX_ARRAY_BYTES=0x10000', 'EPICS_CA_MCAST_TTL=0',
      'EPICS_CA_REPEATER_PORT=5065.5', 'EPICS_CA_SERVER_PORT=80',
    ]);
    expect(describeCaFaults(result.faults)).toContain('EPICS_CA_SERVER_PORT is "80"; allowed: a whole number from 5001 to 65535');
  });
});
