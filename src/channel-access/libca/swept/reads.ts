/** Reads of one IOC: each is a job of its own, answered by its deadline with what has come. */
import { ReadOutcome } from '../../../contracts/values.ts';
import { Counter } from '../../wire/counters.ts';
import { outcomeOfState } from '../../wire/outcome-of-state.ts';
import { blankColumns, type Heap, type PackedColumns, type PackedValues } from '../../wire/packed-values.ts';
import { Eca } from '../../wire/protocol/commands.ts';
import { Native, valueSize } from '../../wire/protocol/dbr.ts';
import { ChannelFlag } from '../../wire/thread/channel-flags.ts';
import { answerRead, answerUnasked, clearValue } from '../../wire/thread/read-answers.ts';
import { alarmSeverity, alarmStatus, scalarAt, timeAt, timeBytes } from '../decode.ts';
import { HostHeap } from '../heap.ts';
import { SlotState } from '../slots.ts';
import type { SweptContext } from './context.ts';
import type { Gets, Job } from './gets.ts';
import { ValueRounds } from './value-rounds.ts';

/** A read that the IOC refuses leaves its place unwritten and no number; this one says just that. */
const readFailed = 152;
const known = 4;

export class Reads {
  readonly #context: SweptContext;
  readonly #gets: Gets;
  readonly #rounds: ValueRounds;
  #expected = { bytes: 0, entries: 0 };

  constructor(context: SweptContext, gets: Gets) {
    this.#context = context;
    this.#gets = gets;
    this.#rounds = new ValueRounds(context);
  }

  ask(id: number, into: PackedValues, deadlineAt: number): void {
    this.#gets.ask(this.#job(id, into), { deadlineAt, urgent: true });
  }

  #job(id: number, into: PackedValues): Job {
    const rounds = this.#rounds;
    const columns = blankColumns(into);
    const rows = columns.channel;
    const slots = new Int32Array(rows.length).fill(-1);
    let begun = false;
    return {
      begin: () => {
        begun = true;
        this.#admit(rows, slots, columns);
        const length = rounds.begin(slots.filter((slot) => slot >= 0));
        this.#context.counters[Counter.reads]! += length;
        return length;
      },
      send: (i, group) => rounds.send(i, group),
      settle: () => rounds.settle(),
      end: (how) => {
        if (!begun) {
          answerUnasked(this.#context, id, into, how === 'late' ? ReadOutcome.timeout : ReadOutcome.disconnected);
          return;
        }
        if (how !== 'done') rounds.settle();
        const heap = this.#take(columns, slots, into.heap, how);
        answerRead(this.#context, id, { ...into, heap });
      },
    };
  }

  /** Which rows can be asked; the others have their outcome by that. */
  #admit(rows: Int32Array, slots: Int32Array, columns: PackedColumns): void {
    const { columns: shared, slots: table, slotOf, hashWords } = this.#context;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const slot = (slotOf[row] ?? 0) - 1;
      if (slot < 0 || table.state[slot] !== SlotState.live) {
        columns.outcome[i] = outcomeOfState(shared.state[row] ?? 0);
        continue;
      }
      columns.access[i] = table.access[slot]! | known;
      if ((table.access[slot]! & 1) === 0) {
        columns.outcome[i] = ReadOutcome.noReadAccess;
        continue;
      }
      columns.kind[i] = shared.kind[row]!;
      columns.hashWords[2 * i] = hashWords[2 * row]!;
      columns.hashWords[2 * i + 1] = hashWords[2 * row + 1]!;
      slots[i] = slot;
    }
  }

  /** What has come into the columns, and text and arrays into a heap. */
  #take(columns: PackedColumns, slots: Int32Array, room: Heap | undefined, how: 'done' | 'late' | 'lost'): Heap | undefined {
    const { native: { c }, counters, slots: table } = this.#context;
    const heap = new HostHeap((to, from, length) => c.copyOut(to, from, length), this.#expected, room);
    const otherwise = how === 'late' ? ReadOutcome.timeout : how === 'lost' ? ReadOutcome.disconnected : ReadOutcome.refused;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      if (slot < 0) continue;
      this.#takeOne(columns, heap, i, slot, otherwise);
      if (columns.outcome[i] !== ReadOutcome.ok) clearValue(columns, i);
      if (how === 'late' && table.found[slot]! < 0) counters[Counter.lateReplies]! += 1;
    }
    this.#expected = heap.size;
    return heap.finish();
  }

  #takeOne(columns: PackedColumns, heap: HostHeap, i: number, slot: number, otherwise: ReadOutcome): void {
    const { slots, cells, arrayLimit } = this.#context;
    const status = slots.found[slot]!;
    if (status !== Eca.normal) {
      this.#refuse(columns, i, slot, status, otherwise);
      return;
    }
    const native = slots.native[slot]!;
    const place = cells.value(slot);
    const far = slots.far[slot];
    const count = slots.count[slot]!;
    const longText = (slots.flags[slot]! & ChannelFlag.longText) !== 0;
    if (far !== undefined && count * valueSize[native]! > arrayLimit) {
      columns.outcome[i] = ReadOutcome.tooLarge;
      return;
    }
    columns.status[i] = alarmStatus(cells, place);
    columns.severity[i] = alarmSeverity(cells, place);
    timeAt(cells, place, columns.timeWords, i);
    if (far !== undefined) {
      const value = far.places.at(-1)! + timeBytes(native, 0);
      if (longText) heap.farText(i, value, count);
      else heap.array(i, native, count, value);
    } else if (native === Native.string) heap.text(i, cells.u8, place + timeBytes(native, 0), valueSize[native]!);
    else columns.num[i] = scalarAt(cells, native, place);
    columns.outcome[i] = ReadOutcome.ok;
  }

  #refuse(columns: PackedColumns, i: number, slot: number, status: number, otherwise: ReadOutcome): void {
    const { slots } = this.#context;
    if (status === Eca.disconnected || slots.state[slot] !== SlotState.live) columns.outcome[i] = ReadOutcome.disconnected;
    else if (status < 0 && otherwise === ReadOutcome.refused && this.#context.native.groups.state(slots.channel[slot]!) !== connected) columns.outcome[i] = ReadOutcome.disconnected;
    else if (status < 0) columns.outcome[i] = otherwise;
    else if (status === Eca.noReadAccess) columns.outcome[i] = ReadOutcome.noReadAccess;
    else columns.outcome[i] = ReadOutcome.refused;
    if (columns.outcome[i] === ReadOutcome.refused) columns.code[i] = status < 0 ? readFailed : status;
  }
}

/** State of a channel in libca. */
export const connected = 2;
