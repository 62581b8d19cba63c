/** Where to ask: the configured addresses as IPv4 addresses, and the broadcast addresses of this host. */
import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Resolved {
  readonly found: readonly Address[];
  /** Names without an IPv4 address now. */
  readonly unknown: readonly Address[];
}

export async function resolveAddresses(addresses: readonly Address[]): Promise<Resolved> {
  const found: Address[] = [];
  const unknown: Address[] = [];
  await Promise.all(addresses.map(async (address) => {
    if (isIPv4(address.host)) {
      found.push(address);
      return;
    }
    try {
      found.push({ host: (await lookup(address.host, { family: 4 })).address, port: address.port });
    } catch {
      unknown.push(address);
    }
  }));
  return { found, unknown };
}

/** One per interface; on a host without a network the loopback address, as EPICS base does. */
export function broadcastAddresses(interfaces = networkInterfaces()): string[] {
  const found = new Set<string>();
  for (const addresses of Object.values(interfaces)) {
    for (const { family, internal, address, netmask } of addresses ?? []) {
      if (family === 'IPv4' && !internal) found.add(broadcastOf(address, netmask));
    }
  }
  return found.size > 0 ? [...found] : ['127.0.0.1'];
}

function broadcastOf(address: string, netmask: string): string {
  const mask = netmask.split('.').map(Number);
  return address.split('.').map((byte, index) => (Number(byte) | (~mask[index]! & 255)) & 255).join('.');
}
