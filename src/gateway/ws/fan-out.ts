/**
 * Sends each client the changes of its window. Clients of one window that have seen the same share the
 * written text; a client whose socket is full gets nothing until it has taken what is there, and then
 * everything since as one diff: what waits for a client is one message and a number, never a queue.
 */
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { Batch } from './batch.ts';
import type { LiveClient } from './client.ts';
import type { LatestValues } from './latest-values.ts';
import { RowBytes } from './row-bytes.ts';

export interface FanOut {
  readonly clients: ReadonlySet<LiveClient>;
  add(client: LiveClient): void;
  remove(client: LiveClient): void;
  /** After a client has chosen another window. */
  regroup(client: LiveClient): void;
  /** Everything as it stands, not older than a moment: many who come at once share it. */
  picture(): Batch;
  since(version: number): Batch;
  /** Of the clients that watch something, ms; null when there is none. */
  shortestWindow(): number | null;
  stop(): void;
}

interface Group {
  readonly windowMs: number;
  readonly clients: Set<LiveClient>;
  version: number;
  timer: unknown;
}

/** Windows are rounded up to this, so that there are few groups. */
const grainMs = 50;
/** As it is kept to: clients of about the same window are served together. */
export const roundWindow = (windowMs: number): number => Math.ceil(windowMs / grainMs) * grainMs;
const pictureLifeMs = 500;
/** Hundreds of clients with megabytes each take long to write to: requests and frames have their turn in between. */
const turnMs = 8;

export function createFanOut({ table, clock, log }: { table: LatestValues; clock: Clock; log: Log }): FanOut {
  const clients = new Set<LiveClient>();
  const groups = new Map<number, Group>();
  const rows = new RowBytes(table);
  let picture: { batch: Batch; at: number; naming: number } | undefined;
  let stopped = false;
  const since = (version: number): Batch => new Batch(table, rows, version);

  const tick = async (group: Group): Promise<void> => {
    if (group.clients.size === 0) {
      groups.delete(group.windowMs);
      return;
    }
    const began = performance.now();
    // Frames come in while it lasts: with one end all who are served now have seen the same, and share the next batch.
    const to = table.version;
    const batches = new Map<number, Batch>();
    const batchSince = (version: number): Batch => {
      let batch = batches.get(version);
      if (!batch) batches.set(version, (batch = new Batch(table, rows, version, to)));
      return batch;
    };
    const now = clock.now();
    const window = batchSince(group.version);
    group.version = to;
    let turn = began;
    for (const client of [...group.clients]) {
      if (performance.now() - turn > turnMs) {
        await new Promise((resolve) => setImmediate(resolve));
        turn = performance.now();
      }
      if (stopped) return;
      if (client.version === 0 || client.version >= to || !client.isOpen) continue;
      try {
        if (client.isBehind) client.hold(window);
        else client.give(batchSince(client.version), now, client.windowsHeld > 0 ? window : undefined);
      } catch (error) {
        log.error({ err: error, who: client.who }, 'a client of live values could not be sent to');
        client.socket.terminate();
      }
    }
    // A tick that took long does not make the windows overlap.
    arm(group, Math.max(5, group.windowMs - (performance.now() - began)));
  };
  const arm = (group: Group, ms: number): void => {
    group.timer = clock.setTimeout(() => void tick(group), ms);
  };

  const groupOf = (windowMs: number): Group => {
    const rounded = roundWindow(windowMs);
    let group = groups.get(rounded);
    if (!group) {
      const made: Group = { windowMs: rounded, clients: new Set(), version: table.version, timer: undefined };
      arm(made, rounded);
      groups.set(rounded, (group = made));
    }
    return group;
  };
  const leave = (client: LiveClient): void => {
    for (const group of groups.values()) group.clients.delete(client);
  };

  return {
    clients,
    since,
    add: (client) => {
      clients.add(client);
      groupOf(client.windowMs).clients.add(client);
    },
    remove: (client) => {
      clients.delete(client);
      leave(client);
    },
    regroup: (client) => {
      leave(client);
      if (clients.has(client)) groupOf(client.windowMs).clients.add(client);
    },
    picture: () => {
      const now = clock.now();
      if (!picture || now - picture.at > pictureLifeMs || picture.naming !== table.naming) {
        const made = (picture = { batch: since(0), at: now, naming: table.naming });
        clock.setTimeout(() => {
          // 10 MB of text are not kept for nobody.
          if (picture === made) picture = undefined;
        }, pictureLifeMs);
      }
      return picture.batch;
    },
    shortestWindow: () => {
      let least: number | null = null;
      for (const { count, windowMs } of clients) if (count > 0 && (least === null || windowMs < least)) least = windowMs;
      return least;
    },
    stop: () => {
      stopped = true;
      for (const group of groups.values()) clock.clearTimeout(group.timer);
      groups.clear();
    },
  };
}
