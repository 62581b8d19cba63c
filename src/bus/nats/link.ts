/**
 * One connection to NATS that lasts: it comes back for ever with growing, jittered pauses, and tells
 * those who must open something again.
 */
import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { errors } from '@nats-io/nats-core';
import { DreyError } from '../../contracts/errors.ts';
import { backoffMs } from '../../kernel/backoff.ts';
import type { Log } from '../../kernel/log.ts';
import type { BusState } from '../port.ts';
import { dreyError } from './faults.ts';

export interface NatsOptions {
  /** Comma-separated: "host:port", "nats://host:port", "tls://host:port"; `user:password@` before a host is taken as credentials. */
  readonly servers: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** As the server's own lists show it. */
  readonly name: string;
  readonly log: Log;
  /** How long the first connection may take; servers often start together with their clients. Default 30 s. */
  readonly firstConnectMs?: number;
}

export interface Link {
  readonly connection: NatsConnection;
  readonly stream: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly log: Log;
  readonly state: BusState;
  onState(listener: (state: BusState) => void): () => void;
  /** Throws `unavailable` at once while disconnected, so that nothing waits in a buffer unseen. */
  check(what: string): void;
  fault(error: unknown, what: string): DreyError;
  close(): Promise<void>;
}

const oldest = { major: 2, minor: 10 };
const pauses = { baseMs: 100, maxMs: 5_000 };

export async function openLink(options: NatsOptions): Promise<Link> {
  const { log } = options;
  const target = parseServers(options.servers);
  let lostAt: number | undefined;
  let jitter = Math.random();
  const connection = await firstConnection(options, () =>
    connect({
      servers: target.servers,
      name: options.name,
      ...(target.tls ? { tls: {} } : {}),
      ...credentials(options, target),
      maxReconnectAttempts: -1,
      // Credentials may be changed while the server is away.
      ignoreAuthErrorAbort: true,
      // Asked several times per attempt, so it grows with the length of the outage and not with the count of calls.
      reconnectDelayHandler: () => reconnectPause(lostAt === undefined ? 0 : Date.now() - lostAt, jitter),
      // An Error made ahead of each request, for its stack, is the dearest part of a request; ours say what they were about.
      noAsyncTraces: true,
      pingInterval: 10_000,
      maxPingOut: 2,
      timeout: 5_000,
    }),
  );
  try {
    checkServer(connection);
  } catch (fault) {
    await connection.close();
    throw fault;
  }
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 5_000 });
  const listeners = new Set<(state: BusState) => void>();
  let state: BusState = 'connected';
  const become = (next: BusState): void => {
    if (state === next || state === 'closed') return;
    state = next;
    lostAt = next === 'disconnected' ? Date.now() : undefined;
    jitter = Math.random();
    if (next === 'connected') log.info({ server: connection.getServer() }, 'connected to NATS again');
    if (next === 'disconnected') log.warn({ servers: target.servers }, 'the connection to NATS is lost, trying again until it is back');
    for (const listener of listeners) {
      try {
        listener(next);
      } catch (fault) {
        log.error({ err: fault }, 'a listener for the state of the bus failed');
      }
    }
  };
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') become('disconnected');
      else if (status.type === 'reconnect') become('connected');
      else if (status.type === 'error') log.warn({ err: status.error }, 'NATS reports an error');
    }
  })();
  void connection.closed().then(() => become('closed'));

  return {
    connection,
    stream: jetstream(connection, { timeout: 5_000 }),
    manager,
    log,
    get state() {
      return state;
    },
    onState: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    check: (what) => {
      if (state !== 'connected') throw new DreyError('unavailable', `${what}: the connection to NATS is ${state === 'closed' ? 'closed' : 'down'}`);
    },
    fault: (error, what) => dreyError(error, what, state === 'connected'),
    close: async () => {
      if (state === 'closed') return;
      // What was published a moment ago should still leave; a server that is away must not hold us.
      if (state === 'connected') await Promise.race([connection.flush().catch(() => {}), new Promise((done) => setTimeout(done, 1_000).unref())]);
      await connection.close();
      become('closed');
    },
  };
}

/** A quarter of the outage so far, from 100 ms to 5 s, times 0.5 to 1. */
function reconnectPause(outageMs: number, random: number): number {
  return Math.round(Math.min(pauses.maxMs, pauses.baseMs + outageMs / 4) * (0.5 + random / 2));
}

async function firstConnection(options: NatsOptions, open: () => Promise<NatsConnection>): Promise<NatsConnection> {
  const until = Date.now() + (options.firstConnectMs ?? 30_000);
  for (let attempt = 0; ; attempt++) {
    try {
      return await open();
    } catch (fault) {
      const reason = fault instanceof Error ? fault.message || fault.name : String(fault);
      const refused = fault instanceof errors.AuthorizationError || fault instanceof errors.UserAuthenticationExpiredError;
      if (refused) throw new DreyError('unavailable', `the NATS server at ${shown(options.servers)} refuses the user or token: ${reason}`, { cause: fault });
      const pause = backoffMs(attempt, pauses, Math.random());
      if (Date.now() + pause > until) {
        throw new DreyError('unavailable', `no NATS server answers at ${shown(options.servers)}: ${reason}`, { cause: fault });
      }
      if (attempt === 3) options.log.warn({ servers: shown(options.servers), reason }, 'still waiting for the NATS server');
      await new Promise((resume) => setTimeout(resume, pause));
    }
  }
}

function checkServer(connection: NatsConnection): void {
  const info = connection.info;
  const version = info?.version ?? 'unknown';
  if (!isNewEnough(version)) {
    throw new DreyError('unavailable', `nats-server at ${connection.getServer()} has version ${version}; Drey needs ${oldest.major}.${oldest.minor} or newer`);
  }
  if (info?.jetstream !== true) {
    throw new DreyError('unavailable', `nats-server at ${connection.getServer()} runs without JetStream: start it with -js, or with a "jetstream" block in its configuration`);
  }
}

export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > oldest.major || (major === oldest.major && minor >= oldest.minor);
}

interface Target {
  readonly servers: string[];
  readonly tls: boolean;
  readonly user?: string;
  readonly password?: string;
}

export function parseServers(text: string): Target {
  let user: string | undefined;
  let password: string | undefined;
  let tls = false;
  const servers = text.split(',').map((part) => part.trim()).filter((part) => part !== '').map((part) => {
    if (part.startsWith('tls://')) tls = true;
    const address = part.replace(/^(nats|tls):\/\//, '');
    const at = address.lastIndexOf('@');
    if (at >= 0) {
      const [name, ...rest] = address.slice(0, at).split(':');
      user ??= decodeURIComponent(name!);
      password ??= decodeURIComponent(rest.join(':'));
    }
    return address.slice(at + 1);
  });
  if (servers.length === 0) throw new DreyError('badInput', `"${text}" names no NATS server; give host:port`);
  return { servers, tls, ...(user === undefined ? {} : { user, password: password ?? '' }) };
}

function credentials(options: NatsOptions, target: Target): { user?: string; pass?: string; token?: string } {
  if (options.token !== undefined) return { token: options.token };
  const user = options.user ?? target.user;
  return user === undefined ? {} : { user, pass: options.password ?? target.password ?? '' };
}

/** Without passwords. */
function shown(servers: string): string {
  return servers.replace(/[^/,\s]*@/g, '');
}
