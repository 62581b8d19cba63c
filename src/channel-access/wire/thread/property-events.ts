/**
 * Subscriptions of monitored channels to their own description: units, limits and labels change at
 * run time, rarely. They cost the IOC as much as a monitor each, so they come after the monitors, a
 * few at a time; the first event of each repeats the description that is known by then.
 */
import { Command, EventMask } from '../protocol/commands.ts';
import { controlForm, Native } from '../protocol/dbr.ts';
import { headerSize, writeHeader } from '../protocol/header.ts';
import { ChannelFlag } from './channel-flags.ts';
import { type Channels, SlotState } from './channels.ts';

const eventPayload = 16;
const maskAt = 12;
/** Until then whatever connects together has its monitors. */
const firstMs = 1_000;
const batch = 250;
const everyMs = 50;

export class PropertyEvents {
  readonly #channels: Channels;
  readonly #send: (bytes: Uint8Array) => void;
  #due: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(channels: Channels, send: (bytes: Uint8Array) => void) {
    this.#channels = channels;
    this.#send = send;
  }

  want(slot: number): void {
    this.#due.push(slot);
    this.#timer ??= setTimeout(() => this.#beat(), firstMs);
  }

  drop(): void {
    clearTimeout(this.#timer);
    this.#due = [];
  }

  #beat(): void {
    this.#timer = undefined;
    const { native, sid } = this.#channels;
    const slots = this.#due.splice(0, batch).filter((slot) => this.#hasDescription(slot));
    const requests = Buffer.alloc(slots.length * (headerSize + eventPayload));
    const view = new DataView(requests.buffer, requests.byteOffset, requests.length);
    let at = 0;
    for (const slot of slots) {
      at = writeHeader(view, at, Command.eventAdd, eventPayload, native[slot]! + controlForm, 1, sid[slot]!, 2 * slot + 1);
      view.setUint16(at + maskAt, EventMask.property);
      at += eventPayload;
    }
    if (slots.length > 0) this.#send(requests);
    if (this.#due.length > 0) this.#timer = setTimeout(() => this.#beat(), everyMs);
  }

  #hasDescription(slot: number): boolean {
    const { state, native, flags } = this.#channels;
    return state[slot] === SlotState.live && native[slot] !== Native.string
      && (flags[slot]! & (ChannelFlag.longText | ChannelFlag.monitored)) === ChannelFlag.monitored;
  }
}
