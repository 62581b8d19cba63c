/**
 * One context of libca, as its thread uses it. Whatever is asked is answered into a cell by libca's
 * own threads, which call the sink, and the cell comes out of the memory's ring.
 */
import type { CaEnvironment } from '../port.ts';
import type { LibcaFiles, Native, Pointer, Sink } from './ffi.ts';
import { type Memory, RequestState } from './memory.ts';

/** What a thread of this client is told beside the common setting. */
export interface LibcaSetting {
  readonly files: LibcaFiles;
  /** The compiled sink. */
  readonly sink: string;
  /** One context is created at a time: they take their setting from the environment of the process. */
  readonly gate: SharedArrayBuffer;
  /** See remains.ts. */
  readonly remains: SharedArrayBuffer;
}

/**
 * Creates a context. libca reads the environment of the C library when a context and its first
 * channel are made; it is told to look up names at our own directory and nowhere else.
 */
export function createContext(native: Native, environment: CaEnvironment, directoryPort: number, gate: SharedArrayBuffer, callbacks: keyof typeof context = 'byItsThreads'): void {
  const { ca, c } = native;
  const lock = new Int32Array(gate);
  while (Atomics.compareExchange(lock, 0, 0, 1) !== 0) Atomics.wait(lock, 0, 1);
  try {
    const variables: Record<string, string> = {
      EPICS_CA_ADDR_LIST: ' ',
      EPICS_CA_AUTO_ADDR_LIST: 'NO',
      EPICS_CA_NAME_SERVERS: `127.0.0.1:${directoryPort}`,
      EPICS_CA_REPEATER_PORT: String(environment.repeaterPort),
      EPICS_CA_CONN_TMO: String(environment.connectionTimeout),
      EPICS_CA_BEACON_PERIOD: String(environment.beaconPeriod),
      // Larger arrays are refused on this side (S1): libca would leave their requests unanswered.
      EPICS_CA_AUTO_ARRAY_BYTES: 'YES',
      EPICS_CA_MAX_ARRAY_BYTES: String(environment.maxArrayBytes),
      EPICS_CA_MAX_SEARCH_PERIOD: '60',
    };
    for (const [name, value] of Object.entries(variables)) c.setenv(name, value, 1);
    const status = ca.context_create(context[callbacks]);
    if (status !== 1) throw new Error(`libca could not create a context: status ${status}`);
    ca.replace_printf_handler(native.nothing);
    // The default handler prints, and aborts the process for some faults.
    ca.add_exception_event(native.nothing, 0);
  } finally {
    Atomics.store(lock, 0, 0);
    Atomics.notify(lock, 0, 1);
  }
}

/** Calls that return a status: unless it is 1, no answer comes. */
export class Lane {
  readonly #native: Native;
  readonly #sink: Sink;
  readonly #memory: Memory;
  #flushing = false;
  #destroyed = false;

  constructor(native: Native, sink: Sink, memory: Memory) {
    this.#native = native;
    this.#sink = sink;
    this.#memory = memory;
  }

  /** A channel whose state is written to `cell`; 0 when libca refuses. */
  create(name: string, cell: number, priority: number): Pointer {
    const { ca } = this.#native;
    const { base, scratch } = this.#memory;
    const status = ca.create_channel(name, this.#sink.connection, base + cell, priority, base + scratch);
    if (status !== 1) return 0;
    const channel = this.#memory.scratchPointer();
    ca.replace_access_rights_event(channel, this.#sink.access);
    return channel;
  }

  clear(channel: Pointer): void {
    this.#native.ca.clear_channel(channel);
  }

  get(type: number, count: number, channel: Pointer, cell: number): number {
    return this.#native.ca.array_get_callback(type, count, channel, this.#sink.event, this.#memory.base + cell);
  }

  /** Fills the columns of a sweep with what is known before asking. */
  start(sweep: number): void {
    const { base, tables } = this.#memory;
    this.#sink.start(base + sweep, tables);
  }

  /** Asks for the next rows of a sweep; how many are asked, which its batch counts down. */
  ask(sweep: number): number {
    const { base, tables } = this.#memory;
    return this.#sink.ask(base + sweep, tables);
  }

  /** What has been answered into the columns and the heap of a sweep; false when the heap is too small for it. */
  take(sweep: number, otherwise: number): boolean {
    const { base, tables } = this.#memory;
    return this.#sink.take(base + sweep, tables, otherwise) === 1;
  }

  /** Makes requests of rows of a run from `next` on and lists them behind the `listed` ones; how many. */
  fill(run: number, next: number, listed: number, most: number): number {
    const { base, tables, putting } = this.#memory;
    return this.#sink.fill(base + run, tables, next, putting.list + 4 * listed, most);
  }

  /** Notes what of a run was sent and has completed; for how many rows there is an outcome now. */
  look(run: number): number {
    const { base, tables } = this.#memory;
    return this.#sink.look(base + run, tables);
  }

  /** Queues the requests of the first `length` slots of the memory's list, and sends what is due; how many libca refused. */
  put(puts: number, length: number): number {
    const { list, requests } = this.#memory.putting;
    return this.#sink.put(this.#memory.base + puts, length, list, requests);
  }

  /** Whether a request could be taken back before it was sent. */
  unqueue(request: number): boolean {
    return this.#sink.unqueue(this.#memory.base + request) === 1;
  }

  /** No longer counts a request that was sent. `freed` when its channel is cleared, else it stays busy. */
  letGo(request: number, freed: boolean): void {
    this.#sink.letGo(this.#memory.base + request, freed ? RequestState.free : RequestState.givenUp);
  }

  subscribe(type: number, count: number, channel: Pointer, mask: number, cell: number): number {
    return this.#native.ca.create_subscription(type, count, channel, mask, this.#sink.event, this.#memory.base + cell, 0);
  }

  /** As above for a number, whose updates go straight into the columns. */
  subscribeColumns(type: number, count: number, channel: Pointer, mask: number, monitor: number): number {
    return this.#native.ca.create_subscription(type, count, channel, mask, this.#sink.update, this.#memory.base + monitor, 0);
  }

  /** Once for all that this turn of the event loop asks: each flush contends with the threads that receive. */
  flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      if (!this.#destroyed) this.#native.ca.flush_io();
    });
  }

  destroy(): void {
    this.#destroyed = true;
    this.#native.ca.context_destroy();
  }
}

/** Whether libca's own threads call back when an answer comes, or nothing happens until libca is told to process. */
const context = { byItsThreads: 1, whenProcessed: 0 } as const;
