/**
 * An ioc-host: where facility, Channel Access and bus meet. It watches its share of the channels
 * through IOC actors and serves coordinators' work and interactive requests on them.
 */
import type { Bus, Subscription } from '../../bus/port.ts';
import { json } from '../../bus/port.ts';
import type { CaEvent, ChannelAccess } from '../../channel-access/port.ts';
import { buckets, streams, subjects, token } from '../../contracts/subjects.ts';
import type { HostBeat } from '../../contracts/work.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import type { Log } from '../../kernel/log.ts';
import type { Registry } from '../../kernel/metrics.ts';
import { createFacility, type Facility } from '../facility/index.ts';
import { breakerOptions, type BreakerOptionsInput } from '../ioc-supervisor/index.ts';
import { answerRequests } from './answers.ts';
import { ChannelTable } from './channel-table.ts';
import { createFindings } from './findings.ts';
import { createIocEvents } from './ioc-events.ts';
import { sendLiveUpdates, type LiveSender } from './live-updates.ts';
import { createHostMetrics } from './metrics.ts';
import { watchOrders, type Orders } from './orders.ts';
import { createReadServer } from './reads.ts';
import { pause, untilDone, type Retry } from './retry.ts';
import { watchTriggers, type Triggers } from './triggers.ts';
import { startWatching, type Watch } from './watch.ts';
import { createWriteServer } from './writes.ts';

export interface IocHostDeps {
  /** Among all ioc-hosts; the same one after a restart. */
  readonly id: string;
  readonly bus: Bus;
  /** Stopped by whoever made it. */
  readonly channelAccess: ChannelAccess;
  /** Its name among the clients there are. */
  readonly ca?: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
  readonly breaker?: BreakerOptionsInput;
  readonly random?: () => number;
}

export interface IocHost extends Service {
  readonly facility: Facility;
  /** Resolves when the channels that this host is to watch are open. */
  settled(): Promise<void>;
}

/** The bucket forgets a host that has not beaten for four times as long. */
const beatMs = 2_000;
/** Items in hand at once. A hung IOC holds its items for a deadline, and must not hold up the others' (I1). */
const readConcurrency = 256;
const writeConcurrency = 64;
/** What puts under way are given when the host stops; all must end within 5 s. */
const lastPutsMs = 2_500;
const ackWaitMs = { read: 90_000, write: 30_000 } as const;

export function createIocHost(deps: IocHostDeps): IocHost {
  const { id: host, bus, channelAccess, clock, log } = deps;
  const random = deps.random ?? Math.random;
  const ending = new AbortController();
  const retry: Retry = { clock, random, signal: ending.signal, log };
  const table = new ChannelTable(channelAccess.columns.capacity);
  const startedAt = new Date(clock.now()).toISOString();

  const metrics = createHostMetrics(deps.metrics, () => facility);
  const events = createIocEvents({ bus, host, clock, log, view: (ioc) => facility.view(ioc) });
  const facility: Facility = createFacility({
    host, channelAccess, clock, random, log,
    breaker: breakerOptions.parse(deps.breaker ?? {}),
    orderOf: (ioc) => orders?.of(ioc) ?? null,
    changed: events.changed,
    tripped: () => metrics.tripped(),
    noticed: (what, ioc, reason) => {
      if (what === 'restart') metrics.restarted();
      if (what === 'giveUp') log.error({ ioc, reason }, 'an IOC actor keeps failing and was given up');
      else if (what === 'fault') log.error({ ioc, reason }, 'an IOC actor failed');
      else log.info({ ioc, reason }, what === 'restart' ? 'an IOC actor was started again' : 'an IOC actor ended');
    },
  });
  const findings = createFindings({ ...retry, bus, host });
  const common = { facility, table, channelAccess, bus, host, log, now: () => clock.now() };
  const serveRead = createReadServer({ ...common, counted: metrics.reads });
  const writes = createWriteServer({ ...common, ...retry, counted: metrics.writes });

  let watch: Watch | undefined;
  let live: LiveSender | undefined;
  let triggers: Triggers | undefined;
  let orders: Orders | undefined;
  let beatTimer: unknown;
  let running = false;
  const subscriptions: Subscription[] = [];

  const listen = (event: CaEvent): void => {
    if (!running) return;
    facility.tell(event);
    live?.tell(event);
    triggers?.tell(event);
    switch (event.kind) {
      case 'channels.found': {
        const news: number[] = [];
        for (const row of event.rows) {
          const channel = table.idOf(row);
          if (channel >= 0 && table.iocOf(channel) !== event.ioc) news.push(channel);
        }
        findings.add(event.ioc, news);
        break;
      }
      case 'channel.duplicate':
        log.warn({ pv: event.name, used: event.used, other: event.other }, 'two IOCs serve the same PV, the first one is used');
        break;
      case 'thread.exited':
        log.error({ reason: event.reason }, 'a Channel Access thread ended, its channels are searched again');
        break;
      case 'beacon':
        log.debug({ ioc: event.ioc, what: event.what }, 'beacon anomaly');
        break;
      default:
        break;
    }
  };

  const beat = async (): Promise<void> => {
    const unresponsive = facility.views().reduce((sum, { channels }) => sum + (channels.unresponsive ?? 0), 0);
    const body: HostBeat = {
      host, startedAt, at: new Date(clock.now()).toISOString(), channels: table.openCount, connected: Math.max(0, channelAccess.statistics().connected - unresponsive), unresponsive, catalogueRevision: watch?.revision ?? -1, lacks: channelAccess.lacks, ...(deps.ca === undefined ? {} : { ca: deps.ca }),
    };
    await (await bus.keyValue(buckets.hosts)).put(token(host), json.encode(body));
  };
  const beatOn = (): void => {
    beatTimer = clock.setTimeout(() => {
      // Missed beats are the bus's doing and say for themselves; the next one comes.
      beat().catch((error: unknown) => log.debug({ err: error }, 'a beat was missed')).finally(() => running && beatOn());
    }, beatMs);
  };

  return {
    name: 'ioc-host',
    facility,
    settled: async () => await watch?.settled(),
    start: async () => {
      running = true;
      facility.start();
      channelAccess.listen(listen);
      // Seen before it looks who lives, so that two that start together see each other.
      await untilDone('first beat', beat, retry);
      beatOn();
      // Before the first IOC actor: it begins under the order that is in force.
      orders = await watchOrders(bus, () => clock.now());
      subscriptions.push(orders);
      live = sendLiveUpdates({ bus, host, channelAccess, facility, table, clock, log });
      subscriptions.push(live);
      triggers = watchTriggers({ ...retry, bus, channelAccess, table });
      subscriptions.push(triggers);
      watch = await startWatching({ ...retry, bus, host, channelAccess, facility, table });
      subscriptions.push(answerRequests({ ...common, orders, counted: metrics.reads }));
      // Two consumers, so that long writes never keep reads waiting.
      const name = token(host);
      subscriptions.push(
        await bus.work(streams.work, { name: `host-${name}-read`, filter: subjects.work(host, 'read'), ackWaitMs: ackWaitMs.read, concurrency: readConcurrency }, serveRead),
        await bus.work(streams.work, { name: `host-${name}-write`, filter: subjects.work(host, 'write'), ackWaitMs: ackWaitMs.write, concurrency: writeConcurrency }, writes.serve),
      );
    },
    stop: async () => {
      if (!running) return;
      running = false;
      ending.abort();
      clock.clearTimeout(beatTimer);
      events.stop();
      await Promise.all(subscriptions.splice(0).map((subscription) => subscription.stop()));
      // Puts under way get their outcome into the log, or an operator would have to look at each of them.
      await Promise.race([writes.idle(), pause(lastPutsMs, clock, new AbortController().signal)]);
      await watch?.stop();
      // Its share goes to the others at once rather than when its beats run out.
      if (bus.state === 'connected') await (await bus.keyValue(buckets.hosts)).delete(token(host)).catch(() => {});
      facility.stop();
    },
  };
}
