/**
 * Name search: which IOC has a channel? Over UDP to the address list and the broadcast addresses,
 * and over TCP to name servers, until answered or removed.
 */
import type { CaEnvironment } from '../../port.ts';
import { broadcastAddresses, resolveAddresses, type Address } from './addresses.ts';
import { SearchEngine, type SearchFindings } from './engine.ts';
import { NameServer } from './name-server.ts';
import { UdpDestinations } from './udp-destinations.ts';

export interface NameSearch {
  /**
   * Searches for these names until they are found or removed. Ids are the caller's; names may repeat.
   * Adding an id again begins a new search for it. A name that no IOC can have (empty, with a NUL, above
   * 1,024 bytes) is never found.
   */
  add(ids: Int32Array, names: readonly string[]): void;
  /** Ends the search for these, and the watch for duplicates of those found. */
  remove(ids: Int32Array): void;
  /** Searches these, or all that are still missing, again now; their intervals begin anew. */
  urge(ids?: Int32Array): void;
  /** These are at `ioc`, and were not searched: everybody is asked for them once, at leisure, and other servers are reported as duplicates. */
  review(ids: Int32Array, names: readonly string[], ioc: string): void;
  stop(): Promise<void>;
}

export interface FoundBatch {
  readonly ids: Int32Array;
  /** "host:port" per id. */
  readonly iocs: readonly string[];
}

/** How soon a host name without an address is looked up again. */
const resolveAgainMs = 30_000;

export async function startNameSearch(
  environment: CaEnvironment,
  on: { found(batch: FoundBatch): void; duplicate(id: number, used: string, other: string): void },
): Promise<NameSearch> {
  const findings: SearchFindings = { found: (batch) => on.found(batch), duplicate: (id, used, other) => on.duplicate(id, used, other) };
  const engine = new SearchEngine(environment.maxSearchPeriod, findings);
  const broadcasts = environment.autoAddressList ? broadcastAddresses().map((host) => ({ host, port: environment.serverPort })) : [];
  const udp = environment.addressList.length + broadcasts.length > 0 ? await UdpDestinations.open(engine, environment.multicastTtl) : undefined;
  let again: NodeJS.Timeout | undefined;
  let stopped = false;

  const addAll = async (addresses: readonly Address[]): Promise<void> => {
    const { found, unknown } = await resolveAddresses(addresses);
    if (stopped) return;
    for (const address of found) udp?.add(address);
    if (unknown.length > 0) again = setTimeout(() => void addAll(unknown), resolveAgainMs);
  };
  // A slow name service must not hold back the addresses that need none.
  const literal = ({ host }: Address): boolean => /^[\d.]+$/.test(host);
  await addAll([...environment.addressList.filter(literal), ...broadcasts]);
  const named = environment.addressList.filter((address) => !literal(address));
  if (named.length > 0) void addAll(named);
  const nameServers = environment.nameServers.map((address) => new NameServer(engine, address, environment.connectionTimeout));

  let ending: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    stopped = true;
    clearTimeout(again);
    engine.stop();
    for (const server of nameServers) server.stop();
    await udp?.close();
  };
  return {
    add: (ids, names) => engine.add(ids, names),
    remove: (ids) => engine.remove(ids),
    urge: (ids) => engine.urge(ids),
    review: (ids, names, ioc) => engine.review(ids, names, ioc),
    stop: () => (ending ??= end()),
  };
}
