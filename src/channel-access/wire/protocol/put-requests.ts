/**
 * Requests to put, one behind the other, on their way into one write to the socket. Single numbers,
 * short text and arrays of the channel's own type, which nearly all are, are encoded in place;
 * everything else by encode-put.ts, which says too what fits.
 */
import { Command } from './commands.ts';
import { Native, padded, valueSize } from './dbr.ts';
import { type EncodedPut, fits } from './encode-put.ts';
import { headerSize, headerSizeFor, writeHeader } from './header.ts';
import { copySwapped } from './swap.ts';

const textSize = valueSize[Native.string]!;
/** No character is cut off before it shows that the text is too long. */
const textRoom = textSize + 4;
const numberSize = headerSize + 8;
const usualSize = 16 * 1024;
const numberHead = Command.writeNotify << 16 | 8;

export class PutRequests {
  #bytes!: Buffer;
  #view!: DataView;
  #end = 0;

  constructor() {
    this.renew();
  }

  get isEmpty(): boolean {
    return this.#end === 0;
  }

  /** False when it does not fit the type, which is neither STRING nor CHAR. */
  number(native: number, sid: number, id: number, value: number): boolean {
    if (!fits(native, value)) return false;
    const at = this.#end;
    if (at + numberSize > this.#bytes.length) this.#grow(numberSize);
    const view = this.#view;
    view.setUint32(at, numberHead);
    view.setUint32(at + 4, native << 16 | 1);
    view.setUint32(at + 8, sid);
    view.setUint32(at + 12, id);
    const payload = at + headerSize;
    if (native === Native.double) view.setFloat64(payload, value);
    else {
      view.setUint32(payload + 4, 0);
      if (native === Native.float) view.setFloat32(payload, value);
      else if (native === Native.long) view.setInt32(payload, value);
      else view.setUint32(payload, value << 16);
    }
    this.#end = at + numberSize;
    return true;
  }

  /** Text for a STRING channel; false when it does not fit. */
  text(sid: number, id: number, text: string): boolean {
    if (text.length >= textSize || text.includes('\0')) return false;
    const at = this.#begin(Native.string, sid, id, 1, textSize, headerSize + textRoom);
    const written = this.#bytes.write(text, at, textRoom, 'utf8');
    if (written >= textSize) return false;
    this.#bytes.fill(0, at + written, at + textSize);
    this.#end = at + textSize;
    return true;
  }

  /** An array of the channel's own type, in the byte order of columns. */
  array(native: number, sid: number, id: number, array: Uint8Array): void {
    const size = valueSize[native]!;
    const at = this.#begin(native, sid, id, array.length / size, array.length);
    copySwapped(array, 0, this.#bytes, at, array.length, size);
    this.#pad(at + array.length);
  }

  encoded(native: number, sid: number, id: number, { count, payload }: EncodedPut): void {
    const at = this.#begin(native, sid, id, count, payload.length);
    payload.copy(this.#bytes, at);
    this.#pad(at + payload.length);
  }

  /** All of them, and the next one comes first again; `renew` before it if these bytes are still needed then. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#end);
    this.#end = 0;
    return bytes;
  }

  /** Goes on in another buffer. */
  renew(size = usualSize): void {
    this.#bytes = Buffer.allocUnsafeSlow(size);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Writes a header; returns where its payload starts. */
  #begin(native: number, sid: number, id: number, count: number, length: number, room = 0): number {
    const size = padded(length);
    const total = Math.max(headerSizeFor(size, count) + size, room);
    if (this.#end + total > this.#bytes.length) this.#grow(total);
    return writeHeader(this.#view, this.#end, Command.writeNotify, size, native, count, sid, id);
  }

  #pad(from: number): void {
    this.#end = padded(from);
    for (let at = from; at < this.#end; at++) this.#bytes[at] = 0;
  }

  #grow(room: number): void {
    const before = this.#bytes;
    this.renew(Math.max(2 * before.length, this.#end + room));
    before.copy(this.#bytes, 0, 0, this.#end);
  }
}
