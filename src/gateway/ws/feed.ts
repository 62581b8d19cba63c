/**
 * Keeps the latest values current while somebody watches: announces the interest, takes the frames of
 * the ioc-hosts, asks for the full picture where one was missed, and for descriptions.
 */
import { randomUUID } from 'node:crypto';
import { describe } from '../../bus/live.ts';
import type { Hosts } from '../../bus/hosts.ts';
import { json, type Bus, type Subscription } from '../../bus/port.ts';
import { decodeFrame } from '../../contracts/frame.ts';
import { interestRenewMs, interestValidMs, liveBeatMs, liveWindowMs, type LiveInterest, type LiveUpdates } from '../../contracts/live.ts';
import { subjects } from '../../contracts/subjects.ts';
import { ReadOutcome } from '../../contracts/values.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { LatestValues } from './latest-values.ts';

export interface FeedDeps {
  readonly bus: Bus;
  readonly hosts: Hosts;
  readonly table: LatestValues;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Feed {
  /** Clients want changes at least this often, ms; null: nobody watches. */
  want(windowMs: number | null): void;
  /** Resolves when every host that lives has sent its full picture, or has had the time for it. */
  whole(): Promise<void>;
  stop(): Promise<void>;
}

interface Heard {
  boot: string;
  sequence: number;
  at: number;
  whole: boolean;
  /** Whether a full picture is coming in of which nothing was missed. */
  picturing: boolean;
  askedAt: number;
}

const wholeWithinMs = 1_500;
/** One request for the full picture serves all the frames that were missed with it. */
const askAgainMs = 500;
/** A host that says nothing for several of its beats is silent. */
const silentMs = 5 * liveBeatMs;
const silence: Heard = { boot: '', sequence: 0, at: 0, whole: false, picturing: false, askedAt: 0 };

export function createFeed({ bus, hosts, table, clock, log }: FeedDeps): Feed {
  const gateway = randomUUID();
  const heard = new Map<string, Heard>();
  let wanted: number | null = null;
  let renewing: unknown;
  let subscription: Subscription | undefined;
  let waiting: (() => void)[] = [];

  const announce = (windowMs: number, full?: string): void => {
    const interest: LiveInterest = { gateway, windowMs, validMs: interestValidMs, ...(full === undefined ? {} : { full }) };
    if (bus.state === 'connected') bus.publish(subjects.liveInterest, json.encode(interest));
  };
  const ask = (host: string): void => {
    const known = heard.get(host);
    if (wanted === null || !known || clock.now() - known.askedAt < askAgainMs) return;
    known.askedAt = clock.now();
    known.whole = false;
    announce(wanted, host);
  };
  const isWhole = (): boolean => hosts.names().every((host) => heard.get(host)?.whole);
  const tell = (): void => {
    table.settle(hosts.names().length === 0 ? ReadOutcome.hostLost : ReadOutcome.notOwned);
    for (const done of waiting.splice(0)) done();
  };

  const take = (body: Uint8Array): void => {
    const { head, columns } = decodeFrame<LiveUpdates>(body);
    const now = clock.now();
    let from = heard.get(head.host);
    if (!from) heard.set(head.host, (from = { ...silence }));
    const missed = from.boot !== head.boot || head.sequence !== from.sequence + 1;
    from.boot = head.boot;
    from.sequence = head.sequence;
    from.at = now;
    const begins = head.full === 'first' || head.full === 'only';
    if (begins) table.beginPicture(head.host);
    const reconsider = columns.length > 0 && table.apply(head.host, columns, now);
    if (begins) from.picturing = true;
    else if (missed) {
      from.picturing = false;
      ask(head.host);
    }
    if ((head.full === 'last' || head.full === 'only') && from.picturing) {
      from.picturing = false;
      table.endPicture(head.host);
      from.whole = true;
      if (waiting.length > 0 && isWhole()) tell();
    }
    if (reconsider) for (const host of heard.keys()) if (host !== head.host) ask(host);
    fetchDescriptions();
  };

  let describing: Promise<void> | undefined;
  /** Hashes that nobody described, for the next time. */
  const undescribed = new Set<bigint>();
  const describeAll = async (): Promise<void> => {
    for (let hashes = table.takeUndescribed(); hashes.length > 0; hashes = table.takeUndescribed()) {
      for (const hash of hashes) undescribed.add(hash);
      const found = await describe(bus, undescribed, { hosts: hosts.names() });
      for (const hash of found.keys()) undescribed.delete(hash);
      table.describe(found);
    }
  };
  const fetchDescriptions = (): void => {
    describing ??= describeAll()
      .catch((error: unknown) => log.debug({ err: error }, 'descriptions of live values could not be had'))
      .finally(() => (describing = undefined));
  };

  /** S1: values of a host that is gone or silent are none. */
  const loseSilent = (): void => {
    const alive = new Set(hosts.names());
    for (const [host, { at }] of heard) {
      if (alive.has(host) && bus.state === 'connected' && clock.now() - at < silentMs) continue;
      heard.delete(host);
      table.lose(host);
    }
  };
  const renew = (): void => {
    renewing = clock.setTimeout(() => {
      if (wanted === null) return;
      loseSilent();
      announce(wanted);
      // A host that is there and was never heard has not had the chance to say everything.
      for (const host of hosts.names()) if (!heard.has(host)) announce(wanted, host);
      if (undescribed.size > 0) {
        table.wantDescribed(undescribed);
        fetchDescriptions();
      }
      renew();
    }, interestRenewMs);
  };

  const stopWatchingHosts = hosts.onChange(() => wanted !== null && loseSilent());
  const stopWatchingBus = bus.onState((state) => {
    if (wanted === null) return;
    if (state === 'connected') announce(wanted, '*');
    else loseSilent();
  });

  return {
    want: (windowMs) => {
      const before = wanted;
      wanted = windowMs === null ? null : Math.min(liveWindowMs.most, Math.max(liveWindowMs.least, Math.floor(windowMs / 2)));
      if (wanted === before) return;
      if (wanted === null) {
        clock.clearTimeout(renewing);
        announce(0);
        void subscription?.stop();
        subscription = undefined;
        for (const host of heard.keys()) table.lose(host);
        heard.clear();
        return;
      }
      if (before !== null) return announce(wanted);
      subscription = bus.subscribe(subjects.allLiveUpdates, ({ body }) => {
        try {
          take(body);
        } catch (error) {
          log.warn({ err: error }, 'a frame of live updates could not be read');
        }
      });
      announce(wanted, '*');
      renew();
    },
    whole: async () => {
      if (isWhole() && hosts.names().length > 0) table.settle(ReadOutcome.notOwned);
      else {
        await new Promise<void>((resolve) => {
          const patience = clock.setTimeout(tell, wholeWithinMs);
          waiting.push(() => {
            clock.clearTimeout(patience);
            resolve();
          });
        });
      }
      // What a value is measured in belongs to the first picture of it.
      await describing;
    },
    stop: async () => {
      clock.clearTimeout(renewing);
      if (wanted !== null) announce(0);
      wanted = null;
      waiting = [];
      stopWatchingHosts();
      stopWatchingBus();
      await subscription?.stop();
    },
  };
}
