/** What everything in one thread of this variant shares. */
import { createContext as createWireContext } from '../../wire/thread/context.ts';
import type { Outbox } from '../../wire/thread/outbox.ts';
import type { ThreadSetting } from '../../wire/thread-messages.ts';
import type { Directory } from '../directory.ts';
import type { LibcaFiles } from '../ffi.ts';
import type { LibcaThread } from '../first-circuit.ts';
import { slotsFor } from '../slots.ts';
import { Cells } from './cells.ts';
import type { SweptNative } from './ffi.ts';
import { SweptSlots } from './slots.ts';

/** What a thread of this variant is told beside the common setting. */
export interface SweptSetting {
  readonly files: LibcaFiles;
  /** Time from one sweep of an IOC's monitored channels to the next. */
  readonly sweepMs: number;
  /** One context is created at a time: they take their setting from the environment of the process. */
  readonly gate: SharedArrayBuffer;
  /** How many contexts there are. */
  readonly contexts: SharedArrayBuffer;
}

export interface SweptContext extends LibcaThread {
  readonly native: SweptNative;
  readonly cells: Cells;
  readonly slots: SweptSlots;
  readonly sweepMs: number;
  /** Sends what was asked in this turn of the event loop. */
  flush(): void;
  createGroup(): number;
}

export function createSweptContext(setting: ThreadSetting, outbox: Outbox, native: SweptNative, directory: Directory): SweptContext {
  const most = slotsFor(setting.options.capacity);
  const cells = new Cells(native.c, most);
  let flushing = false;
  return {
    ...createWireContext(setting, outbox),
    native, directory, cells,
    slots: new SweptSlots(most, native.c.free),
    sweepMs: (setting.own as SweptSetting).sweepMs,
    flush() {
      if (flushing) return;
      flushing = true;
      setImmediate(() => {
        flushing = false;
        native.ca.flush_io();
      });
    },
    createGroup() {
      const status = native.groups.create(cells.base + cells.scratch);
      if (status !== 1) throw new Error(`libca could not create a group of requests: status ${status}`);
      return cells.scratchNumber();
    },
  };
}
