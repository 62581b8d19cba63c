/**
 * Keeps the channels that are open here in step with the catalogue, the directory and the hosts that
 * live. One pass at a time; what changes meanwhile is taken up by the next.
 */
import type { Bus, Subscription } from '../../bus/port.ts';
import { json } from '../../bus/port.ts';
import { watchHosts, type Hosts } from '../../bus/hosts.ts';
import type { ChannelAccess } from '../../channel-access/port.ts';
import { subjects } from '../../contracts/subjects.ts';
import { createPlacement, type Placement } from '../../kernel/placement.ts';
import type { Facility } from '../facility/index.ts';
import type { ChannelTable, DictionaryRow } from './channel-table.ts';
import { fetchDictionary } from './dictionary.ts';
import { handOver } from './hand-over.ts';
import { pause, untilDone, type Retry } from './retry.ts';

export interface Watch {
  /** Of the catalogue as it is watched here; -1 before the first. */
  readonly revision: number;
  /** Resolves when everything that was known at the call is in place. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export interface WatchDeps extends Retry {
  readonly bus: Bus;
  readonly host: string;
  readonly channelAccess: ChannelAccess;
  readonly facility: Facility;
  readonly table: ChannelTable;
}

/** Channels opened or closed before others get a turn on this thread. */
const sliceChannels = 5_000;
/** A host that misses beats may only be slow, and moving its channels twice helps nobody. */
const graceMs = 3_000;
/** What a pass under way is given when the host stops. */
const lastPassMs = 1_000;

export async function startWatching(deps: WatchDeps): Promise<Watch> {
  const { bus, host, channelAccess, facility, table, clock, signal, log } = deps;
  let revision = -1;
  let wantDictionary = true;
  let wantPlacement = true;
  let running: Promise<void> | undefined;

  const hosts: Hosts = await watchHosts(bus);
  const livingNow = (): Placement => createPlacement([...hosts.names(), host]);
  let placement = livingNow();

  /** The first time the channels of a page are opened, and searched for, while the next one is fetched. */
  let opening = Promise.resolve();
  const openAhead = (rows: readonly DictionaryRow[]): void => {
    table.extend(rows);
    const ids = rows.map(([id]) => id);
    opening = opening.then(() => open(handOver(table, placement, host, ids).open));
    // Awaited when the last page is there.
    opening.catch(() => {});
  };

  const pass = async (): Promise<void> => {
    while ((wantDictionary || wantPlacement) && !signal.aborted) {
      if (wantDictionary) {
        wantDictionary = false;
        const dictionary = await untilDone('fetch of the channel dictionary', () => fetchDictionary(bus, revision < 0 ? openAhead : undefined), deps);
        await opening;
        if (signal.aborted) return;
        await close(table.replace(dictionary.rows));
        if (dictionary.revision !== revision) log.info({ revision: dictionary.revision, channels: table.size }, 'channel dictionary taken over');
        revision = dictionary.revision;
      }
      wantPlacement = false;
      const { open: toOpen, close: toClose } = handOver(table, placement, host);
      await close(toClose);
      await open(toOpen);
    }
  };
  const sync = (): Promise<void> =>
    (running ??= pass()
      .then(
        () => true,
        (error: unknown) => {
          if (!signal.aborted) log.error({ err: error }, 'channels could not be brought in step; the next change tries again');
          return false;
        },
      )
      .then((inStep) => {
        running = undefined;
        // What was asked for while the pass was ending.
        if (inStep && !signal.aborted && (wantDictionary || wantPlacement)) void sync();
      }));

  async function open(ids: Int32Array): Promise<void> {
    for (let from = 0; from < ids.length && !signal.aborted; from += sliceChannels) {
      const slice = ids.subarray(from, from + sliceChannels);
      let rows: Int32Array;
      try {
        rows = channelAccess.open(Array.from(slice, (id) => table.name(id)!), { monitor: true, last: Array.from(slice, (id) => table.iocOf(id)) });
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        log.error({ err: error, notOpened: ids.length - from }, 'the columns are full: some channels are not watched; raise DREY_CA_CAPACITY or add an ioc-host');
        return;
      }
      const byIoc = new Map<string | null, number[]>();
      rows.forEach((row, i) => {
        table.opened(slice[i]!, row);
        const ioc = table.iocOf(slice[i]!);
        const group = byIoc.get(ioc);
        if (group) group.push(row);
        else byIoc.set(ioc, [row]);
      });
      for (const [ioc, group] of byIoc) facility.assign(Int32Array.from(group), ioc);
      await breathe();
    }
  }
  async function close(ids: Int32Array): Promise<void> {
    for (let from = 0; from < ids.length; from += sliceChannels) {
      const slice = ids.subarray(from, from + sliceChannels);
      const rows = table.rowsOf(slice);
      facility.remove(rows.filter((row) => row >= 0));
      channelAccess.close(rows.filter((row) => row >= 0));
      for (const id of slice) table.closed(id);
      await breathe();
    }
  }

  const replace = (): void => {
    const next = livingNow();
    if (next.hosts.join() === placement.hosts.join()) return;
    log.info({ hosts: next.hosts }, 'the ioc-hosts that live have changed');
    placement = next;
    wantPlacement = true;
    void sync();
  };
  const unwatchHosts = hosts.onChange(() => {
    const alive = new Set(livingNow().hosts);
    if (placement.hosts.every((name) => alive.has(name))) replace();
    else void pause(graceMs, clock, signal).then(() => signal.aborted || replace());
  });

  const subscriptions: Subscription[] = [
    bus.subscribe(subjects.catalogueEvent, ({ body }) => {
      if (json.decode<{ revision: number }>(body).revision === revision) return;
      wantDictionary = true;
      void sync();
    }),
    bus.subscribe(subjects.directoryEvent, ({ body }) => {
      const { found } = json.decode<{ found: Record<string, number[]> }>(body);
      for (const [ioc, ids] of Object.entries(found)) {
        for (const id of ids) table.setIoc(id, ioc);
        // Found by another host: its IOC's actor takes it over here until it has changed hands.
        const unknownHere = ids.map((id) => table.rowOf(id)).filter((row) => row >= 0 && facility.iocOf(row) === null);
        if (unknownHere.length > 0) facility.assign(Int32Array.from(unknownHere), ioc);
      }
      if (placement.hosts.length < 2) return;
      wantPlacement = true;
      void sync();
    }),
  ];
  // Events that passed while the bus was away are lost: ask for everything again.
  bus.onState((state) => {
    if (state !== 'connected' || signal.aborted) return;
    wantDictionary = true;
    void sync();
  });
  void sync();

  return {
    get revision() {
      return revision;
    },
    settled: async () => {
      while (running) await running;
    },
    stop: async () => {
      unwatchHosts();
      await Promise.all([hosts.stop(), ...subscriptions.map((subscription) => subscription.stop())]);
      // A coordinator that hangs over a page is not waited for.
      await Promise.race([running, pause(lastPassMs, clock, new AbortController().signal)]);
    },
  };
}

/** Lets timers, sockets and other work have their turn. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
