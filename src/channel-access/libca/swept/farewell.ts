/**
 * Ends a context. That must happen on its own thread and before the thread ends: without callbacks the
 * thread holds libca's lock, and libca ends the process when the owner of its lock is gone. But libca
 * waits half a minute for a peer that is silent; so all circuits are shut down first.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type SweptNative, takeArrived } from './ffi.ts';

/** @param peers Whom circuits are to, as "host:port". */
export function endContext(native: SweptNative, peers: Iterable<string>): void {
  try {
    shutDown(native, new Set([...peers].map(asTheKernelWrites)));
    takeArrived(native);
  } finally {
    native.ca.context_destroy();
  }
}

const bothWays = 2;

/** libca does not tell its sockets; the kernel knows whom they are connected to. */
function shutDown(native: SweptNative, peers: ReadonlySet<string>): void {
  if (peers.size === 0) return;
  const inodes = new Set<string>();
  for (const line of readFileSync('/proc/self/net/tcp', 'latin1').split('\n')) {
    const [, , peer, , , , , , , inode] = line.trim().split(/\s+/);
    if (peer !== undefined && inode !== undefined && peers.has(peer)) inodes.add(`socket:[${inode}]`);
  }
  for (const fd of readdirSync('/proc/self/fd')) {
    if (inodes.has(whatIs(fd))) native.shutdown(Number(fd), bothWays);
  }
}

function whatIs(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // Closed meanwhile.
    return '';
  }
}

/** "127.0.0.1:5064" as /proc/net/tcp has it on a machine with the low byte first. */
function asTheKernelWrites(address: string): string {
  const colon = address.lastIndexOf(':');
  const hex = (number: number, digits: number): string => number.toString(16).toUpperCase().padStart(digits, '0');
  const host = address.slice(0, colon).split('.').reverse().map((part) => hex(Number(part), 2)).join('');
  return `${host}:${hex(Number(address.slice(colon + 1)), 4)}`;
}
