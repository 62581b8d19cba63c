/**
 * What the channels of an IOC are: units, limits, labels. Read in small jobs once a channel is
 * connected, and of swept channels again and again, for nobody tells of a change.
 */
import { controlForm } from '../../wire/protocol/dbr.ts';
import { Learned } from '../../wire/thread/learned.ts';
import { hostOrderView } from '../decode.ts';
import { SlotState } from '../slots.ts';
import type { SweptContext } from './context.ts';
import type { Gets, Job } from './gets.ts';

const atOnce = 256;
/** In so many sweeps every description is read again. */
export const sweepsToAll = 60;

export class Descriptions {
  readonly #context: SweptContext;
  readonly #gets: Gets;
  readonly #view: DataView;
  readonly #learned: Learned;
  #wanted: number[] = [];
  #again: number[] = [];
  #asked = false;

  constructor(context: SweptContext, ioc: string, gets: Gets) {
    this.#context = context;
    this.#gets = gets;
    this.#view = hostOrderView(context.cells.u8.buffer as ArrayBuffer);
    this.#learned = new Learned(context, ioc);
  }

  want(slot: number): void {
    this.#wanted.push(slot);
  }

  /** One more sweep was done: a part of all is looked at again. */
  swept(slots: ReadonlySet<number>): void {
    if (this.#again.length === 0) this.#again = [...slots];
    this.#wanted.push(...this.#again.splice(0, Math.ceil(slots.size / sweepsToAll)));
  }

  drop(): void {
    this.#wanted = [];
    this.#again = [];
    this.#learned.report();
  }

  /** Asks for the next ones, unless some are asked for. */
  pump(): void {
    if (this.#wanted.length > 0 && !this.#asked) {
      this.#asked = true;
      this.#gets.ask(this.#job());
    }
    this.#learned.report();
  }

  #job(): Job {
    const { cells, native, slots } = this.#context;
    const asked: number[] = [];
    const rows: number[] = [];
    const places: number[] = [];
    return {
      begin: () => {
        for (const slot of this.#wanted.splice(0, atOnce)) {
          if (!this.#canAsk(slot)) continue;
          const place = cells.takeDescription();
          if (place === undefined) {
            this.#wanted.push(slot);
            continue;
          }
          cells.mark(place);
          asked.push(slot);
          rows.push(slots.row[slot]!);
          places.push(place);
        }
        return asked.length;
      },
      send: (i, group) => slots.state[asked[i]!] === SlotState.live
        && native.groups.get(group, slots.native[asked[i]!]! + controlForm, 1, slots.channel[asked[i]!]!, cells.base + places[i]!) === 1,
      settle: () => 0,
      end: (how) => {
        this.#asked = false;
        places.forEach((place, i) => {
          if (!cells.isMarked(place)) this.#learn(asked[i]!, rows[i]!, place);
          else if (how === 'late') this.#wanted.push(asked[i]!);
          cells.returnDescription(place);
        });
        this.pump();
      },
    };
  }

  /** Whether this has to be asked of the IOC: text has no description, and what may not be read none that we know. */
  #canAsk(slot: number): boolean {
    const { slots, metas } = this.#context;
    if (slots.state[slot] !== SlotState.live) return false;
    const text = metas.ofText(slots.native[slot]!, slots.elements[slot]!, slots.flags[slot]!);
    if (text !== undefined) this.#learned.keep(slots.row[slot]!, text.hash);
    return text === undefined && (slots.access[slot]! & 1) !== 0;
  }

  #learn(slot: number, row: number, place: number): void {
    const { slots, metas, cells } = this.#context;
    if (slots.state[slot] !== SlotState.live || slots.row[slot] !== row) return;
    this.#learned.keep(row, metas.intern(slots.native[slot]!, slots.elements[slot]!, cells.u8, this.#view, place).hash);
  }
}
