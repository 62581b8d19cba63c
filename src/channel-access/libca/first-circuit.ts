/** An IOC's first circuit, as the variants of this client have it of libca, each in its own way. */
import type { PackedValues } from '../wire/packed-values.ts';
import type { ThreadContext } from '../wire/thread/context.ts';
import type { PutSessionHooks } from '../wire/thread/put-session.ts';
import type { PutCircuit } from '../wire/thread/puts.ts';
import type { Directory } from './directory.ts';
import type { Native, Pointer } from './ffi.ts';
import type { Slots } from './slots.ts';

/** What is told to the IOC that it serves: see ioc.ts. */
export interface FirstCircuit {
  /** Has libca create the channel of a slot; 0 when it refuses. */
  create(slot: number, name: string, priority: number): Pointer;
  /** The channel is connected: asks for what else has to be known of it. */
  connected(slot: number): void;
  /** The channel may be read from now on. */
  readable(slot: number): void;
  /** The channel was given up: what still comes for it is nobody's. */
  left(slot: number): void;
  /** Whether channels may be cleared while the circuit stands. */
  readonly canClear: boolean;
  clear(slot: number): void;
  /** Sends what was asked in this turn. */
  flush(): void;
  read(id: number, into: PackedValues, deadlineAt: number): void;
  /** Has the probes of the IOC answered once it has taken everything sent before. */
  probe(): void;
  /** Since when the IOC owes an answer that would show that it lives. */
  readonly waitingSince: number | undefined;
  /** Calls back once everything that the IOC has said before is in the columns. */
  catchUp(done: (alive: boolean) => void, deadlineAt: number): void;
  /** Whether it was still waiting. */
  abandonCatchUp(done: (alive: boolean) => void): boolean;
  openPuts(priority: number, hooks: PutSessionHooks): PutCircuit;
  /** Called regularly. */
  watch(at: number): void;
  /** Nothing more will be answered: ends what waits, while the channels and what came for them are still there. */
  drop(): void;
}

/** What the threads of both variants have. */
export interface LibcaThread extends ThreadContext {
  readonly native: Native;
  readonly slots: Slots<unknown>;
  readonly directory: Directory;
}
