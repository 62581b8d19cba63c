/**
 * Monitor updates of text and arrays: time and alarm state out of the cells into the shared columns, the
 * values to the main thread by the pulse. A cell holds the latest update only, so however fast an IOC
 * sends, each channel is decoded once per turn. Numbers go into the columns without coming by here.
 */
import { timeValueOffset } from '../wire/protocol/dbr.ts';
import { writeTime } from '../wire/protocol/time.ts';
import { ChannelFlag } from '../wire/thread/channel-flags.ts';
import type { SideUpdates } from '../wire/thread-messages.ts';
import { alarmSeverity, alarmStatus, timeBytes } from './decode.ts';
import { HostHeap } from './heap.ts';
import { Purpose } from './memory.ts';
import type { LibcaContext } from './thread-context.ts';

export class Updates {
  readonly #context: LibcaContext;
  /** Slots whose text or array waits for the pulse. */
  #dirty: number[] = [];

  constructor(context: LibcaContext) {
    this.#context = context;
  }

  /** Takes what the event cell of a live, monitored slot holds. Returns how many updates that were. */
  take(slot: number): number {
    const { memory, slots, columns, timeWords } = this.#context;
    const cell = memory.cell(slot, Purpose.event);
    const row = slots.row[slot]!;
    const native = slots.native[slot]!;
    const far = slots.eventData[slot]!;
    let before: number, calls: number;
    let status = 0, severity = 0, seconds = 0, nanoseconds = 0, count = 0;
    do {
      before = memory.sequence(cell);
      calls = memory.calls(cell);
      // No read access any more, or the record could not be read: what was seen before stands.
      if (memory.status(cell) !== 1) {
        slots.seen[slot] = calls;
        return 0;
      }
      count = memory.count(cell);
      const data = far === 0 ? memory.data(cell) : this.#context.head(far);
      status = alarmStatus(memory, data);
      severity = alarmSeverity(memory, data);
      seconds = memory.u32[(data >> 2) + 1]!;
      nanoseconds = memory.u32[(data >> 2) + 2]!;
    } while ((before & 1) !== 0 || memory.sequence(cell) !== before);
    const fresh = (calls - slots.seen[slot]!) >>> 0;
    slots.seen[slot] = calls;
    if (fresh === 0 || (far === 0 && count === 0)) return 0;
    if (far !== 0 && timeBytes(native, count) > slots.room[slot]!) return 0;
    Atomics.add(columns.sequence, row, 1);
    columns.status[row] = status;
    columns.severity[row] = severity;
    writeTime(timeWords, row, seconds, nanoseconds);
    Atomics.add(columns.sequence, row, 1);
    columns.updates[row]! += fresh;
    if (slots.dirty[slot] === 0) {
      slots.dirty[slot] = 1;
      this.#dirty.push(slot);
    }
    return fresh;
  }

  /** Text and arrays since the last call. */
  takeSide(): SideUpdates | undefined {
    if (this.#dirty.length === 0) return undefined;
    const { slots, copy } = this.#context;
    const batch = this.#dirty.filter((slot) => slots.dirty[slot] === 1);
    this.#dirty = [];
    if (batch.length === 0) return undefined;
    const heap = new HostHeap(copy, { bytes: batch.length * 48, entries: 4 * batch.length });
    const times = new Uint32Array(2 * batch.length);
    const severity = new Uint8Array(batch.length);
    const status = new Uint8Array(batch.length);
    batch.forEach((slot, i) => {
      slots.dirty[slot] = 0;
      this.#writeSide(slot, heap, times, severity, status, i);
    });
    return { heap: heap.finish()!, times, severity, status };
  }

  #writeSide(slot: number, heap: HostHeap, times: Uint32Array, severity: Uint8Array, status: Uint8Array, i: number): void {
    const { memory, slots } = this.#context;
    const cell = memory.cell(slot, Purpose.event);
    const native = slots.native[slot]!;
    const far = slots.eventData[slot]!;
    const row = slots.row[slot]!;
    for (;;) {
      const before = memory.sequence(cell);
      if ((before & 1) !== 0) continue;
      const most = Math.floor((slots.room[slot]! - timeValueOffset[native]!) / (timeBytes(native, 1) - timeBytes(native, 0)));
      const count = Math.min(memory.count(cell), most);
      const data = far === 0 ? memory.data(cell) : this.#context.head(far);
      status[i] = alarmStatus(memory, data);
      severity[i] = alarmSeverity(memory, data);
      writeTime(times, i, memory.u32[(data >> 2) + 1]!, memory.u32[(data >> 2) + 2]!);
      if (far === 0) heap.text(row, memory.u8, data + timeBytes(native, 0), 40);
      else if ((slots.flags[slot]! & ChannelFlag.longText) !== 0) heap.farText(row, far + timeBytes(native, 0), count);
      else heap.array(row, native, count, far + timeBytes(native, 0));
      if (memory.sequence(cell) === before) return;
      heap.drop();
    }
  }
}
