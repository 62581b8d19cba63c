/**
 * The port to the control system's wire. Channel Access is the first protocol behind it, so nothing
 * above this file knows a DBR type. Batches in, batches out; values as columns.
 *
 * What every implementation promises (testing/conformance/channel-access holds them to it):
 * - I1: one dead, hung or slow IOC delays nobody else's answer.
 * - Every promise settles at the latest at its deadline (plus scheduling), whatever the IOC does.
 *   Reads and writes never reject for what an IOC does or fails to do: that is an outcome per row.
 * - At most one put-callback is under way per channel, at most `window` per IOC.
 * - Late answers of an abandoned read never show up in a later one.
 * - An implementation searches again by itself for channels that lost their IOC, and connects them
 *   to whichever IOC answers, also at another host or port.
 */
import type { ChannelMeta, ValueColumns } from '../contracts/values.ts';
import type { ChannelColumns } from './columns.ts';

/** An IOC as the wire names it: "host:port" of its CA server, numeric host. */
export type IocAddress = string;

/** Row number of a channel in the shared columns. Valid from `open` until `close`. */
export type Row = number;

export interface ChannelAccess {
  readonly columns: ChannelColumns;

  /** What this implementation cannot do, in words for those who run it. */
  readonly lacks: readonly string[];

  /** Facts from the wire, in batches, in order per IOC. One listener; set it before the first `open`. */
  listen(listener: (event: CaEvent) => void): void;

  /**
   * Starts searching for these names and keeps them connected. Returns one row per name, in order.
   * A name opened twice gets two rows. With `monitor`, updates (value and alarm) keep the columns current.
   * `last` says for each name at which IOC it was found last, if that is known: a hint, which may spare the search
   * of most of them and is never believed before that IOC has answered a search.
   * Throws RangeError when the columns are full, naming the capacity.
   */
  open(names: readonly string[], options?: { monitor?: boolean; last?: readonly (IocAddress | null)[] }): Int32Array;

  /** Ends searching, channels and monitors of these rows and frees them. Unknown rows are ignored. */
  close(rows: Int32Array): void;

  /**
   * Reads these rows fresh from their IOC (all rows must belong to `ioc`; a row that does not is
   * answered `disconnected` or `notFound` from its state). Answers in the order of `rows`, within
   * `deadlineMs`. `channel` in the answer is the row number.
   */
  read(ioc: IocAddress, rows: Int32Array, deadlineMs: number): Promise<ValueColumns>;

  /**
   * Gives the memory of an answer of `read` back, for later reads to be written into. Who does so has
   * finished with its columns and arrays: they are empty from then on (S1: they never show another
   * read's). Texts stay. Nobody has to, but repeated large reads cost much less. Values that were
   * given back before, or are not an answer of this client, are left as they are.
   */
  recycle(values: ValueColumns): void;

  /**
   * Writes `values` (row i of the columns goes to rows[i]) with completion (put-callback).
   * `deadlineMs` is per put, counted from its sending; `window` puts are under way at most.
   * Numbers are converted to the channel's own type; what does not fit is refused, never clipped.
   * Resolves when every row has an outcome.
   */
  write(ioc: IocAddress, rows: Int32Array, values: ValueColumns, options: { deadlineMs: number; window: number }): Promise<WriteResult>;

  /** Creates the write side of these channels ahead of time, so that the first write is quick. Best effort. */
  prepareWrites(ioc: IocAddress, rows: Int32Array): void;

  /** Whether the IOC answered an echo within `deadlineMs`. After `true`, updates sent before are in the columns. */
  alive(ioc: IocAddress, deadlineMs: number): Promise<boolean>;

  /**
   * The monitored values of these rows as they stand in the columns. A row is `ok` only if its channel
   * is connected and an update has come (S1); whether its IOC is alive is `alive`'s to say.
   */
  monitored(rows: Int32Array): ValueColumns;

  /** Description by hash, as announced by `channels.described`; undefined when never seen. */
  meta(hash: bigint): ChannelMeta | undefined;

  /** Whether new channels may be created on this IOC now (an open breaker pauses them). Default true. */
  allowConnect(ioc: IocAddress, allowed: boolean): void;

  /** Counters for metrics and the bench. */
  statistics(): CaStatistics;

  /** Closes circuits, sockets and threads. Idempotent; pending reads and writes settle first. */
  stop(): Promise<void>;
}

/** Facts from the wire. */
export type CaEvent =
  /** A search was answered; the channels now belong to `ioc`, and connecting begins. */
  | { readonly kind: 'channels.found'; readonly ioc: IocAddress; readonly rows: Int32Array }
  /** Type, count and access rights are in the columns. */
  | { readonly kind: 'channels.connected'; readonly ioc: IocAddress; readonly rows: Int32Array }
  | { readonly kind: 'channels.disconnected'; readonly ioc: IocAddress; readonly rows: Int32Array; readonly reason: string }
  /** Access rights changed; the new ones are in the columns. */
  | { readonly kind: 'channels.access'; readonly ioc: IocAddress; readonly rows: Int32Array }
  /** Units, limits or labels are known or have changed; hashes are in the columns, new metas come with the event. */
  | { readonly kind: 'channels.described'; readonly ioc: IocAddress; readonly rows: Int32Array; readonly metas: ReadonlyMap<bigint, ChannelMeta> }
  /** The circuit to the IOC is established / lost. */
  | { readonly kind: 'circuit.up'; readonly ioc: IocAddress }
  | { readonly kind: 'circuit.down'; readonly ioc: IocAddress; readonly reason: string }
  /** The IOC stopped answering echoes on a circuit that stands (hung), / answers again. */
  | { readonly kind: 'circuit.unresponsive'; readonly ioc: IocAddress; readonly silentMs: number }
  | { readonly kind: 'circuit.responsive'; readonly ioc: IocAddress }
  /** Monitor updates since the last pulse were written to the columns. At most one pulse per IOC in 50 ms. */
  | { readonly kind: 'pulse'; readonly ioc: IocAddress; readonly updates: number }
  /** From the beacon listener. `ioc` may be one nobody has a channel on. */
  | { readonly kind: 'beacon'; readonly ioc: IocAddress; readonly what: 'new' | 'restarted' | 'missing' }
  /** Two IOCs answered for the same name; the first one is used. */
  | { readonly kind: 'channel.duplicate'; readonly name: string; readonly used: IocAddress; readonly other: IocAddress }
  /** A CA thread ended; its channels are reported disconnected and are searched again on a fresh thread. */
  | { readonly kind: 'thread.exited'; readonly reason: string };

/** What became of one put. Numbers are on the wire: append, never renumber. */
export const WriteOutcome = {
  pending: 0,
  /** The IOC confirmed completion. */
  done: 1,
  /** Sent, no completion within the deadline: the value may or may not be there. */
  timeout: 2,
  /** Not sent: the channel is not connected. */
  disconnected: 3,
  /** Not sent: no write access. */
  noWriteAccess: 4,
  /** Sent, and the circuit was lost before completion: the value may or may not be there. */
  lost: 5,
  /** The IOC refused it: see `code`. */
  refused: 6,
  /** Not sent: the value cannot be represented in the channel's type or count. */
  doesNotFit: 7,
  /** Not sent: an earlier put on this channel has not completed. */
  busy: 8,
  /** Not sent: stopped before its turn. */
  notSent: 9,
} as const;
export type WriteOutcome = (typeof WriteOutcome)[keyof typeof WriteOutcome];

export interface WriteResult {
  readonly outcome: Uint8Array;
  /** ECA number when refused, else 0. */
  readonly code: Uint16Array;
}

export interface CaStatistics {
  readonly circuits: number;
  readonly channels: number;
  readonly connected: number;
  readonly searching: number;
  readonly updates: number;
  readonly reads: number;
  readonly writes: number;
  /** Replies that matched no request any more. */
  readonly lateReplies: number;
  /** Circuits closed because of bytes that are not Channel Access. */
  readonly hostileCircuits: number;
}

export interface CaOptions {
  readonly environment: CaEnvironment;
  /** CA threads; IOCs are sharded over them. */
  readonly threads: number;
  /** Rows in the shared columns; address space only, pages are touched as rows are used. */
  readonly capacity: number;
  /** Silence after which an echo is sent, and how long its answer may take, ms. */
  readonly echoIdleMs: number;
  readonly echoTimeoutMs: number;
}

/** The EPICS_CA_* variables that a client knows, parsed. Read by channel-access/environment.ts. */
export interface CaEnvironment {
  readonly addressList: readonly { readonly host: string; readonly port: number }[];
  readonly autoAddressList: boolean;
  readonly nameServers: readonly { readonly host: string; readonly port: number }[];
  readonly serverPort: number;
  readonly repeaterPort: number;
  /** Seconds. */
  readonly connectionTimeout: number;
  /** Seconds. */
  readonly beaconPeriod: number;
  readonly maxArrayBytes: number;
  readonly autoArrayBytes: boolean;
  /** Seconds. */
  readonly maxSearchPeriod: number;
  readonly multicastTtl: number;
}
