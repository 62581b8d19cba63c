/**
 * Answers libca's searches. The IOC of every channel is known before libca is given its name: the
 * search that the clients share found it, and thereby which thread it belongs to. So libca is told,
 * as a name server tells, and cannot choose another IOC for it.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { IocAddress } from '../port.ts';

const headerBytes = 16;
const command = { version: 0, search: 6, echo: 23 } as const;
const minorVersion = 13;
/** Nothing that libca says to a name server is longer. */
const longest = 16_384;

export class Directory {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #iocs = new Map<string, IocAddress>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async open(): Promise<Directory> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    return new Directory(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  enter(name: string, ioc: IocAddress): void {
    this.#iocs.set(name, ioc);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined); // Closed next.
    socket.write(header(command.version, 0, 0, minorVersion, 0, 0));
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const answers: Buffer[] = [];
      let at = 0;
      while (at + headerBytes <= bytes.length) {
        const size = bytes.readUInt16BE(at + 2);
        if (size > longest) return void socket.destroy();
        if (at + headerBytes + size > bytes.length) break;
        const answer = this.#answer(bytes, at, size);
        if (answer !== undefined) answers.push(answer);
        at += headerBytes + size;
      }
      rest = Buffer.from(bytes.subarray(at));
      if (answers.length > 0) socket.write(Buffer.concat(answers));
    });
  }

  #answer(bytes: Buffer, at: number, size: number): Buffer | undefined {
    const code = bytes.readUInt16BE(at);
    if (code === command.echo) return header(command.echo, 0, 0, 0, 0, 0);
    if (code !== command.search) return undefined;
    const start = at + headerBytes;
    const nul = bytes.indexOf(0, start);
    const ioc = this.#iocs.get(bytes.toString('utf8', start, nul < 0 || nul > start + size ? start + size : nul));
    if (ioc === undefined) return undefined;
    const colon = ioc.lastIndexOf(':');
    const host = ioc.slice(0, colon).split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    const answer = Buffer.alloc(headerBytes + 8);
    header(command.search, 8, Number(ioc.slice(colon + 1)), 0, host, bytes.readUInt32BE(at + 12)).copy(answer);
    answer.writeUInt16BE(minorVersion, headerBytes);
    return answer;
  }
}

function header(code: number, size: number, type: number, count: number, first: number, second: number): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.writeUInt16BE(code, 0);
  bytes.writeUInt16BE(size, 2);
  bytes.writeUInt16BE(type, 4);
  bytes.writeUInt16BE(count, 6);
  bytes.writeUInt32BE(first, 8);
  bytes.writeUInt32BE(second, 12);
  return bytes;
}
