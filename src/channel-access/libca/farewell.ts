/**
 * Before a context is ended its circuits are shut down, for libca waits half a minute for a peer that
 * is silent or owes something: for the end of the circuit from that side.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { LibC } from './ffi.ts';

const bothWays = 2;
/** O_NONBLOCK: Node's own sockets have it, libca's do not. */
const nonBlocking = 0o4000;

/**
 * Shuts down libca's sockets. It does not tell which they are; the kernel knows whom they are connected to.
 * @param peers Whom circuits are to, as "host:port".
 */
export function shutDownCircuits(c: LibC, peers: Iterable<string>): void {
  const inodes = socketsTo(new Set([...peers].map(asTheKernelWrites)));
  for (const fd of readdirSync('/proc/self/fd')) {
    if (!inodes.has(whatIs(fd))) continue;
    // Looked at once more as a copy, which nobody else can close: libca's threads end circuits too.
    const copy = c.dup(Number(fd));
    if (inodes.has(whatIs(String(copy))) && isBlocking(copy)) c.shutdown(copy, bothWays);
    c.close(copy);
  }
}

function socketsTo(peers: ReadonlySet<string>): ReadonlySet<string> {
  const inodes = new Set<string>();
  for (const line of readFileSync('/proc/self/net/tcp', 'latin1').split('\n')) {
    const [, , peer, , , , , , , inode] = line.trim().split(/\s+/);
    if (peer !== undefined && inode !== undefined && peers.has(peer)) inodes.add(`socket:[${inode}]`);
  }
  return inodes;
}

function whatIs(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // Closed meanwhile.
    return '';
  }
}

function isBlocking(fd: number): boolean {
  const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
  return flags !== undefined && (parseInt(flags, 8) & nonBlocking) === 0;
}

/** "127.0.0.1:5064" as /proc/net/tcp has it on a machine with the low byte first. */
function asTheKernelWrites(address: string): string {
  const colon = address.lastIndexOf(':');
  const hex = (number: number, digits: number): string => number.toString(16).toUpperCase().padStart(digits, '0');
  const host = address.slice(0, colon).split('.').reverse().map((part) => hex(Number(part), 2)).join('');
  return `${host}:${hex(Number(address.slice(colon + 1)), 4)}`;
}
