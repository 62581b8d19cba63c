/**
 * What the main thread and a CA thread say to each other. Commands go one by one; reports come in
 * batches, in order per IOC. Everything large is a typed array and is transferred.
 */
import type { ChannelMeta } from '../../contracts/values.ts';
import type { ColumnBuffers } from '../columns.ts';
import type { CaOptions, IocAddress } from '../port.ts';
import type { Heap, PackedValues } from './packed-values.ts';

/** What a thread is started with. */
export interface ThreadSetting {
  readonly options: CaOptions;
  readonly columns: ColumnBuffers;
  /** See counters.ts. */
  readonly counters: SharedArrayBuffer;
  /** See tenure.ts. */
  readonly tenure: SharedArrayBuffer;
  /** Number of this thread. */
  readonly thread: number;
  /** What only this implementation's threads understand. */
  readonly own?: unknown;
}

/** Times between threads are `now()` of clock.ts: milliseconds, the same in all threads. */
export type Command =
  | { readonly do: 'connect'; readonly ioc: IocAddress; readonly rows: Int32Array; readonly names: readonly string[]; readonly monitor: Uint8Array }
  | { readonly do: 'close'; readonly ioc: IocAddress; readonly rows: Int32Array }
  | { readonly do: 'read'; readonly id: number; readonly ioc: IocAddress; readonly into: PackedValues; readonly deadlineAt: number }
  | { readonly do: 'write'; readonly id: number; readonly ioc: IocAddress; readonly rows: Int32Array; readonly values: PutValues; readonly deadlineMs: number; readonly window: number }
  | { readonly do: 'prepare'; readonly ioc: IocAddress; readonly rows: Int32Array }
  | { readonly do: 'alive'; readonly id: number; readonly ioc: IocAddress; readonly deadlineAt: number }
  | { readonly do: 'allow'; readonly ioc: IocAddress; readonly allowed: boolean }
  /** The IOC's beacon says that it restarted. */
  | { readonly do: 'restarted'; readonly ioc: IocAddress }
  | { readonly do: 'stop' };

/** Values to write, without the columns that a write does not look at. */
export interface PutValues {
  readonly kind: Uint8Array;
  readonly num: Float64Array;
  readonly text: ReadonlyMap<number, string>;
  readonly bytes: ReadonlyMap<number, Uint8Array>;
  readonly rawText: ReadonlySet<number>;
}

export type Report =
  | { readonly is: 'connected'; readonly ioc: IocAddress; readonly rows: Int32Array }
  /** These rows are no longer the thread's: they need a new search. `connected` ones were in use. */
  | { readonly is: 'lost'; readonly ioc: IocAddress; readonly connected: Int32Array; readonly connecting: Int32Array; readonly reason: string; readonly why: LossReason }
  | { readonly is: 'closed'; readonly rows: Int32Array }
  | { readonly is: 'access'; readonly ioc: IocAddress; readonly rows: Int32Array }
  | { readonly is: 'described'; readonly ioc: IocAddress; readonly rows: Int32Array; readonly metas: readonly (readonly [bigint, ChannelMeta])[] }
  | { readonly is: 'up'; readonly ioc: IocAddress }
  | { readonly is: 'down'; readonly ioc: IocAddress; readonly reason: string }
  | { readonly is: 'unresponsive'; readonly ioc: IocAddress; readonly silentMs: number }
  | { readonly is: 'responsive'; readonly ioc: IocAddress }
  | { readonly is: 'read'; readonly id: number; readonly values: PackedValues }
  | { readonly is: 'written'; readonly id: number; readonly outcome: Uint8Array; readonly code: Uint16Array }
  | { readonly is: 'alive'; readonly id: number; readonly alive: boolean }
  | { readonly is: 'pulse'; readonly thread: number; readonly iocs: readonly IocAddress[]; readonly updates: Int32Array; readonly side: SideUpdates | undefined }
  | { readonly is: 'stopped' };

/**
 * Why channels were lost: with their circuit, because the circuit was never established, or one by
 * one because the IOC does not (any longer) have them.
 */
export type LossReason = 'circuit' | 'unreachable' | 'refused';

/** Monitored text and arrays; entry i of the heap has time, severity and status i. */
export interface SideUpdates {
  readonly heap: Heap;
  /** Two words per entry. */
  readonly times: Uint32Array;
  readonly severity: Uint8Array;
  readonly status: Uint8Array;
}
