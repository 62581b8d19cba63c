/**
 * Live values over WebSocket: `/v1/ws/pvs` and its alias `/v1/ws/live` (docs/live.md). Values come from
 * the ioc-hosts into one table, and go from there to each client in its own window.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Hosts } from '../../bus/hosts.ts';
import type { Bus } from '../../bus/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import { subjects } from '../../contracts/subjects.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { Gauge, type Registry } from '../../kernel/metrics.ts';
import type { Persistence } from '../../persistence/port.ts';
import { authorise, type Authenticate, type Caller } from '../access.ts';
import { createChannelNames } from '../operations/channel-names.ts';
import { createCatalogueSlots } from './catalogue-slots.ts';
import { LiveClient } from './client.ts';
import { createConversation } from './conversation.ts';
import { createFanOut } from './fan-out.ts';
import { createFeed } from './feed.ts';
import { dismissEndedKeys } from './key-watch.ts';
import { LatestValues } from './latest-values.ts';
import { clientWindowMs } from './messages.ts';
import { createTickets, type Tickets } from './tickets.ts';

export interface LiveSocketsDeps {
  readonly persistence: Pick<Persistence, 'catalogue' | 'tags' | 'apiKeys'>;
  readonly bus: Bus;
  readonly hosts: Hosts;
  readonly authenticate: Authenticate;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
  /** Bytes that may wait in a client's socket before it is passed over. */
  readonly mostBuffered?: number;
}

export interface LiveSockets {
  readonly tickets: Tickets;
  status(): LiveSocketsStatus;
  /** Takes the upgrades of this server. */
  attach(server: Server): void;
  stop(): Promise<void>;
}

export interface LiveSocketsStatus {
  instanceId: string;
  multiInstanceEnabled: boolean;
  activeConnections: number;
  totalSubscriptions: number;
  uniquePVsSubscribed: number;
  bufferSize: number;
  batchIntervalMs: number;
  slowConnections: number;
  sequence: number;
}

export const columnsProtocol = 'drey.columns.v1';
const paths: ReadonlySet<string> = new Set(['/v1/ws/pvs', '/v1/ws/live']);
const closeCode = { leaving: 1001, refused: 1008, later: 1013 } as const;
const heartbeatMs = 5_000;
/** Without any sign of life a client is taken for gone. */
const deafMs = 90_000;
/** The values stay current this long after the last client, who may only be reconnecting. */
const lingerMs = 30_000;
/** A subscription to all names of a large facility. */
const mostMessageBytes = 16 * 1024 * 1024;
const mostMessagesWaiting = 1_000;
const mostBytesWaiting = 2 * mostMessageBytes;

/** It may have 123 bytes. */
const closeReason = (text: string): string => text.slice(0, 120).replace(/[^\x20-\x7e]/g, '?');

export function createLiveSockets({ persistence, bus, hosts, authenticate, clock, log, metrics, mostBuffered = 1024 * 1024 }: LiveSocketsDeps): LiveSockets {
  const epoch = randomUUID();
  const table = new LatestValues();
  const feed = createFeed({ bus, hosts, table, clock, log });
  const fanOut = createFanOut({ table, clock, log });
  const tickets = createTickets(clock);
  const slots = createCatalogueSlots({ table, names: createChannelNames(persistence.catalogue), catalogue: persistence.catalogue, tags: persistence.tags });
  let lingering: unknown;
  let stopping = false;

  const watchAsNeeded = (): void => {
    const windowMs = fanOut.shortestWindow();
    if (windowMs !== null) {
      clock.clearTimeout(lingering);
      lingering = undefined;
      feed.want(windowMs);
    } else lingering ??= clock.setTimeout(() => {
      lingering = undefined;
      if (fanOut.shortestWindow() === null) feed.want(null);
    }, lingerMs);
  };
  const whole = async (): Promise<void> => {
    feed.want(fanOut.shortestWindow() ?? clientWindowMs.usual);
    watchAsNeeded();
    await feed.whole();
  };
  const conversation = createConversation({ table, slots, fanOut, epoch, whole, changed: watchAsNeeded, clock, log });

  const server = new WebSocketServer({
    noServer: true,
    // It compresses once per client: ten times the CPU, and it falls behind.
    perMessageDeflate: false,
    maxPayload: mostMessageBytes,
    handleProtocols: (offered) => (offered.has(columnsProtocol) ? columnsProtocol : false),
  });

  const converse = (socket: WebSocket, caller: Caller): void => {
    const client = new LiveClient(socket, caller, { binary: socket.protocol === columnsProtocol, mostBuffered, now: clock.now() });
    fanOut.add(client);
    let turn: Promise<unknown> = Promise.resolve();
    let waiting = 0;
    let waitingBytes = 0;
    socket.on('message', (data, isBinary) => {
      client.heardAt = clock.now();
      if (isBinary) return client.say({ type: 'error', message: 'messages to the server are JSON text', code: 'badInput' });
      const bytes = data as Buffer;
      waitingBytes += bytes.length;
      if (++waiting > mostMessagesWaiting || waitingBytes > mostBytesWaiting) return socket.close(closeCode.refused, 'too many messages wait for their answer: wait for the ack');
      turn = turn.then(() => (client.isOpen ? conversation.hear(client, bytes.toString()) : undefined)).finally(() => {
        waiting--;
        waitingBytes -= bytes.length;
      });
    });
    socket.on('pong', () => void (client.heardAt = clock.now()));
    socket.on('error', (error) => log.debug({ err: error, who: client.who }, 'a WebSocket client broke off'));
    socket.on('close', () => {
      fanOut.remove(client);
      watchAsNeeded();
    });
  };

  const admit = async (request: IncomingMessage, url: URL): Promise<Caller> => {
    const ticket = url.searchParams.get('ticket');
    const header = (name: string): string | undefined => [request.headers[name]].flat().at(0);
    let caller: Caller | undefined;
    if (ticket === null) caller = await authenticate(header('x-api-key'), header('x-drey-user'));
    else caller = tickets.redeem(ticket);
    if (!caller) throw new DreyError('unauthorised', 'the ticket is not known, was used already, or is too old: ask for another');
    authorise(caller, 'pvs.live');
    return caller;
  };

  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    socket.on('error', () => socket.destroy());
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (!paths.has(url.pathname) || stopping) {
      socket.end(`HTTP/1.1 ${stopping ? '503 Service Unavailable' : '404 Not Found'}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const admitted = await admit(request, url).catch((error: unknown) => (error instanceof DreyError ? error : new DreyError('internal', 'an internal fault', { cause: error })));
    if (socket.destroyed) return;
    server.handleUpgrade(request, socket, head, (client) => {
      if (!(admitted instanceof DreyError)) return converse(client, admitted);
      const refused = admitted.code === 'unauthorised' || admitted.code === 'forbidden' || admitted.code === 'badInput';
      client.on('error', () => {});
      client.close(refused ? closeCode.refused : closeCode.later, closeReason(admitted.message));
    });
  };

  const beat = (): void => {
    const newest = Math.max(0, ...[...hosts.beats.values()].map(({ at }) => Date.parse(at)));
    const now = clock.now();
    const text = JSON.stringify({ type: 'heartbeat', timestamp: now / 1000, monitor_heartbeat: newest === 0 ? null : newest / 1000, monitor_alive: newest > 0 && bus.state === 'connected', sequence: table.version });
    for (const client of fanOut.clients) {
      if (now - client.heardAt > deafMs) client.socket.terminate();
      else if (!client.isBehind && client.isOpen) {
        client.tell(text);
        client.socket.ping();
      }
    }
    void dismissEndedKeys(fanOut.clients, persistence.apiKeys, (client, why) => {
      log.info({ who: client.who }, 'a WebSocket client is let go: its API key has ended');
      client.socket.close(closeCode.refused, closeReason(why));
    }, log);
    beating = clock.setTimeout(beat, heartbeatMs);
  };
  let beating: unknown = clock.setTimeout(beat, heartbeatMs);

  const renewed = (): void => {
    if (fanOut.clients.size === 0) return;
    conversation.catalogueChanged().catch((error: unknown) => log.warn({ err: error }, 'a change of the catalogue did not reach the WebSocket clients; the next will'));
  };
  const subscription = bus.subscribe(subjects.catalogueEvent, renewed);
  const stopWatchingBus = bus.onState((state) => state === 'connected' && renewed());

  new Gauge({ name: 'drey_ws_clients', help: 'WebSocket clients', registers: [metrics], collect() { this.set(fanOut.clients.size); } });
  new Gauge({ name: 'drey_ws_buffered_bytes', help: 'bytes that wait in the sockets of WebSocket clients', registers: [metrics], collect() { this.set([...fanOut.clients].reduce((sum, { socket }) => sum + socket.bufferedAmount, 0)); } });

  return {
    tickets,
    status: () => {
      const clients = [...fanOut.clients];
      const watched = new Uint8Array(table.size);
      for (const { selection, count } of clients) if (count > 0) for (let slot = 0; slot < watched.length; slot++) if (selection === null ? table.name(slot) !== undefined : selection[slot] === 1) watched[slot] = 1;
      return {
        instanceId: epoch,
        multiInstanceEnabled: true,
        activeConnections: clients.length,
        totalSubscriptions: clients.reduce((sum, { count }) => sum + count, 0),
        uniquePVsSubscribed: watched.reduce((sum, one) => sum + one, 0),
        bufferSize: clients.reduce((sum, { socket }) => sum + socket.bufferedAmount, 0),
        batchIntervalMs: clientWindowMs.usual,
        slowConnections: clients.filter(({ windowsHeld }) => windowsHeld > 0).length,
        sequence: table.version,
      };
    },
    attach: (http) => http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      upgrade(request, socket, head).catch((error: unknown) => {
        log.error({ err: error }, 'a WebSocket upgrade met an internal fault');
        socket.destroy();
      });
    }),
    stop: async () => {
      stopping = true;
      clock.clearTimeout(beating);
      clock.clearTimeout(lingering);
      fanOut.stop();
      stopWatchingBus();
      for (const { socket } of fanOut.clients) socket.close(closeCode.leaving, 'the gateway stops');
      server.close();
      await Promise.all([subscription.stop(), feed.stop()]);
      const impatient = clock.setTimeout(() => { for (const { socket } of fanOut.clients) socket.terminate(); }, 500);
      await Promise.all([...fanOut.clients].map(({ socket }) => new Promise((resolve) => socket.once('close', resolve))));
      clock.clearTimeout(impatient);
    },
  };
}
