/**
 * Monitored text and arrays of one circuit between two pulses: the latest value per channel, as it
 * came off the wire. Written out at the pulse, so that a fast array costs one copy per update.
 */
import type { SideUpdates } from '../thread-messages.ts';
import { timeValueOffset } from '../protocol/dbr.ts';
import type { Frame } from '../protocol/frames.ts';
import { writeTime } from '../protocol/time.ts';
import { ChannelFlag } from './channel-flags.ts';
import type { Channels } from './channels.ts';
import { HeapWriter } from './heap-writer.ts';

interface Latest {
  payload: Buffer;
  size: number;
  count: number;
  dirty: boolean;
}

/** A channel with a value that waits for the pulse. */
export interface DirtySlot {
  readonly channels: Channels;
  readonly slot: number;
  readonly row: number;
  readonly latest: Latest;
}

export class SideValues {
  readonly #channels: Channels;
  readonly #latest: (Latest | undefined)[] = [];
  readonly #dirty: DirtySlot[];

  /** @param dirty Where the thread gathers what the next pulse has to carry. */
  constructor(channels: Channels, dirty: DirtySlot[]) {
    this.#channels = channels;
    this.#dirty = dirty;
  }

  keep(slot: number, row: number, frame: Frame): void {
    const latest = (this.#latest[slot] ??= { payload: Buffer.allocUnsafeSlow(frame.size), size: 0, count: 0, dirty: false });
    if (latest.payload.length < frame.size) latest.payload = Buffer.allocUnsafeSlow(frame.size);
    frame.bytes.copy(latest.payload, 0, frame.at, frame.at + frame.size);
    latest.size = frame.size;
    latest.count = frame.count;
    if (latest.dirty) return;
    latest.dirty = true;
    this.#dirty.push({ channels: this.#channels, slot, row, latest });
  }

  /** The channel in this slot is gone; what waits of it is not sent any more. */
  forget(slot: number): void {
    this.#latest[slot] = undefined;
  }
}

/** Takes all waiting values out of `dirty`. */
export function writeSide(dirty: DirtySlot[]): SideUpdates | undefined {
  const batch = dirty.splice(0).filter(({ channels, slot, row }) => channels.row[slot] === row);
  if (batch.length === 0) return undefined;
  const heap = new HeapWriter({ bytes: batch.reduce((sum, { latest }) => sum + latest.size + 8, 0), entries: 4 * batch.length });
  const times = new Uint32Array(2 * batch.length);
  const severity = new Uint8Array(batch.length);
  const status = new Uint8Array(batch.length);
  batch.forEach(({ channels, slot, row, latest }, i) => {
    latest.dirty = false;
    const { payload, size, count } = latest;
    status[i] = payload.readInt16BE(0);
    severity[i] = payload.readInt16BE(2);
    writeTime(times, i, payload.readUInt32BE(4), payload.readUInt32BE(8));
    const native = channels.native[slot]!;
    const value = timeValueOffset[native]!;
    const flags = channels.flags[slot]!;
    if ((flags & ChannelFlag.longText) !== 0) heap.text(row, payload, value, count);
    else if ((flags & ChannelFlag.array) !== 0) heap.array(row, native, count, payload, new DataView(payload.buffer, payload.byteOffset, size), value, size - value);
    else heap.text(row, payload, value, count === 0 ? 0 : Math.min(40, size - value));
  });
  return { heap: heap.finish()!, times, severity, status };
}
