/** Values as libca hands them over: DBR structures in the byte order of this machine. */
import { Native, timeValueOffset, valueSize } from '../wire/protocol/dbr.ts';
import { writeTime } from '../wire/protocol/time.ts';

/** One piece of memory, seen as every type that a value can be of. */
export interface Views {
  readonly u8: Buffer;
  readonly i16: Int16Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
}

export function scalarAt(memory: Views, native: number, data: number): number {
  const at = data + timeValueOffset[native]!;
  switch (native) {
    case Native.double: return memory.f64[at >> 3]!;
    case Native.long: return memory.i32[at >> 2]!;
    case Native.enum: return memory.u16[at >> 1]!;
    case Native.float: return memory.f32[at >> 2]!;
    case Native.short: return memory.i16[at >> 1]!;
    default: return memory.u8[at]!;
  }
}

/** Status, severity and time in front of every value. */
export function alarmStatus(memory: Views, data: number): number {
  return memory.i16[data >> 1]!;
}

export function alarmSeverity(memory: Views, data: number): number {
  return memory.i16[(data >> 1) + 1]!;
}

export function timeAt(memory: Views, data: number, words: Uint32Array, i: number): void {
  writeTime(words, i, memory.u32[(data >> 2) + 1]!, memory.u32[(data >> 2) + 2]!);
}

/** Elements of a time structure in bytes, from its start. */
export function timeBytes(native: number, count: number): number {
  return timeValueOffset[native]! + count * valueSize[native]!;
}

/** Reads in the byte order of this machine what decoders of the wire read in the network's. */
export function hostOrderView(memory: ArrayBuffer): DataView {
  const plain = new DataView(memory);
  return Object.assign(new DataView(memory), {
    getInt16: (at: number) => plain.getInt16(at, true),
    getInt32: (at: number) => plain.getInt32(at, true),
    getFloat32: (at: number) => plain.getFloat32(at, true),
    getFloat64: (at: number) => plain.getFloat64(at, true),
  });
}
