/**
 * A name server: the same questions over a TCP circuit, which is kept up, and made again with growing
 * pauses when it is lost. Bytes that are not Channel Access end the circuit.
 */
import { connect, type Socket } from 'node:net';
import { hostname, userInfo } from 'node:os';
import { backoffMs } from '../../../kernel/backoff.ts';
import type { Address } from './addresses.ts';
import type { SearchEngine } from './engine.ts';
import { echoRequest, greeting, readAnswers } from './messages.ts';

const retry = { baseMs: 250, maxMs: 30_000 };
/** Answers to a search have no payload, or 8 bytes; a foreign protocol soon says otherwise. */
const longestPayload = 1_024;
/** Unsent bytes above which no more is asked. */
const mostUnsentBytes = 65_536;

export class NameServer {
  readonly #engine: SearchEngine;
  readonly #address: Address;
  readonly #silenceMs: number;
  readonly #destination: number;
  #socket: Socket | undefined;
  #isUp = false;
  #attempt = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(engine: SearchEngine, address: Address, connectionTimeoutSeconds: number) {
    this.#engine = engine;
    this.#address = address;
    this.#silenceMs = connectionTimeoutSeconds * 1_000;
    this.#destination = engine.addDestination({
      isReady: () => this.#isUp && this.#socket!.writableLength < mostUnsentBytes,
      numbered: false,
      send: (frame) => this.#socket!.write(frame.bytes()),
    });
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  #connect(): void {
    const { host, port } = this.#address;
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    let unread: Buffer = Buffer.alloc(0);
    let echoed = false;
    // A silent circuit is asked once whether it stands, and given up at the second silence.
    socket.setTimeout(this.#silenceMs, () => {
      if (!this.#isUp || echoed) socket.destroy();
      else {
        echoed = true;
        socket.write(echoRequest());
      }
    });
    socket.on('connect', () => {
      this.#isUp = true;
      socket.write(greeting(userName(), hostname()));
      this.#engine.urge(undefined);
    });
    socket.on('data', (chunk) => {
      echoed = false;
      unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
      const end = readAnswers(unread, 0, longestPayload, {
        sequence: () => undefined,
        answer: (cid, address, serverPort) => {
          this.#engine.answeredName(this.#destination, cid);
          this.#engine.answer(cid, `${address ?? socket.remoteAddress ?? host}:${serverPort}`, this.#destination);
        },
      });
      if (end < 0) socket.destroy();
      else unread = unread.subarray(end);
      if (end > 0) this.#attempt = 0;
    });
    socket.on('drain', () => this.#engine.wake());
    socket.on('error', () => undefined); // 'close' follows.
    socket.on('close', () => this.#lost());
  }

  #lost(): void {
    this.#isUp = false;
    this.#engine.abandon(this.#destination);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.#connect(), backoffMs(this.#attempt++, retry, Math.random()));
  }
}

/** A container's user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'drey';
  }
}
