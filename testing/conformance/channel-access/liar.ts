// A CA server that lies: it answers searches for its names, speaks the protocol as far as a case
// wants it to, and then does what the case says.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface Message { readonly command: number; readonly type: number; readonly count: number; readonly first: number; readonly second: number; readonly payload: Buffer }

/** What a case does with one message of the client; true when that was all, and the honest answer is not wanted. */
export type Lie = (message: Message, socket: Socket) => boolean;

export interface Liar extends AsyncDisposable {
  readonly port: number;
  /** Names beginning with this are searched for at 127.0.0.`host`, where every case is another IOC. */
  lie(prefix: string, host: number, lie: Lie): void;
  /** What the search port says beside its answers. */
  gossip(datagrams: (name: string, cid: number) => readonly Buffer[]): void;
  /** Datagrams that asked for something. */
  asked(): number;
}

const headerBytes = 16;

export function message(command: number, type: number, count: number, first: number, second: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(headerBytes);
  [command, payload.length, type, count].forEach((value, i) => header.writeUInt16BE(value & 0xffff, 2 * i));
  header.writeUInt32BE(first >>> 0, 8);
  header.writeUInt32BE(second >>> 0, 12);
  return Buffer.concat([header, payload]);
}

/** Up to an incomplete message; a client's own messages are taken to be honest. */
function split(bytes: Buffer): { messages: Message[]; rest: Buffer } {
  const messages: Message[] = [];
  let at = 0;
  while (at + headerBytes <= bytes.length) {
    let size = bytes.readUInt16BE(at + 2);
    let count = bytes.readUInt16BE(at + 6);
    let start = at + headerBytes;
    if (size === 0xffff) {
      if (start + 8 > bytes.length) break;
      size = bytes.readUInt32BE(start);
      count = bytes.readUInt32BE(start + 4);
      start += 8;
    }
    if (start + size > bytes.length) break;
    messages.push({
      command: bytes.readUInt16BE(at), type: bytes.readUInt16BE(at + 4), count, first: bytes.readUInt32BE(at + 8), second: bytes.readUInt32BE(at + 12),
      payload: bytes.subarray(start, start + size),
    });
    at = start + size;
  }
  return { messages, rest: bytes.subarray(at) };
}

/** A DBR_TIME_DOUBLE, or its form with limits, of one element. */
export const timeDouble = (value: number): Buffer => {
  const payload = Buffer.alloc(24);
  payload.writeUInt32BE(1_000_000, 4);
  payload.writeDoubleBE(value, 16);
  return payload;
};
const controlDouble = Buffer.alloc(88);

/** What an IOC with one double per name would answer. */
function honestly({ command, type, first, second }: Message, socket: Socket): void {
  const timeType = 20, controlType = 34;
  switch (command) {
    case 0: socket.write(message(0, 0, 13, 0, 0)); return;
    case 1: socket.write(message(1, type, 1, 1, second, type === timeType ? timeDouble(1) : controlDouble)); return;
    case 15: socket.write(message(15, type, 1, 1, second, type === controlType ? controlDouble : timeDouble(1))); return;
    case 18: socket.write(Buffer.concat([message(22, 0, 0, first, 3), message(18, 6, 1, first, 77)])); return;
    case 19: socket.write(message(19, type, 1, 1, second)); return;
    case 23: socket.write(message(23, 0, 0, 0, 0)); return;
  }
}

export async function startLiar(): Promise<Liar> {
  const lies = new Map<string, { prefix: string; lie: Lie }>();
  let talk: (name: string, cid: number) => readonly Buffer[] = () => [];
  let asked = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    let unread: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      const { messages, rest } = split(Buffer.concat([unread, chunk]));
      unread = rest;
      const lie = lies.get(socket.localAddress?.replace('::ffff:', '') ?? '')?.lie;
      for (const one of messages) if (!socket.destroyed && lie?.(one, socket) !== true) honestly(one, socket);
    });
  });
  // Any loopback address: each case is another IOC to the client.
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const search = createSocket('udp4');
  search.bind(port, '127.0.0.1');
  await once(search, 'listening');
  search.on('message', (datagram, sender) => {
    asked++;
    for (const { command, first, payload } of split(datagram).messages) {
      if (command !== 6) continue;
      const name = payload.toString('utf8', 0, payload.indexOf(0));
      for (const bytes of talk(name, first)) search.send(bytes, sender.port, sender.address);
      const home = [...lies].find(([, { prefix }]) => name.startsWith(prefix))?.[0];
      if (home === undefined) continue;
      const address = home.split('.').reduce((number, byte) => number * 256 + Number(byte), 0);
      search.send(message(6, port, 0, address, first, Buffer.from([0, 13, 0, 0, 0, 0, 0, 0])), sender.port, sender.address);
    }
  });
  return {
    port,
    lie: (prefix, host, lie) => lies.set(`127.0.${1 + (host >> 8)}.${host & 255}`, { prefix, lie }),
    gossip: (datagrams) => { talk = datagrams; },
    asked: () => asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await Promise.all([new Promise((done) => server.close(done)), new Promise<void>((done) => search.close(() => done()))]);
    },
  };
}
