/**
 * What a server's beacons say of it. They come quickly after its start and then once in a period,
 * numbered from 0: a number that falls back means a restart, a long silence that the server died,
 * hangs, or cannot reach us.
 */
import type { IocAddress } from '../port.ts';
import type { Beacon } from './beacon-messages.ts';

export type BeaconNews = 'new' | 'restarted' | 'missing';

/** Anybody can send us beacons; so many servers are remembered, the longest silent is forgotten first. */
const mostServers = 16_384;
/** The same beacon by two ways comes twice, and slightly late: not a restart. */
const sameBeaconMs = 250;
const fewBeacons = 4;
const silentPeriods = 2.2;
/** A longer pause than so many periods was no period. */
const slowestPeriods = 8;
const forgottenMs = 3_600_000;

interface Server {
  id: number;
  heardMs: number;
  /** The last regular pause between two beacons, at least the configured period. */
  periodMs: number;
  missing: boolean;
}

export class BeaconWatch {
  readonly #periodMs: number;
  readonly #on: (ioc: IocAddress, what: BeaconNews) => void;
  /** Least recently heard first. */
  readonly #servers = new Map<IocAddress, Server>();

  constructor(periodMs: number, on: (ioc: IocAddress, what: BeaconNews) => void) {
    this.#periodMs = periodMs;
    this.#on = on;
  }

  heard({ host, port, id }: Beacon, nowMs: number): void {
    const ioc = `${host}:${port}`;
    const known = this.#servers.get(ioc);
    this.#servers.delete(ioc);
    if (known === undefined) {
      this.#forgetOldest();
      this.#servers.set(ioc, { id, heardMs: nowMs, periodMs: this.#periodMs, missing: false });
      this.#on(ioc, 'new');
      return;
    }
    this.#servers.set(ioc, known);
    const step = (id - known.id) | 0;
    const pauseMs = nowMs - known.heardMs;
    if (step <= 0 && step >= -fewBeacons && pauseMs < sameBeaconMs) return;
    const { missing } = known;
    // The same number again is the first one of a server that was restarted before its second.
    const restarted = step <= 0;
    // A server with a slower period than ours was silent, not missing: it is learned for the next time.
    if (step === 1) known.periodMs = Math.max(this.#periodMs, Math.min(pauseMs, this.#periodMs * slowestPeriods));
    if (restarted) known.periodMs = this.#periodMs;
    Object.assign(known, { id, heardMs: nowMs, missing: false });
    if (restarted) this.#on(ioc, 'restarted');
    else if (missing) this.#on(ioc, 'new');
  }

  /** Reports servers that fell silent. */
  sweep(nowMs: number): void {
    for (const [ioc, server] of this.#servers) {
      const silentMs = nowMs - server.heardMs;
      if (silentMs > forgottenMs) this.#servers.delete(ioc);
      if (server.missing || silentMs <= server.periodMs * silentPeriods) continue;
      server.missing = true;
      this.#on(ioc, 'missing');
    }
  }

  #forgetOldest(): void {
    if (this.#servers.size < mostServers) return;
    for (const ioc of this.#servers.keys()) {
      this.#servers.delete(ioc);
      return;
    }
  }
}
