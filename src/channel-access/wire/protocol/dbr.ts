/**
 * How the seven native types lie in a payload, and which kind of value each is. All tables are
 * indexed by native type: 0 STRING, 1 SHORT, 2 FLOAT, 3 ENUM, 4 CHAR, 5 LONG, 6 DOUBLE.
 *
 * CHAR is read as 0 to 255, as the reference client and its tools do: the protocol has one 8-bit
 * type for CHAR and UCHAR fields and does not say which it was.
 */
import { ValueKind } from '../../../contracts/values.ts';

export const Native = { string: 0, short: 1, float: 2, enum: 3, char: 4, long: 5, double: 6 } as const;
export const nativeTypes = 7;

/** Distance from a native type to its form with time stamp, and with limits and units. */
export const timeForm = 14;
export const controlForm = 28;

export const valueSize = Uint8Array.of(40, 2, 4, 2, 1, 4, 8);
/** Where the value starts in the form with time stamp. */
export const timeValueOffset = Uint8Array.of(12, 14, 12, 14, 15, 12, 16);
/** Smallest payload of the form with limits, its one element included. */
export const controlSize = Uint16Array.of(4, 30, 52, 424, 22, 48, 88);

export const kindOfNative: readonly ValueKind[] = [
  ValueKind.text, ValueKind.int16, ValueKind.float, ValueKind.enum, ValueKind.int8, ValueKind.int32, ValueKind.double,
];

/** Payloads are padded to 8 bytes. */
export function padded(size: number): number {
  return (size + 7) & ~7;
}

/** Bytes of `count` elements in the form with time stamp, unpadded. */
export function timePayload(native: number, count: number): number {
  return timeValueOffset[native]! + Math.max(count, 1) * valueSize[native]!;
}
