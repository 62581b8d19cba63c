/**
 * Subscriptions of one IOC: value and alarm events with time stamp, written straight into the shared
 * columns under the row's sequence number. This is the busiest code in the system.
 *
 * A subscription's id is the slot of its channel, times two; the odd id beside it is the channel's
 * subscription to its own description (property-events.ts).
 */
import { Counter } from '../counters.ts';
import { Command, countZeroVersion, Eca, EventMask } from '../protocol/commands.ts';
import { Native, timeForm, timePayload, timeValueOffset } from '../protocol/dbr.ts';
import type { Frame } from '../protocol/frames.ts';
import { bareMessage, headerSizeFor, writeHeader } from '../protocol/header.ts';
import { HostileBytes } from '../protocol/hostile.ts';
import { writeTime } from '../protocol/time.ts';
import { ChannelFlag } from './channel-flags.ts';
import { type Channels, SlotState } from './channels.ts';
import type { ThreadContext } from './context.ts';
import { checkValue, scalar } from './decode-reply.ts';
import { PropertyEvents } from './property-events.ts';
import type { PulseSource, Pulses } from './pulse.ts';
import { SideValues } from './side-values.ts';

const eventPayload = 16;
const maskAt = 12;

export class Monitors implements PulseSource {
  readonly ioc: string;
  updates = 0;
  readonly #context: ThreadContext;
  readonly #channels: Channels;
  readonly #pulses: Pulses;
  readonly #side: SideValues;
  readonly #properties: PropertyEvents;
  readonly #described: (slot: number, frame: Frame) => void;
  readonly #send: (bytes: Uint8Array) => void;
  #due: number[] = [];

  constructor(
    context: ThreadContext, ioc: string, channels: Channels, pulses: Pulses, send: (bytes: Uint8Array) => void,
    described: (slot: number, frame: Frame) => void,
  ) {
    this.#context = context;
    this.ioc = ioc;
    this.#channels = channels;
    this.#pulses = pulses;
    this.#send = send;
    this.#described = described;
    this.#side = new SideValues(channels, pulses.dirty);
    this.#properties = new PropertyEvents(channels, send);
  }

  want(slot: number): void {
    this.#due.push(slot);
  }

  /** Subscribes all wanted since the last call, in one write. */
  flush(minor: number): void {
    if (this.#due.length === 0) return;
    const { native, elements, sid } = this.#channels;
    const count = (slot: number): number => (minor >= countZeroVersion ? 0 : elements[slot]!);
    const slots = this.#due.filter((slot) => this.#mayBeMonitored(slot));
    this.#due = [];
    const size = slots.reduce((sum, slot) => sum + headerSizeFor(eventPayload, count(slot)) + eventPayload, 0);
    const requests = Buffer.alloc(size);
    const view = new DataView(requests.buffer, requests.byteOffset, size);
    let at = 0;
    for (const slot of slots) {
      at = writeHeader(view, at, Command.eventAdd, eventPayload, native[slot]! + timeForm, count(slot), sid[slot]!, 2 * slot);
      view.setUint16(at + maskAt, EventMask.value | EventMask.alarm);
      at += eventPayload;
      this.#properties.want(slot);
    }
    if (size > 0) this.#send(requests);
  }

  /** Flow control: the IOC sends only the latest of what it held back. */
  flow(behind: boolean): void {
    this.#send(bareMessage(behind ? Command.eventsOff : Command.eventsOn));
  }

  forget(slot: number): void {
    this.#side.forget(slot);
  }

  drop(): void {
    this.#due = [];
    this.#properties.drop();
    for (let slot = 0; slot < this.#channels.used; slot++) this.#side.forget(slot);
  }

  /** Takes one event. */
  take(frame: Frame): void {
    const slot = frame.parameter2 >>> 1;
    const { state, used, flags: notes } = this.#channels;
    if (slot >= used || state[slot] === SlotState.free) throw new HostileBytes(`an event of subscription ${frame.parameter2}, which is not on this circuit`);
    // Cancelled meanwhile, or the confirmation of that.
    if (state[slot] !== SlotState.live || frame.size === 0) return;
    // No read access any more, or the record could not be read: what was seen before stands.
    if (frame.parameter1 !== Eca.normal) return;
    if ((frame.parameter2 & 1) !== 0) {
      this.#described(slot, frame);
      return;
    }
    const flags = notes[slot]!;
    if ((flags & ChannelFlag.monitored) === 0) throw new HostileBytes(`an event of channel ${slot}, which is not monitored`);
    this.#update(slot, flags, frame);
  }

  #update(slot: number, flags: number, frame: Frame): void {
    const native = this.#channels.native[slot]!;
    const row = this.#channels.row[slot]!;
    checkValue(frame, native);
    const { columns, timeWords } = this.#context;
    const { view, at } = frame;
    const inColumns = native !== Native.string && (flags & (ChannelFlag.array | ChannelFlag.longText)) === 0;
    if (!inColumns) this.#side.keep(slot, row, frame);
    else if (frame.count === 0) return;
    const { sequence } = columns;
    const turn = sequence[row]!;
    // Atomic so that no reader on another core sees the value before the number that guards it.
    Atomics.store(sequence, row, turn + 1);
    columns.status[row] = view.getInt16(at);
    columns.severity[row] = view.getInt16(at + 2);
    writeTime(timeWords, row, view.getUint32(at + 4), view.getUint32(at + 8));
    if (inColumns) columns.num[row] = scalar(view, native, at + timeValueOffset[native]!);
    columns.updates[row]! += 1;
    Atomics.store(sequence, row, turn + 2);
    this.#context.counters[Counter.updates]! += 1;
    if (this.updates++ === 0) this.#pulses.wake(this);
  }

  #mayBeMonitored(slot: number): boolean {
    const { state, native, elements, flags } = this.#channels;
    return state[slot] === SlotState.live && (flags[slot]! & ChannelFlag.monitored) !== 0
      && timePayload(native[slot]!, elements[slot]!) <= this.#context.payloadLimit;
  }
}
