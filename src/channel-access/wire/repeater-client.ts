/** Registered with another program's repeater, and watching that it is still there. */
import { createSocket, type Socket } from 'node:dgram';
import { readRepeaterDatagram, registration, type Beacon } from './beacon-messages.ts';

export class RepeaterClient {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  #confirmed = true;

  private constructor(socket: Socket, port: number, heartbeatMs: number, on: { heard(beacon: Beacon): void; vanished(): void }) {
    this.#socket = socket;
    socket.on('message', (datagram, sender) => {
      const { beacons, confirmed } = readRepeaterDatagram(datagram, sender.address);
      if (confirmed) this.#confirmed = true;
      for (const beacon of beacons) on.heard(beacon);
    });
    socket.on('error', () => undefined); // Silence says it too.
    const register = (): void => {
      this.#confirmed = false;
      socket.send(registration(), port, '127.0.0.1');
    };
    // Registering again changes nothing for a repeater that knows us, and it confirms.
    this.#timer = setInterval(() => (this.#confirmed ? register() : on.vanished()), heartbeatMs);
    register();
  }

  static open(port: number, heartbeatMs: number, on: { heard(beacon: Beacon): void; vanished(): void }): Promise<RepeaterClient> {
    const socket = createSocket('udp4');
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, '127.0.0.1', () => {
        socket.off('error', reject);
        resolve(new RepeaterClient(socket, port, heartbeatMs, on));
      });
    });
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await new Promise<void>((done) => this.#socket.close(() => done()));
  }
}
