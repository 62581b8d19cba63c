/** What everything in one thread of this client shares. */
import { createContext as createWireContext } from '../wire/thread/context.ts';
import type { Outbox } from '../wire/thread/outbox.ts';
import type { ThreadSetting } from '../wire/thread-messages.ts';
import type { Pointer } from './ffi.ts';
import type { LibcaThread } from './first-circuit.ts';
import type { CopyFrom } from './heap.ts';
import type { Lane } from './lane.ts';
import { Memory } from './memory.ts';
import { SinkSlots } from './sink-slots.ts';

export interface LibcaContext extends LibcaThread {
  readonly lane: Lane;
  readonly memory: Memory;
  readonly slots: SinkSlots;
  readonly copy: CopyFrom;
  readonly aside: Aside;
  /** Brings status and time of a value outside the cells to where they can be read. */
  head(far: Pointer): number;
  readonly onBatch: Map<number, () => void>;
  /** A batch that is always due: answers that count down here rouse the thread at once. */
  readonly rouse: number | undefined;
}

/** Requests that belong to no channel's own cells: descriptions and probes. */
export class Aside {
  readonly #memory: Memory;
  readonly #done: ((cell: number) => void)[] = [];

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /**
   * Asks by `send`, which gets a cell and returns libca's status. False when it could not be asked:
   * too many are, or libca refused.
   */
  ask(batch: number | undefined, send: (cell: number) => number, done: (cell: number) => void): boolean {
    const index = this.#memory.takeAuxiliary();
    if (index === undefined) return false;
    const cell = this.#memory.auxiliaryCell(index);
    this.#memory.prepare(cell, { token: this.#memory.auxiliaryToken(index), room: Memory.descriptionRoom, ...batch === undefined ? {} : { batch } });
    this.#done[index] = done;
    if (send(cell) === 1) return true;
    this.#memory.returnAuxiliary(index);
    return false;
  }

  answered(index: number): void {
    this.#done[index]?.(this.#memory.auxiliaryCell(index));
    this.#memory.returnAuxiliary(index);
  }
}

const headBytes = 16;

export function createLibcaContext(
  setting: ThreadSetting, outbox: Outbox, parts: Pick<LibcaContext, 'native' | 'lane' | 'memory' | 'directory'>,
): LibcaContext {
  const { native, memory } = parts;
  const head = memory.u8.subarray(memory.scratch, memory.scratch + headBytes);
  const rouse = memory.takeBatch();
  if (rouse !== undefined) memory.silence(rouse);
  const shared = createWireContext(setting, outbox);
  const slots = new SinkSlots(memory.slots, native.c.free);
  const { slotOf, columns } = shared;
  memory.setTables([
    slotOf, columns.state, columns.kind, columns.metaHash,
    slots.state, slots.native, slots.flags, slots.access, slots.channel, slots.asked, slots.readData, slots.room,
    slots.putLive, slots.putChannel, slots.elements,
  ], columns.capacity);
  return {
    rouse,
    ...shared,
    ...parts,
    slots,
    aside: new Aside(memory),
    onBatch: new Map(),
    copy: (to, from, length) => native.c.copyOut(to, from, length),
    head(far) {
      native.c.copyOut(head, far, headBytes);
      return memory.scratch;
    },
  };
}
