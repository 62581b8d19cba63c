import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Message {
  command: number;
  size: number;
  type: number;
  count: number;
  parameter1: number;
  parameter2: number;
  payload: Buffer;
}

/** One connection to a scripted IOC. */
export interface ScriptedCircuit {
  /** Order of connecting, from 0. */
  readonly number: number;
  say(command: number, type?: number, count?: number, parameter1?: number, parameter2?: number, payload?: Buffer): void;
  raw(bytes: Buffer): void;
  /** Reads no further until `resume`. */
  pause(): void;
  resume(): void;
  close(): void;
}

type Answer = (message: Message, circuit: ScriptedCircuit) => boolean | void;

/**
 * A CA server of a few lines that does what a test wants: it greets, creates every channel as one
 * double, and answers reads and echoes, unless the script has taken the message (returns true).
 */
export class ScriptedIoc implements AsyncDisposable {
  readonly circuits: ScriptedCircuit[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #script: Answer;

  private constructor(script: Answer) {
    this.#script = script;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async start(script: Answer = () => false): Promise<ScriptedIoc> {
    const ioc = new ScriptedIoc(script);
    await new Promise<void>((resolve) => ioc.#server.listen(0, '127.0.0.1', resolve));
    return ioc;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  script(next: Answer): void {
    this.#script = next;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    const circuit: ScriptedCircuit = {
      number: this.circuits.length,
      say: (command, type = 0, count = 0, parameter1 = 0, parameter2 = 0, payload = Buffer.alloc(0)) =>
        void socket.write(message(command, type, count, parameter1, parameter2, payload)),
      raw: (bytes) => void socket.write(bytes),
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
      close: () => void socket.destroy(),
    };
    this.circuits.push(circuit);
    circuit.say(0, 0, 13);
    let buffered = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      buffered = Buffer.concat([buffered, chunk]);
      while (buffered.length >= 16) {
        const size = buffered.readUInt16BE(2);
        if (buffered.length < 16 + size) return;
        const next: Message = {
          command: buffered.readUInt16BE(0), size, type: buffered.readUInt16BE(4), count: buffered.readUInt16BE(6),
          parameter1: buffered.readUInt32BE(8), parameter2: buffered.readUInt32BE(12), payload: buffered.subarray(16, 16 + size),
        };
        buffered = buffered.subarray(16 + size);
        if (this.#script(next, circuit) !== true) answer(next, circuit);
      }
    });
  }
}

function answer({ command, type, parameter1, parameter2 }: Message, circuit: ScriptedCircuit): void {
  switch (command) {
    case 18:
      circuit.say(22, 0, 0, parameter1, 3);
      circuit.say(18, 6, 1, parameter1, 1000 + parameter1);
      return;
    case 15:
      circuit.say(15, type, 1, 1, parameter2, type === 34 ? Buffer.alloc(88) : timeDouble(parameter1 - 1000));
      return;
    case 19:
      circuit.say(19, type, 1, 1, parameter2);
      return;
    case 23:
      circuit.say(23);
      return;
    default:
  }
}

/** Payload of a double with time stamp: 1 s after the EPICS epoch, no alarm. */
export function timeDouble(value: number): Buffer {
  const payload = Buffer.alloc(24);
  payload.writeUInt32BE(1, 4);
  payload.writeDoubleBE(value, 16);
  return payload;
}

export function message(command: number, type: number, count: number, parameter1: number, parameter2: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt16BE(command, 0);
  header.writeUInt16BE(payload.length, 2);
  header.writeUInt16BE(type, 4);
  header.writeUInt16BE(count, 6);
  header.writeUInt32BE(parameter1, 8);
  header.writeUInt32BE(parameter2, 12);
  return Buffer.concat([header, payload]);
}
