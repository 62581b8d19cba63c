/**
 * Which ioc-host owns what, without anybody deciding it: rendezvous hashing over the live hosts.
 * Every process that knows the same hosts computes the same owner, and when a host comes or goes
 * only the keys it wins or leaves behind change hands.
 */

/** What a channel is placed by: the IOC that serves it, or its own name while that is unknown. */
export function placementKey(ioc: string | null, name: string): string {
  return ioc === null ? `pv:${name}` : iocPlacementKey(ioc);
}
export function iocPlacementKey(ioc: string): string {
  return `ioc:${ioc}`;
}

export interface Placement {
  readonly hosts: readonly string[];
  /** The host that owns `key`; undefined when no host lives. */
  owner(key: string): string | undefined;
}

/** The order and repetition of `hosts` do not matter. */
export function createPlacement(hosts: Iterable<string>): Placement {
  const sorted = [...new Set(hosts)].sort();
  const seeds = sorted.map((host) => mix(hash(host)));
  return {
    hosts: sorted,
    owner: (key) => {
      if (sorted.length < 2) return sorted[0];
      const hashed = hash(key);
      let best = 0;
      let bestScore = -1;
      for (let i = 0; i < seeds.length; i++) {
        const score = mix(hashed ^ seeds[i]!);
        // Equal scores go to the first in order of names, so that everybody agrees.
        if (score > bestScore) {
          best = i;
          bestScore = score;
        }
      }
      return sorted[best];
    },
  };
}

/** FNV-1a over UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** A finaliser that spreads neighbouring hashes over all 32 bits. */
function mix(input: number): number {
  let value = input >>> 0;
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
