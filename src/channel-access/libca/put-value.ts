/** A value on its way into libca: into the request of its slot, in the byte order of this machine. */
import { ValueKind } from '../../contracts/values.ts';
import { Native, valueSize } from '../wire/protocol/dbr.ts';
import { encodePut, fits } from '../wire/protocol/encode-put.ts';
import { ChannelFlag } from '../wire/thread/channel-flags.ts';
import type { PutJob } from '../wire/thread/put-job.ts';
import type { PutValues } from '../wire/thread-messages.ts';
import { Memory } from './memory.ts';
import type { LibcaContext } from './thread-context.ts';

/** Makes the request of `slot` put row `i` of the job, and be counted in `batch`; false when the value does not fit. */
export function writePut(context: LibcaContext, { rows, values, window }: PutJob, i: number, slot: number, batch: number): boolean {
  const { slots, columns, metas, memory, arrayLimit, native: { c } } = context;
  const type = slots.native[slot]!;
  const longText = (slots.flags[slot]! & ChannelFlag.longText) !== 0;
  const request = memory.request(slot);
  const channel = slots.putChannel[slot]!;
  if (!longText && isPlainNumber(values, i) && type !== Native.string) {
    const value = values.num[i]!;
    if (!fits(type, value)) return false;
    memory.setRequest(request, batch, channel, type, 1, valueSize[type]!, window);
    writeNumber(memory, type, value, memory.requestValue(request));
    return true;
  }
  const encoded = encodePut({
    native: type,
    maxElements: Math.max(1, slots.elements[slot]!),
    longText,
    labels: type === Native.enum ? metas.labels(columns.metaHash[rows[i]!]!) : undefined,
  }, values, i);
  if (encoded === undefined || encoded.payload.length > arrayLimit) return false;
  const { payload, count } = encoded;
  toHostOrder(payload, valueSize[type]!);
  memory.setRequest(request, batch, channel, type, count, payload.length, window);
  if (payload.length <= Memory.ownValueRoom) memory.u8.set(payload, memory.requestValue(request));
  else {
    const value = c.calloc(1, payload.length);
    if (value === 0) return false;
    c.copyIn(value, payload, payload.length);
    memory.setRequestValue(request, value);
  }
  return true;
}

/** Most values are; the others are encoded as for the wire. */
function isPlainNumber({ kind, bytes }: PutValues, i: number): boolean {
  switch (kind[i]) {
    case ValueKind.double: case ValueKind.float: case ValueKind.int32: case ValueKind.int16: case ValueKind.int8: case ValueKind.enum:
      return !bytes.has(i);
    default: return false;
  }
}

function writeNumber(memory: Memory, type: number, value: number, at: number): void {
  switch (type) {
    case Native.double: memory.f64[at >> 3] = value; return;
    case Native.float: memory.f32[at >> 2] = value; return;
    case Native.long: memory.i32[at >> 2] = value; return;
    case Native.short: memory.i16[at >> 1] = value; return;
    case Native.enum: memory.u16[at >> 1] = value; return;
    default: memory.u8[at] = value;
  }
}

/** Turns a payload around; its elements are network order before. */
export function toHostOrder(payload: Buffer, size: number): void {
  if (size === 2) payload.swap16();
  else if (size === 4) payload.swap32();
  else if (size === 8) payload.swap64();
}
