/** What everything in one CA thread shares. */
import { hostname, userInfo } from 'node:os';
import { ChannelColumns } from '../../columns.ts';
import type { CaOptions } from '../../port.ts';
import { countersOf } from '../counters.ts';
import { ReceiveBuffer } from '../protocol/frames.ts';
import type { ThreadSetting } from '../thread-messages.ts';
import { MetaStore } from './meta-store.ts';
import type { Outbox } from './outbox.ts';
import { Rests } from './rests.ts';

/** With EPICS_CA_AUTO_ARRAY_BYTES (the default) arrays are as large as they are; above this they are hostile. */
const autoLimit = 256 * 1024 * 1024;
/** Status, time stamp, limits and units in front of an array that is itself within the limit. */
const formOverhead = 512;

export interface ThreadContext {
  readonly options: CaOptions;
  readonly columns: ChannelColumns;
  /** The 64-bit columns as pairs of words. */
  readonly timeWords: Uint32Array;
  readonly hashWords: Uint32Array;
  readonly counters: Float64Array;
  readonly outbox: Outbox;
  readonly receive: ReceiveBuffer;
  readonly rests: Rests;
  readonly metas: MetaStore;
  /** Largest array that is asked for. */
  readonly arrayLimit: number;
  /** Largest payload that is accepted. */
  readonly payloadLimit: number;
  readonly user: string;
  readonly host: string;
  /** Slot + 1 of a row on its IOC's first circuit, and on the circuit for puts; 0 = none. */
  readonly slotOf: Int32Array;
  readonly putSlotOf: Int32Array;
  readonly nameOf: Map<number, string>;
  /** 1 for rows whose updates are wanted. */
  readonly monitored: Uint8Array;
}

export function createContext(setting: ThreadSetting, outbox: Outbox, rests = new Rests()): ThreadContext {
  const { environment } = setting.options;
  const columns = new ChannelColumns(setting.columns);
  const arrayLimit = environment.autoArrayBytes ? autoLimit : environment.maxArrayBytes;
  const words = (column: BigInt64Array): Uint32Array => new Uint32Array(column.buffer, column.byteOffset, 2 * column.length);
  return {
    options: setting.options,
    columns,
    timeWords: words(columns.timeNs),
    hashWords: words(columns.metaHash),
    counters: countersOf(setting.counters),
    outbox,
    receive: new ReceiveBuffer(),
    rests,
    metas: new MetaStore(),
    arrayLimit,
    payloadLimit: arrayLimit + formOverhead,
    user: userName(),
    host: hostname(),
    slotOf: new Int32Array(columns.capacity),
    putSlotOf: new Int32Array(columns.capacity),
    nameOf: new Map(),
    monitored: new Uint8Array(columns.capacity),
  };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user id need not have a name.
    return String(process.getuid?.() ?? 'nobody');
  }
}
