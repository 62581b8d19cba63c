/**
 * One value with time stamp, from the wire into row `i` of a sweep. The only place where a read's
 * bytes are looked at, and called once per value: no object is made here.
 */
import { ReadOutcome } from '../../../contracts/values.ts';
import type { PackedColumns } from '../packed-values.ts';
import { Native, timeForm, timeValueOffset, valueSize } from '../protocol/dbr.ts';
import type { Frame } from '../protocol/frames.ts';
import { HostileBytes } from '../protocol/hostile.ts';
import { writeTime } from '../protocol/time.ts';
import { ChannelFlag } from './channel-flags.ts';
import type { HeapWriter } from './heap-writer.ts';

/** Returns false when there is no value: a scalar channel without an element (S1). */
export function decodeReply(frame: Frame, native: number, flags: number, columns: PackedColumns, heap: HeapWriter, i: number): boolean {
  const { view, at, count } = frame;
  checkValue(frame, native);
  const value = at + timeValueOffset[native]!;
  if ((flags & ChannelFlag.longText) !== 0) heap.text(i, frame.bytes, value, count);
  else if ((flags & ChannelFlag.array) !== 0) heap.array(i, native, count, frame.bytes, view, value, frame.size - (value - at));
  else if (count === 0) return false;
  else if (native === Native.string) heap.text(i, frame.bytes, value, Math.min(valueSize[Native.string]!, frame.size - (value - at)));
  else columns.num[i] = scalar(view, native, value);
  columns.status[i] = view.getInt16(at);
  columns.severity[i] = view.getInt16(at + 2);
  writeTime(columns.timeWords, i, view.getUint32(at + 4), view.getUint32(at + 8));
  columns.outcome[i] = ReadOutcome.ok;
  return true;
}

/** Throws {@link HostileBytes} unless the payload is a value of this type and holds `count` elements. */
export function checkValue(frame: Frame, native: number): void {
  if (frame.count === 1 && frame.type === native + timeForm && frame.size >= single[native]!) return;
  if (frame.type !== native + timeForm) throw new HostileBytes(`a value of type ${frame.type} for a channel of type ${native}`);
  const needed = timeValueOffset[native]! + (native === Native.string && frame.count <= 1 ? frame.count : frame.count * valueSize[native]!);
  if (frame.size < needed) throw new HostileBytes(`a value of ${frame.count} elements in ${frame.size} bytes; type ${native} needs ${needed}`);
}

/** Payload that one element needs at least; a single text may be sent without the NULs behind it. */
const single = timeValueOffset.map((offset, native) => offset + (native === Native.string ? 1 : valueSize[native]!));

export function scalar(view: DataView, native: number, at: number): number {
  switch (native) {
    case Native.double: return view.getFloat64(at);
    case Native.long: return view.getInt32(at);
    case Native.enum: return view.getUint16(at);
    case Native.float: return view.getFloat32(at);
    case Native.short: return view.getInt16(at);
    default: return view.getUint8(at);
  }
}
