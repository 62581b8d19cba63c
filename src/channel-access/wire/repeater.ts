/** The repeater of this host: owns the port that beacons come to and passes them on to every client here. */
import { createSocket, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { confirmation, probe, readRepeaterDatagram, withSendersAddress, type Beacon } from './beacon-messages.ts';

/** A host has dozens; more would be somebody filling our memory. */
const mostClients = 1_024;

export class Repeater {
  readonly #socket: Socket;
  readonly #heard: (beacon: Beacon) => void;
  /** By the port that they registered from. A socket each, because only a connected one learns that its peer is gone. */
  readonly #clients = new Map<number, Socket>();

  private constructor(socket: Socket, heard: (beacon: Beacon) => void) {
    this.#socket = socket;
    this.#heard = heard;
    socket.on('message', (datagram, sender) => this.#read(datagram, sender.address, sender.port));
    socket.on('error', () => undefined); // One datagram that could not be received.
  }

  /** Undefined when the port cannot be had: as a rule another program is the repeater. */
  static async open(port: number, heard: (beacon: Beacon) => void): Promise<Repeater | undefined> {
    const socket = createSocket('udp4');
    return new Promise((resolve) => {
      const failed = (): void => {
        socket.close();
        resolve(undefined);
      };
      socket.once('error', failed);
      socket.bind(port, () => {
        socket.off('error', failed);
        resolve(new Repeater(socket, heard));
      });
    });
  }

  async stop(): Promise<void> {
    for (const port of this.#clients.keys()) this.#drop(port);
    await new Promise<void>((done) => this.#socket.close(() => done()));
  }

  #read(datagram: Buffer, host: string, port: number): void {
    const { beacons, registers } = readRepeaterDatagram(datagram, host);
    if (registers) {
      if (isOurs(host)) this.#register(host, port);
      return;
    }
    for (const beacon of beacons) this.#heard(beacon);
    if (this.#clients.size === 0) return;
    const passedOn = withSendersAddress(datagram, host);
    for (const [client, socket] of this.#clients) if (client !== port) this.#send(socket, passedOn);
  }

  #register(host: string, port: number): void {
    const known = this.#clients.get(port);
    if (known !== undefined) {
      this.#send(known, confirmation(host));
      return;
    }
    if (this.#clients.size >= mostClients) return;
    const socket = createSocket('udp4');
    this.#clients.set(port, socket);
    socket.on('error', () => this.#drop(port));
    socket.connect(port, host, () => {
      if (this.#clients.get(port) !== socket) return;
      this.#send(socket, confirmation(host));
      // Clients come and go: a new one is the occasion to look whether the others are still there.
      for (const other of this.#clients.values()) if (other !== socket) this.#send(other, probe());
    });
  }

  #send(socket: Socket, bytes: Buffer): void {
    try {
      socket.send(bytes, (fault) => {
        if (fault !== null) socket.emit('error', fault);
      });
    } catch {
      // Not connected yet: it will be confirmed when it is.
    }
  }

  #drop(port: number): void {
    const socket = this.#clients.get(port);
    if (socket === undefined) return;
    this.#clients.delete(port);
    // Further errors of datagrams that were under way have nothing to tell.
    socket.removeAllListeners('error').on('error', () => undefined);
    try {
      socket.close();
    } catch {
      // Closed by its own error.
    }
  }
}

/** Only clients of this host: a repeater for strangers could be used to flood others. */
function isOurs(host: string): boolean {
  return host.startsWith('127.') || Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === host));
}
