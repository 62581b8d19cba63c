/**
 * Cuts a circuit's byte stream into messages. All circuits of a thread receive into one buffer; what
 * is left of an unfinished message is kept per circuit, put in front of the next bytes (small), or
 * gathered apart (large arrays), so that a message always lies in one piece.
 */
import { extendedHeaderSize, headerSize } from './header.ts';
import { HostileBytes } from './hostile.ts';

/** One message, valid until the next one. The same object is used for all messages of a circuit. */
export interface Frame {
  command: number;
  type: number;
  count: number;
  parameter1: number;
  parameter2: number;
  /** Payload bytes, padding included. */
  size: number;
  /** Where the payload starts in `view` and `bytes`. */
  at: number;
  view: DataView;
  bytes: Buffer;
}

/** Room in front of the received bytes for the start of a message that came before. */
const headroom = 64 * 1024;

/** The buffer that all circuits of a thread receive into. */
export class ReceiveBuffer {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Where the socket writes to. */
  readonly target: Uint8Array;

  constructor(size = 1024 * 1024) {
    const memory = new ArrayBuffer(headroom + size);
    this.bytes = Buffer.from(memory);
    this.view = new DataView(memory);
    this.target = new Uint8Array(memory, headroom, size);
  }
}

export class Framer {
  readonly #receive: ReceiveBuffer;
  readonly #largest: number;
  readonly #take: (frame: Frame) => void;
  readonly #frame: Frame;
  #carry: Buffer | undefined;
  #large: Gathering | undefined;

  /** @param largest Payload bytes above which a message is hostile. */
  constructor(receive: ReceiveBuffer, largest: number, take: (frame: Frame) => void) {
    this.#receive = receive;
    this.#largest = largest;
    this.#take = take;
    this.#frame = {
      command: 0, type: 0, count: 0, parameter1: 0, parameter2: 0, size: 0, at: 0, view: receive.view, bytes: receive.bytes,
    };
  }

  /** Whether the rest of a large message is to come. */
  get isGathering(): boolean {
    return this.#large !== undefined;
  }

  /** Takes `length` bytes that were received into the shared buffer. Throws {@link HostileBytes}. */
  feed(length: number): void {
    const { bytes, view } = this.#receive;
    let at = headroom;
    const end = headroom + length;
    if (this.#large !== undefined) {
      at += this.#large.add(bytes.subarray(at, end));
      if (!this.#large.complete) return;
      const whole = this.#large.bytes;
      this.#large = undefined;
      this.#frame.bytes = whole;
      this.#frame.view = new DataView(whole.buffer, whole.byteOffset, whole.length);
      this.#cut(0, whole.length);
    }
    if (this.#carry !== undefined) {
      at -= this.#carry.length;
      this.#carry.copy(bytes, at);
      this.#carry = undefined;
    }
    this.#frame.bytes = bytes;
    this.#frame.view = view;
    at = this.#cut(at, end);
    if (at < end) this.#keep(at, end);
  }

  /** Hands on whole messages; returns where the first unfinished one starts. */
  #cut(from: number, end: number): number {
    const frame = this.#frame;
    const view = frame.view;
    const take = this.#take;
    let at = from;
    while (end - at >= headerSize) {
      const first = view.getUint32(at);
      const second = view.getUint32(at + 4);
      let size = first & 0xffff;
      let count = second & 0xffff;
      let payload = at + headerSize;
      if (size === 0xffff) {
        if (end - at < extendedHeaderSize) break;
        size = view.getUint32(at + 16);
        count = view.getUint32(at + 20);
        payload = at + extendedHeaderSize;
        if (size > this.#largest) throw new HostileBytes(`a message announces ${size} bytes of payload; ${this.#largest} is the limit`);
      }
      if (end - payload < size) break;
      frame.command = first >>> 16;
      frame.type = second >>> 16;
      frame.count = count;
      frame.parameter1 = view.getUint32(at + 8);
      frame.parameter2 = view.getUint32(at + 12);
      frame.size = size;
      frame.at = payload;
      take(frame);
      at = payload + size;
    }
    return at;
  }

  #keep(at: number, end: number): void {
    const { bytes, view } = this.#receive;
    let total = headerSize;
    if (end - at >= headerSize) {
      const size = view.getUint16(at + 2);
      if (size !== 0xffff) total = headerSize + size;
      else total = extendedHeaderSize + (end - at >= extendedHeaderSize ? view.getUint32(at + 16) : 0);
    }
    if (total > headroom) this.#large = new Gathering(total, bytes.subarray(at, end));
    else this.#carry = Buffer.from(bytes.subarray(at, end));
  }
}

/** A large message in the making. Grows with what has come, not with what was announced. */
class Gathering {
  #bytes: Buffer;
  #filled = 0;
  readonly #total: number;

  constructor(total: number, start: Uint8Array) {
    this.#total = total;
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(total, Math.max(1024 * 1024, start.length)));
    this.add(start);
  }

  /** Takes what belongs to the message; returns how many bytes that was. */
  add(chunk: Uint8Array): number {
    const taken = Math.min(chunk.length, this.#total - this.#filled);
    if (this.#filled + taken > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.#total, Math.max(2 * this.#bytes.length, this.#filled + taken)));
      this.#bytes.copy(larger, 0, 0, this.#filled);
      this.#bytes = larger;
    }
    this.#bytes.set(chunk.subarray(0, taken), this.#filled);
    this.#filled += taken;
    return taken;
  }

  get complete(): boolean {
    return this.#filled === this.#total;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }
}
