/**
 * The shared columns: one row per channel in SharedArrayBuffers, written by the CA thread that owns
 * the channel's circuit, read by the main thread without a message. Strings and arrays do not fit
 * here; they come over a side channel (see the implementation).
 *
 * Consistent reads: the writer makes `sequence` odd, writes, makes it even; a reader that saw an odd
 * or a changed number reads again.
 */
export const ChannelState = { free: 0, searching: 1, connecting: 2, connected: 3, disconnected: 4 } as const;
export type ChannelState = (typeof ChannelState)[keyof typeof ChannelState];

export const Access = { read: 1, write: 2 } as const;

/** The buffers, as they are handed to a thread. */
export interface ColumnBuffers {
  readonly capacity: number;
  readonly bytes: SharedArrayBuffer;
}

// Widest first keeps every column aligned.
const layout = [
  ['timeNs', 8], ['metaHash', 8], ['num', 8], ['sequence', 4], ['elements', 4], ['updates', 4], ['beside', 4],
  ['state', 1], ['kind', 1], ['access', 1], ['severity', 1], ['status', 1],
] as const;
const rowBytes = layout.reduce((sum, [, size]) => sum + size, 0);

export class ChannelColumns {
  readonly capacity: number;
  readonly buffers: ColumnBuffers;
  /** IOC time, ns since 1970. */
  readonly timeNs: BigInt64Array;
  readonly metaHash: BigInt64Array;
  /** Number or enum index of the last update; NaN-safe. */
  readonly num: Float64Array;
  readonly sequence: Int32Array;
  /** Largest number of elements, as the IOC announced at connection. */
  readonly elements: Uint32Array;
  /** Monitor updates seen since connection; 0 = none yet. */
  readonly updates: Uint32Array;
  /** How often the text or array of the row, which lies beside the columns, was renewed: `sequence` runs ahead of it. */
  readonly beside: Uint32Array;
  readonly state: Uint8Array;
  /** ValueKind of the channel. */
  readonly kind: Uint8Array;
  /** Bits of {@link Access}. */
  readonly access: Uint8Array;
  readonly severity: Uint8Array;
  readonly status: Uint8Array;

  constructor(from: number | ColumnBuffers) {
    this.buffers = typeof from === 'number' ? { capacity: from, bytes: new SharedArrayBuffer(from * rowBytes) } : from;
    const { capacity, bytes } = this.buffers;
    this.capacity = capacity;
    let offset = 0;
    const take = (size: number): number => {
      const at = offset;
      offset += size * capacity;
      return at;
    };
    this.timeNs = new BigInt64Array(bytes, take(8), capacity);
    this.metaHash = new BigInt64Array(bytes, take(8), capacity);
    this.num = new Float64Array(bytes, take(8), capacity);
    this.sequence = new Int32Array(bytes, take(4), capacity);
    this.elements = new Uint32Array(bytes, take(4), capacity);
    this.updates = new Uint32Array(bytes, take(4), capacity);
    this.beside = new Uint32Array(bytes, take(4), capacity);
    this.state = new Uint8Array(bytes, take(1), capacity);
    this.kind = new Uint8Array(bytes, take(1), capacity);
    this.access = new Uint8Array(bytes, take(1), capacity);
    this.severity = new Uint8Array(bytes, take(1), capacity);
    this.status = new Uint8Array(bytes, take(1), capacity);
  }
}
