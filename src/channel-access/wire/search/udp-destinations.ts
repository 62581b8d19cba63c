/** One socket that asks every address by datagram and hands the answers to the engine. */
import { createSocket, type Socket } from 'node:dgram';
import type { Address } from './addresses.ts';
import type { SearchEngine } from './engine.ts';
import { readAnswers } from './messages.ts';

/** Linux gives what net.core.rmem_max allows. */
const wishedBufferBytes = 4 * 1024 * 1024;
/** What one answer datagram (1 kB) costs there, bookkeeping included. */
const bytesPerAnswer = 2_304;
const longestDatagram = 65_535;

export class UdpDestinations {
  readonly #engine: SearchEngine;
  readonly #socket: Socket;
  /** Destination by "host:port". */
  readonly #destinations = new Map<string, number>();

  private constructor(engine: SearchEngine, socket: Socket) {
    this.#engine = engine;
    this.#socket = socket;
  }

  static async open(engine: SearchEngine, multicastTtl: number): Promise<UdpDestinations> {
    const socket = createSocket({
      type: 'udp4', recvBufferSize: wishedBufferBytes, sendBufferSize: wishedBufferBytes,
      // Only addresses are given to it: asking the resolver would cost more than the sending.
      lookup: (host, _options, callback) => callback(null, host, 4),
    });
    // An unreachable address among many is no reason to stop asking the others.
    socket.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    socket.setBroadcast(true);
    socket.setMulticastTTL(multicastTtl);
    engine.limitOpenRequests(Math.floor((socket.getRecvBufferSize() / bytesPerAnswer) * 0.7));
    const self = new UdpDestinations(engine, socket);
    socket.on('message', (message, sender) => self.#read(message, sender.address, sender.port));
    return self;
  }

  add({ host, port }: Address): void {
    const key = `${host}:${port}`;
    if (this.#destinations.has(key)) return;
    this.#destinations.set(key, this.#engine.addDestination({
      isReady: () => true,
      numbered: true,
      send: (frame) => this.#socket.send(frame.bytes(), port, host),
    }));
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(resolve));
  }

  #read(message: Buffer, host: string, port: number): void {
    const destination = this.#destinations.get(`${host}:${port}`) ?? -1;
    let numbered = false;
    readAnswers(message, 0, longestDatagram, {
      sequence: (number) => {
        numbered = true;
        this.#engine.answeredSequence(number);
      },
      answer: (cid, address, serverPort) => {
        if (!numbered && destination >= 0) this.#engine.answeredName(destination, cid);
        this.#engine.answer(cid, `${address ?? host}:${serverPort}`, destination);
      },
    });
  }
}
