/** What a channel says of itself: the form with limits and units (DBR_CTRL), one element. */
import type { ChannelMeta, Limits } from '../../../contracts/values.ts';
import { Native } from './dbr.ts';

const labelSize = 26;
const maxLabels = 16;
const unitsSize = 8;

/** Payload bytes that describe the channel; alarm state before and value after them are no description. */
export const describingStart = 4;
export const describingEnd = Uint16Array.of(4, 28, 48, 422, 21, 44, 80);

/** Decodes the payload at `at`, whose size the caller has checked. Text has no description of its own. */
export function decodeControl(native: number, elements: number, bytes: Buffer, view: DataView, at: number): ChannelMeta {
  const array = elements > 1 ? { maxElements: elements } : {};
  switch (native) {
    case Native.enum:
      return { labels: labels(bytes, view, at), ...array };
    case Native.double:
      return { ...units(bytes, at + 8), precision: view.getInt16(at + 4), ...limits((i) => view.getFloat64(at + 16 + 8 * i)), ...array };
    case Native.float:
      return { ...units(bytes, at + 8), precision: view.getInt16(at + 4), ...limits((i) => view.getFloat32(at + 16 + 4 * i)), ...array };
    case Native.long:
      return { ...units(bytes, at + 4), ...limits((i) => view.getInt32(at + 12 + 4 * i)), ...array };
    case Native.short:
      return { ...units(bytes, at + 4), ...limits((i) => view.getInt16(at + 12 + 2 * i)), ...array };
    case Native.char:
      return { ...units(bytes, at + 4), ...limits((i) => view.getUint8(at + 12 + i)), ...array };
    default:
      return array;
  }
}

/** Eight limits on the wire: display high and low, HIHI, HIGH, LOW, LOLO, control high and low. */
function limits(limit: (index: number) => number): Pick<ChannelMeta, 'display' | 'control' | 'warning' | 'alarm'> {
  const display = range(limit(1), limit(0));
  const alarm = range(limit(5), limit(2));
  const warning = range(limit(4), limit(3));
  const control = range(limit(7), limit(6));
  return { ...(display && { display }), ...(control && { control }), ...(warning && { warning }), ...(alarm && { alarm }) };
}

/**
 * A record without limits says equal ones (0 and 0), or NaN for alarm limits: no range, rather than
 * one that nothing lies in. An open side is infinite.
 */
function range(low: number, high: number): Limits | undefined {
  if (low >= high || (Number.isNaN(low) && Number.isNaN(high))) return undefined;
  return { low: Number.isNaN(low) ? -Infinity : low, high: Number.isNaN(high) ? Infinity : high };
}

function units(bytes: Buffer, at: number): Pick<ChannelMeta, 'units'> {
  const units = text(bytes, at, unitsSize);
  return units === '' ? {} : { units };
}

function labels(bytes: Buffer, view: DataView, at: number): string[] {
  const count = Math.max(0, Math.min(view.getInt16(at + 4), maxLabels));
  return Array.from({ length: count }, (_, i) => text(bytes, at + 6 + i * labelSize, labelSize));
}

/** Text up to the first NUL. Units in Latin-1 (degree signs) are common: what is not UTF-8 is read as that. */
function text(bytes: Buffer, at: number, size: number): string {
  const field = bytes.subarray(at, at + size);
  const end = field.indexOf(0);
  const raw = end < 0 ? field : field.subarray(0, end);
  const utf8 = raw.toString('utf8');
  return utf8.includes('\ufffd') ? raw.toString('latin1') : utf8;
}
