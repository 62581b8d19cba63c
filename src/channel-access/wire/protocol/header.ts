/** Message headers: 16 bytes, or 24 when payload or count do not fit 16 bits. */
import { padded } from './dbr.ts';

export const headerSize = 16;
export const extendedHeaderSize = 24;

/** Bytes that a header needs for this payload size and element count. */
export function headerSizeFor(size: number, count: number): number {
  return size >= 0xffff || count >= 0xffff ? extendedHeaderSize : headerSize;
}

/** Writes one header and returns where its payload starts. `size` is the padded payload size. */
export function writeHeader(
  view: DataView, at: number, command: number, size: number, type: number, count: number, parameter1: number, parameter2: number,
): number {
  const extended = size >= 0xffff || count >= 0xffff;
  view.setUint16(at, command);
  view.setUint16(at + 2, extended ? 0xffff : size);
  view.setUint16(at + 4, type);
  view.setUint16(at + 6, extended ? 0 : count);
  view.setUint32(at + 8, parameter1);
  view.setUint32(at + 12, parameter2);
  if (!extended) return at + headerSize;
  view.setUint32(at + 16, size);
  view.setUint32(at + 20, count);
  return at + extendedHeaderSize;
}

/** A whole message without payload. */
export function bareMessage(command: number, type = 0, count = 0, parameter1 = 0, parameter2 = 0): Buffer {
  const buffer = Buffer.alloc(headerSize);
  writeHeader(new DataView(buffer.buffer, buffer.byteOffset, buffer.length), 0, command, 0, type, count, parameter1, parameter2);
  return buffer;
}

/** A whole message whose payload is text with a closing NUL. */
export function textMessage(command: number, text: string, count: number, parameter1: number, parameter2: number): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const size = padded(bytes.length + 1);
  const buffer = Buffer.alloc(headerSizeFor(size, count) + size);
  const at = writeHeader(
    new DataView(buffer.buffer, buffer.byteOffset, buffer.length), 0, command, size, 0, count, parameter1, parameter2,
  );
  bytes.copy(buffer, at);
  return buffer;
}
