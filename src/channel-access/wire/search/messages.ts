/**
 * Search messages of Channel Access: what is asked, and what an answer says. A request datagram is
 * a VERSION header with a sequence number, which servers send back, and then one SEARCH per name.
 */

export const headerBytes = 16;
/** Leaves room for IP and UDP headers on links with an MTU of 1,400 (tunnels), so that nothing is fragmented. */
export const frameBytes = 1372;
/** A longer name could not be asked by datagram. */
export const longestNameBytes = 1024;

const minorVersion = 13;
const command = { version: 0, search: 6, hostName: 21, clientName: 20, echo: 23 } as const;
const doNotReplyWhenUnknown = 5;
const sequenceIsValid = 1;
/** "Use the address that this came from." */
const sendersAddress = 0xffff_ffff;

/** Builds one request, a datagram (with `sequence`) or a piece of a stream (without). */
export class SearchFrame {
  readonly #buffer = Buffer.allocUnsafe(frameBytes);
  #end = 0;
  readonly cids: number[] = [];

  constructor(sequence: number | undefined) {
    if (sequence !== undefined) this.#end = writeHeader(this.#buffer, 0, command.version, 0, sequenceIsValid, minorVersion, sequence, 0);
  }

  /** False when the name has no room left in this frame. */
  add(name: string, cid: number): boolean {
    const start = this.#end + headerBytes;
    const written = start + longestPossible(name) < frameBytes ? this.#buffer.write(name, start) : writeIfFits(this.#buffer, name, start);
    if (written < 0) return false;
    const padded = (written + 8) & ~7;
    if (start + padded > frameBytes) return false;
    this.#buffer.fill(0, start + written, start + padded);
    writeHeader(this.#buffer, this.#end, command.search, padded, doNotReplyWhenUnknown, minorVersion, cid, cid);
    this.#end = start + padded;
    this.cids.push(cid);
    return true;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#end);
  }
}

function longestPossible(name: string): number {
  return name.length * 3 + 8;
}

function writeIfFits(buffer: Buffer, name: string, at: number): number {
  return at + Buffer.byteLength(name) < frameBytes ? buffer.write(name, at) : -1;
}

/** A name with a NUL would be cut there by the IOC, and another PV would answer for it. */
export function isSearchable(name: string): boolean {
  return name.length > 0 && (name.length <= longestNameBytes / 3 || Buffer.byteLength(name) <= longestNameBytes) && !name.includes('\0');
}

/** What a client says of itself first on a TCP circuit to a name server. */
export function greeting(clientName: string, hostName: string): Buffer {
  const text = (code: number, value: string): Buffer => {
    const size = (Buffer.byteLength(value) + 8) & ~7;
    const message = Buffer.alloc(headerBytes + size);
    writeHeader(message, 0, code, size, 0, 0, 0, 0);
    message.write(value, headerBytes);
    return message;
  };
  const version = Buffer.alloc(headerBytes);
  writeHeader(version, 0, command.version, 0, 0, minorVersion, 0, 0);
  return Buffer.concat([version, text(command.clientName, clientName), text(command.hostName, hostName)]);
}

export function echoRequest(): Buffer {
  const message = Buffer.alloc(headerBytes);
  writeHeader(message, 0, command.echo, 0, 0, 0, 0, 0);
  return message;
}

export interface AnswerHandlers {
  /** The datagram answers the request with this number. Comes before its answers. */
  sequence(number: number): void;
  /** `address` is undefined when the sender's own is meant. */
  answer(cid: number, address: string | undefined, port: number): void;
}

/**
 * Reads messages from `start` on and returns where the first incomplete one begins, or -1 when the
 * bytes cannot be Channel Access. Unknown commands are stepped over: servers may be newer than we are.
 */
export function readAnswers(bytes: Buffer, start: number, longestPayload: number, handlers: AnswerHandlers): number {
  let at = start;
  while (at + headerBytes <= bytes.length) {
    const code = bytes.readUInt16BE(at);
    const size = bytes.readUInt16BE(at + 2);
    if (size > longestPayload) return -1;
    const end = at + headerBytes + size;
    if (end > bytes.length) return at;
    if (code === command.search) {
      const port = bytes.readUInt16BE(at + 4);
      const address = bytes.readUInt32BE(at + 8);
      if (port > 0) handlers.answer(bytes.readUInt32BE(at + 12), address === sendersAddress || address === 0 ? undefined : dotted(address), port);
    } else if (code === command.version && bytes.readUInt16BE(at + 4) === sequenceIsValid) {
      handlers.sequence(bytes.readUInt32BE(at + 8));
    }
    at = end;
  }
  return at;
}

export function dotted(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

function writeHeader(to: Buffer, at: number, code: number, size: number, type: number, count: number, first: number, second: number): number {
  to[at] = code >>> 8; to[at + 1] = code;
  to[at + 2] = size >>> 8; to[at + 3] = size;
  to[at + 4] = type >>> 8; to[at + 5] = type;
  to[at + 6] = count >>> 8; to[at + 7] = count;
  to[at + 8] = first >>> 24; to[at + 9] = first >>> 16; to[at + 10] = first >>> 8; to[at + 11] = first;
  to[at + 12] = second >>> 24; to[at + 13] = second >>> 16; to[at + 14] = second >>> 8; to[at + 15] = second;
  return at + headerBytes;
}
