/**
 * The EPICS_CA_* variables that a client knows, parsed. Unset and empty variables take the
 * defaults of EPICS base; a value that cannot be meant is a fault, and all faults are reported
 * together, because a client that silently fell back to a default searches the wrong network.
 */
import type { CaEnvironment } from './port.ts';

export interface CaEnvironmentFault {
  readonly variable: string;
  readonly value: string;
  /** What the variable may be, for people. */
  readonly allowed: string;
}

export type CaEnvironmentResult =
  | { readonly ok: true; readonly environment: CaEnvironment }
  | { readonly ok: false; readonly faults: readonly CaEnvironmentFault[] };

type Address = CaEnvironment['addressList'][number];

const defaultServerPort = 5064;
const defaultRepeaterPort = 5065;

export function readCaEnvironment(variables: Readonly<Record<string, string | undefined>>): CaEnvironmentResult {
  const faults: CaEnvironmentFault[] = [];

  const read = <V>(variable: string, otherwise: V, allowed: string, parse: (text: string) => V | undefined): V => {
    const value = variables[variable]?.trim() ?? '';
    if (value === '') return otherwise;
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    faults.push({ variable, value, allowed });
    return otherwise;
  };
  const number = (variable: string, otherwise: number, low: number, high: number, whole: boolean, unit: string): number =>
    read(variable, otherwise, `${whole ? 'a whole number' : 'a number'}${unit} from ${low} to ${high}`, (text) => {
      const value = decimal.test(text) ? Number(text) : Number.NaN;
      return value >= low && value <= high && (!whole || Number.isInteger(value)) ? value : undefined;
    });
  const yesOrNo = (variable: string): boolean =>
    read(variable, true, 'YES or NO', (text) => ({ YES: true, NO: false })[text.toUpperCase()]);
  // EPICS base reserves the ports up to 5000 and falls back to its default there, which nobody notices.
  const port = (variable: string, otherwise: number): number => number(variable, otherwise, 5001, 65535, true, '');

  const serverPort = port('EPICS_CA_SERVER_PORT', defaultServerPort);
  const addresses = (variable: string): readonly Address[] => {
    const found = new Map<string, Address>();
    for (const word of (variables[variable] ?? '').split(/\s+/)) {
      if (word === '') continue;
      const address = parseAddress(word, serverPort);
      if (address === undefined) faults.push({ variable, value: word, allowed: 'host or host:port, separated by blanks, port from 1 to 65535' });
      else found.set(`${address.host}:${address.port}`, address);
    }
    return [...found.values()];
  };

  const environment: CaEnvironment = {
    addressList: addresses('EPICS_CA_ADDR_LIST'),
    autoAddressList: yesOrNo('EPICS_CA_AUTO_ADDR_LIST'),
    nameServers: addresses('EPICS_CA_NAME_SERVERS'),
    serverPort,
    repeaterPort: port('EPICS_CA_REPEATER_PORT', defaultRepeaterPort),
    connectionTimeout: number('EPICS_CA_CONN_TMO', 30, 0.1, 86_400, false, ' of seconds'),
    beaconPeriod: number('EPICS_CA_BEACON_PERIOD', 15, 0.1, 86_400, false, ' of seconds'),
    maxArrayBytes: number('EPICS_CA_MAX_ARRAY_BYTES', 16_384, 16_384, 2_147_483_647, true, ' of bytes'),
    autoArrayBytes: yesOrNo('EPICS_CA_AUTO_ARRAY_BYTES'),
    maxSearchPeriod: number('EPICS_CA_MAX_SEARCH_PERIOD', 300, 1, 86_400, false, ' of seconds'),
    multicastTtl: number('EPICS_CA_MCAST_TTL', 1, 1, 255, true, ''),
  };
  return faults.length === 0 ? { ok: true, environment } : { ok: false, faults };
}

/** One line per fault, each naming variable, value and what is allowed. */
export function describeCaFaults(faults: readonly CaEnvironmentFault[]): string {
  return faults.map(({ variable, value, allowed }) => `${variable} is "${value}"; allowed: ${allowed}`).join('\n');
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const hostName = /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_.])?$/i;
const digitsAndDots = /^[\d.]+$/;
const ipv4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

function parseAddress(word: string, defaultPort: number): Address | undefined {
  const [host = '', portText, ...rest] = word.split(':');
  if (rest.length > 0 || !hostName.test(host)) return undefined;
  if (digitsAndDots.test(host)) {
    const bytes = ipv4.exec(host)?.slice(1).map(Number);
    if (bytes === undefined || bytes.some((byte) => byte > 255)) return undefined;
  }
  if (portText === undefined) return { host, port: defaultPort };
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  return port >= 1 && port <= 65535 ? { host, port } : undefined;
}
