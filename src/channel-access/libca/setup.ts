/**
 * What a channel needs once it is connected: its subscription, its description and, where it is
 * monitored, a subscription to changes of that. In pieces, each ended by a probe: were an IOC given
 * all at once and hung, its queue in libca would fill and block this thread (I1).
 */
import { controlForm, Native, timeForm } from '../wire/protocol/dbr.ts';
import { EventMask } from '../wire/protocol/commands.ts';
import { ChannelFlag } from '../wire/thread/channel-flags.ts';
import { Learned } from '../wire/thread/learned.ts';
import { hostOrderView } from './decode.ts';
import { Memory, Purpose } from './memory.ts';
import { SlotState } from './slots.ts';
import type { LibcaContext } from './thread-context.ts';

const pieceLength = 2_000;
const descriptionsAtOnce = 400;
const propertiesAtOnce = 250;
const propertiesEveryMs = 50;

export class Setup {
  readonly #context: LibcaContext;
  readonly #ioc: string;
  /** Where updates are counted. */
  readonly #tally: number;
  /** Calls back when the IOC has taken everything sent before; false when it cannot be asked. */
  readonly #barrier: (done: () => void) => boolean;
  readonly #view: DataView;
  readonly #learned: Learned;
  #subscribe: number[] = [];
  #describe: number[] = [];
  #properties: number[] = [];
  #waiting = false;
  #propertiesAt = 0;
  /** Counts lives of the circuit: answers to an earlier one are not for this. */
  #life = 0;

  constructor(context: LibcaContext, { ioc, tally }: { ioc: string; tally: number }, barrier: (done: () => void) => boolean) {
    this.#context = context;
    this.#ioc = ioc;
    this.#tally = tally;
    this.#barrier = barrier;
    this.#view = hostOrderView(context.memory.u8.buffer as ArrayBuffer);
    this.#learned = new Learned(context, ioc);
  }

  want(slot: number, monitored: boolean): void {
    this.#describe.push(slot);
    if (!monitored) return;
    this.#subscribe.push(slot);
    this.#properties.push(slot);
  }

  /** Asks a channel again what it is. */
  describe(slot: number): void {
    this.#describe.push(slot);
  }

  drop(): void {
    this.#life++;
    this.#subscribe = [];
    this.#describe = [];
    this.#properties = [];
    this.#waiting = false;
  }

  /** Does the next piece, unless one is under way. */
  pump(at: number): void {
    this.#learned.report();
    if (this.#waiting || this.#subscribe.length + this.#describe.length + this.#properties.length === 0) return;
    let sent = 0;
    for (const slot of this.#subscribe.splice(0, pieceLength)) sent += this.#subscribeTo(slot);
    const described = this.#describe.splice(0, descriptionsAtOnce);
    described.forEach((slot, i) => {
      const asked = this.#ask(slot);
      if (asked === undefined) this.#describe.push(...described.slice(i, i + 1));
      else sent += asked;
    });
    if (this.#subscribe.length === 0 && this.#describe.length === 0 && at >= this.#propertiesAt) {
      this.#propertiesAt = at + propertiesEveryMs;
      for (const slot of this.#properties.splice(0, propertiesAtOnce)) sent += this.#subscribeToProperties(slot);
    }
    if (sent > 0) {
      const life = this.#life;
      this.#waiting = this.#barrier(() => {
        if (life !== this.#life) return;
        this.#waiting = false;
        this.pump(at);
      });
    }
    this.#context.lane.flush();
    this.#learned.report();
  }

  #isLive(slot: number): boolean {
    const { slots } = this.#context;
    return slots.state[slot] === SlotState.live && slots.owner[slot]?.ioc === this.#ioc;
  }

  #subscribeTo(slot: number): number {
    const { slots, memory, lane, native } = this.#context;
    if (!this.#isLive(slot) || (slots.flags[slot]! & ChannelFlag.monitored) === 0) return 0;
    // 0 elements asked are as many as there are: with 1, none would be shown as a 0 (S1).
    const type = slots.native[slot]! + timeForm;
    const mask = EventMask.value | EventMask.alarm;
    const isArray = (slots.flags[slot]! & (ChannelFlag.array | ChannelFlag.longText)) !== 0;
    if (!isArray && slots.native[slot] !== Native.string) {
      return lane.subscribeColumns(type, 0, slots.channel[slot]!, mask, memory.monitor(slot, slots.row[slot]!, this.#tally)) === 1 ? 1 : 0;
    }
    const cell = memory.cell(slot, Purpose.event);
    if (isArray && slots.eventData[slot] === 0) slots.eventData[slot] = native.c.calloc(1, slots.room[slot]!);
    memory.prepare(cell, {
      token: memory.slotToken(slot, Purpose.event),
      ...isArray ? { room: slots.room[slot]!, data: slots.eventData[slot]! } : { room: Memory.scalarRoom },
    });
    return lane.subscribe(type, 0, slots.channel[slot]!, mask, cell) === 1 ? 1 : 0;
  }

  #subscribeToProperties(slot: number): number {
    const { slots, memory, lane } = this.#context;
    if (!this.#isLive(slot) || slots.native[slot] === Native.string || (slots.flags[slot]! & ChannelFlag.longText) !== 0) return 0;
    const cell = memory.cell(slot, Purpose.property);
    memory.prepare(cell, { token: memory.slotToken(slot, Purpose.property) });
    return lane.subscribe(slots.native[slot]! + controlForm, 1, slots.channel[slot]!, EventMask.property, cell) === 1 ? 1 : 0;
  }

  /** How many requests that took, or undefined when it has to be tried again. */
  #ask(slot: number): number | undefined {
    const { slots, lane, metas, aside } = this.#context;
    if (!this.#isLive(slot)) return 0;
    const native = slots.native[slot]!;
    const row = slots.row[slot]!;
    const text = metas.ofText(native, slots.elements[slot]!, slots.flags[slot]!);
    if (text !== undefined) this.#learned.keep(row, text.hash);
    if (text !== undefined || (slots.access[slot]! & 1) === 0) return 0;
    const life = this.#life;
    const asked = aside.ask(undefined, (cell) => lane.get(native + controlForm, 1, slots.channel[slot]!, cell), (cell) => {
      if (life === this.#life && this.#isLive(slot) && slots.row[slot] === row) this.#learn(slot, cell);
    });
    return asked ? 1 : undefined;
  }

  #learn(slot: number, cell: number): void {
    const { memory, slots, metas } = this.#context;
    const native = slots.native[slot]!;
    if (memory.status(cell) !== 1 || memory.type(cell) !== native + controlForm) return;
    this.#learned.keep(slots.row[slot]!, metas.intern(native, slots.elements[slot]!, memory.u8, this.#view, memory.data(cell)).hash);
  }
}
