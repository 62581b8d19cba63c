/**
 * The memory that a thread and libca's own threads share: a cell for every answer that can be under
 * way, a ring of cells that were written, counters of batches. The layout is that of sink/sink.h.
 *
 * It is memory of the C library, not of V8: should this thread die, libca's threads go on writing to
 * it, so it is only given back once the context is destroyed.
 */
import koffi from 'koffi';
import type { ChannelColumns } from '../columns.ts';
import { type Tenure, tenureOf } from '../wire/tenure.ts';
import { addressOfView, type LibC, type Pointer } from './ffi.ts';

/** What a cell of a channel is for. */
export const Purpose = { channel: 0, read: 1, event: 2, property: 3, putChannel: 4 } as const;
export type Purpose = (typeof Purpose)[keyof typeof Purpose];

const header = 56;
/** The largest scalar with its time stamp: text. */
const scalar = 56;
/** Bytes of a cell, in the order of Purpose. Cells of one purpose lie together: they are used together. */
const stride = [header, header + scalar, header + scalar, header, header] as const;
/** A put of a slot, and its place for short values; what the puts of a circuit share. */
const requestBytes = 120;
const ownValue = 80;
const putsBytes = 88;
/** Above this nothing more is sent until some of it has completed: libca's queue must not fill (I1). */
const mostBytes = 128 * 1024;
/** Puts handed to the sink at once. */
export const longestPiece = 8_000;
/** A sweep of an IOC, and the tables of this thread that sweeps look at. */
const sweepBytes = 144;
const tablesBytes = 144;
/** What was queued for a job. */
const runBytes = 128;
/** The largest description: enum labels. */
const description = 424;
const auxiliary = header + description;

export const auxiliaries = 1_024;
const batches = 16_384;
const batchBytes = 8;
const laneBytes = 88;
const monitorBytes = 24;
/** As the sink has them, in this order: drey_sizes. */
const layout = [laneBytes, batchBytes, header, monitorBytes, tablesBytes, putsBytes, requestBytes, ownValue, sweepBytes, runBytes];
/** For one value on its way out or a pointer on its way in. */
const scratchBytes = 64;

/** Tokens: what a place in the ring means. Below these: slot + 1, times 8, and the purpose. */
export const auxiliaryToken = 0x4000_0000;
export const batchToken = 0x8000_0000;

/** Throws when the sink was compiled for another layout. */
export function checkLayout(sizes: Uint32Array): void {
  if (layout.some((bytes, i) => sizes[i] !== bytes)) throw new Error(`the sink of the libca client has another layout: ${[...sizes].join(' ')} bytes instead of ${layout.join(' ')}`);
}
export const layoutLength = layout.length;

export class Memory {
  readonly base: Pointer;
  readonly scratch: number;
  readonly u8: Buffer;
  readonly i16: Int16Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly slots: number;
  /** A pipe, readable when an answer has come that somebody waits for; whoever reads it closes it. */
  readonly readEnd: number;
  readonly #c: LibC;
  readonly #lane: number;
  readonly #ring: number;
  readonly #mask: number;
  readonly #batches: number;
  readonly #auxiliaries: number;
  readonly #cells: readonly number[];
  readonly #monitors: number;
  readonly #requests: number;
  readonly #puts: number;
  readonly #sweeps: number;
  readonly #runs: number;
  /** Tables of this thread, for the sink. */
  readonly #tables: number;
  readonly #list: number;
  readonly writeEnd: number;
  readonly #tenure: Tenure;
  readonly #freeBatches: number[] = [];
  readonly #freeAuxiliaries: number[] = [];
  #usedBatches = 0;
  #tail = 0;
  /** As far as the ring was seen to be written. */
  #head = 0;

  /**
   * @param slots Channels at the same time. Pages are touched only as slots are used.
   * @param columns Where libca's threads write monitored numbers, while `tenure` lasts.
   */
  constructor(c: LibC, slots: number, columns: ChannelColumns, tenure: SharedArrayBuffer) {
    this.#c = c;
    this.slots = slots;
    const tokens = slots * 6 + auxiliaries + batches;
    const ringLength = 2 ** Math.ceil(Math.log2(tokens + 1));
    let end = 0;
    const take = (bytes: number): number => {
      const at = end;
      end += (bytes + 63) & ~63;
      return at;
    };
    this.#lane = take(laneBytes);
    this.scratch = take(scratchBytes);
    this.#batches = take(batches * batchBytes);
    this.#auxiliaries = take(auxiliaries * auxiliary);
    this.#ring = take(ringLength * 4);
    this.#cells = stride.map((bytes) => take(slots * bytes));
    this.#monitors = take(slots * monitorBytes);
    this.#requests = take(slots * requestBytes);
    this.#puts = take(batches * putsBytes);
    this.#sweeps = take(batches * sweepBytes);
    this.#runs = take(batches * runBytes);
    this.#tables = take(tablesBytes);
    this.#list = take(longestPiece * 4);
    this.base = c.calloc(1, end);
    if (this.base === 0) throw new Error(`no memory for ${slots} channels: ${end} bytes were asked for`);
    const memory = koffi.view(this.base, end);
    this.u8 = Buffer.from(memory);
    this.i16 = new Int16Array(memory);
    this.u16 = new Uint16Array(memory);
    this.i32 = new Int32Array(memory);
    this.u32 = new Uint32Array(memory);
    this.f32 = new Float32Array(memory);
    this.f64 = new Float64Array(memory);
    this.#mask = ringLength - 1;
    if (c.pipe2(this.base + this.scratch, nonBlocking) !== 0) throw new Error('no pipe for a thread of the libca client: are there too many open files?');
    this.readEnd = this.i32[this.scratch >> 2]!;
    this.writeEnd = this.i32[(this.scratch >> 2) + 1]!;
    this.u32[(this.#lane >> 2) + 1] = this.#mask;
    this.i32[(this.#lane >> 2) + 3] = this.writeEnd;
    this.#pointer(this.#lane + 16, this.base + this.#ring);
    this.#tenure = tenureOf(tenure);
    this.#tenureAndColumns(columns).forEach((place, i) => this.#pointer(this.#lane + 24 + 8 * i, addressOfView(place)));
    for (let i = auxiliaries - 1; i >= 0; i--) this.#freeAuxiliaries.push(i);
  }

  free(): void {
    this.#c.close(this.writeEnd);
    this.#c.free(this.base);
  }

  /** Place of a cell, as an offset; libca is given `base` + this. */
  cell(slot: number, purpose: Purpose): number {
    return this.#cells[purpose]! + slot * stride[purpose];
  }

  auxiliaryCell(index: number): number {
    return this.#auxiliaries + index * auxiliary;
  }

  /** Makes a cell ready: no answer, and none forgotten in the ring. */
  prepare(cell: number, options: { token?: number; batch?: number; room?: number; data?: Pointer }): void {
    const at = cell >> 2;
    this.u32[at] = 0;
    this.i32[at + 1] = unanswered;
    this.u32[at + 2] = 0;
    this.u32[at + 3] = 0;
    this.u32[at + 4] = 0;
    this.u32[at + 6] = options.room ?? 0;
    this.u32[at + 7] = options.token ?? 0;
    this.#pointer(cell + 32, options.data ?? this.base + cell + header);
    this.#pointer(cell + 40, options.batch === undefined ? 0 : this.base + options.batch);
    this.#pointer(cell + 48, this.base + this.#lane);
  }

  /** Makes ready that the updates of a slot go to `row` and are counted in the batch `tally`. Returns the place to give to libca. */
  monitor(slot: number, row: number, tally: number): number {
    const at = this.#monitors + slot * monitorBytes;
    this.#pointer(at, this.base + this.#lane);
    this.#pointer(at + 8, this.base + tally);
    Atomics.store(this.i32, (at >> 2) + 4, row);
    return at;
  }

  /** From here on no update of the slot is written to the columns. */
  unmonitor(slot: number): void {
    Atomics.store(this.i32, ((this.#monitors + slot * monitorBytes) >> 2) + 4, -1);
    this.#tenure.pause();
  }

  /** What a circuit's puts share, at the place that a batch of the circuit stands for. */
  puts(batch: number): number {
    const at = this.#puts + ((batch - this.#batches) / batchBytes) * putsBytes;
    this.u8.fill(0, at, at + putsBytes);
    this.#pointer(at, this.base + this.#lane);
    return at;
  }

  /** When a completion last came on a circuit, on the clock of clock.ts. */
  putsHeardAt(puts: number): number {
    return this.f64[(puts >> 3) + 3]!;
  }

  putsUnderWay(puts: number): number {
    return Atomics.load(this.i32, (puts >> 2) + 8);
  }

  /** Whether so many bytes are under way that no further put is sent. */
  putsAreFull(puts: number): boolean {
    return Atomics.load(this.i32, (puts >> 2) + 9) >= mostBytes;
  }

  /** Whether completions are still to come, also of puts that were given up. */
  putsOwed(puts: number): boolean {
    return Atomics.load(this.i32, (puts >> 2) + 9) > 0;
  }

  /** Whether some are queued. */
  putsWait(puts: number): boolean {
    return this.u32[(puts >> 2) + 2] !== 0 || this.u32[(puts >> 2) + 3] !== 0;
  }

  request(slot: number): number {
    return this.#requests + slot * requestBytes;
  }

  /** Fills a request with all but its value. */
  setRequest(at: number, batch: number, channel: Pointer, type: number, count: number, bytes: number, window: number): void {
    this.#pointer(at + 8, this.base + batch);
    this.#pointer(at + 32, channel);
    this.#pointer(at + 40, this.base + at + ownValue);
    const word = at >> 2;
    this.u32[word + 14] = count;
    this.i32[word + 15] = bytes;
    this.i32[word + 16] = type;
    this.i32[word + 17] = window;
  }

  /** Where a request's value lies if it is short enough. */
  requestValue(at: number): number {
    return at + ownValue;
  }

  static readonly ownValueRoom = requestBytes - ownValue;

  /** A longer value, in memory of its own, which goes with the request. */
  setRequestValue(at: number, value: Pointer): void {
    this.#pointer(at + 40, value);
  }

  requestState(at: number): number {
    return Atomics.load(this.i32, (at >> 2) + 18);
  }

  setRequestState(at: number, state: number): void {
    Atomics.store(this.i32, (at >> 2) + 18, state);
  }

  requestStatus(at: number): number {
    return this.i32[(at >> 2) + 19]!;
  }

  requestSentAt(at: number): number {
    return this.f64[(at + 48) >> 3]!;
  }

  /** The i-th slot of the piece that is asked next. */
  setListed(i: number, slot: number): void {
    this.u32[(this.#list >> 2) + i] = slot;
  }

  /** Where the sink finds what is to be put. */
  get putting(): { list: Pointer; requests: Pointer } {
    return { list: this.base + this.#list, requests: this.base + this.#requests };
  }

  /** Says where the tables of this thread lie, in the order of the sink's. They have to stay. */
  setTables(tables: readonly NodeJS.TypedArray[], rows: number): void {
    tables.forEach((table, i) => this.#pointer(this.#tables + 8 * i, addressOfView(table)));
    const cells = this.#tables + 8 * tables.length;
    this.#pointer(cells, this.base + this.#cells[Purpose.read]!);
    this.#pointer(cells + 8, this.base + this.#requests);
    this.u32[(cells >> 2) + 4] = stride[Purpose.read];
    this.u32[(cells >> 2) + 5] = rows;
  }

  get tables(): Pointer {
    return this.base + this.#tables;
  }

  /** Where the sweeps of an IOC are described, at the place that its batch stands for. */
  sweep(batch: number): number {
    return this.#sweeps + ((batch - this.#batches) / batchBytes) * sweepBytes;
  }

  /** Where the puts that one batch counts are described. */
  run(batch: number): number {
    return this.#runs + ((batch - this.#batches) / batchBytes) * runBytes;
  }

  slotToken(slot: number, purpose: Purpose): number {
    return (slot + 1) * 8 + purpose;
  }

  data(cell: number): number {
    return cell + header;
  }

  static readonly scalarRoom = scalar;
  static readonly descriptionRoom = description;

  /** Status of the last answer; `unanswered` before. */
  status(cell: number): number {
    return Atomics.load(this.i32, (cell >> 2) + 1);
  }

  /** For a cell that no answer is under way to. */
  setStatus(cell: number, status: number): void {
    this.i32[(cell >> 2) + 1] = status;
  }

  count(cell: number): number {
    return this.u32[(cell >> 2) + 2]!;
  }

  type(cell: number): number {
    return this.u32[(cell >> 2) + 3]!;
  }

  /** How often it was written since it was prepared. */
  calls(cell: number): number {
    return this.u32[(cell >> 2) + 4]!;
  }

  /** Without the cost of a synchronised look: for cells whose answer has been seen to be there. */
  settledStatus(cell: number): number {
    return this.i32[(cell >> 2) + 1]!;
  }

  sequence(cell: number): number {
    return Atomics.load(this.u32, cell >> 2);
  }

  takeBatch(): number | undefined {
    const index = this.#freeBatches.pop() ?? (this.#usedBatches < batches ? this.#usedBatches++ : undefined);
    if (index === undefined) return undefined;
    const batch = this.#batches + index * batchBytes;
    this.u32[(batch >> 2) + 1] = (batchToken | index) >>> 0;
    return batch;
  }

  returnBatch(batch: number): void {
    this.#freeBatches.push((batch - this.#batches) / batchBytes);
  }

  /** A place to count updates in; kept for good. */
  takeTally(): number {
    const tally = this.takeBatch();
    if (tally === undefined) throw new Error('too many IOCs for one thread of the libca client');
    this.setLeft(tally, 0);
    return tally;
  }

  tally(at: number): number {
    return Atomics.load(this.u32, at >> 2);
  }

  /** A batch that only rouses and is no news itself. */
  silence(batch: number): void {
    this.u32[(batch >> 2) + 1] = 0;
  }

  setLeft(batch: number, left: number): void {
    Atomics.store(this.i32, batch >> 2, left);
  }

  /** So many answers fewer will come. Returns how many are left. */
  forgo(batch: number, answers = 1): number {
    return Atomics.sub(this.i32, batch >> 2, answers) - answers;
  }

  left(batch: number): number {
    return Atomics.load(this.i32, batch >> 2);
  }

  batchAt(index: number): number {
    return this.#batches + index * batchBytes;
  }

  takeAuxiliary(): number | undefined {
    return this.#freeAuxiliaries.pop();
  }

  returnAuxiliary(index: number): void {
    this.#freeAuxiliaries.push(index);
  }

  auxiliaryToken(index: number): number {
    return auxiliaryToken + index;
  }

  /** The token of the next cell that was written, or 0. From here on a further answer enters the ring again. */
  next(): number {
    if (this.#tail === this.#head && this.#tail === (this.#head = Atomics.load(this.u32, this.#lane >> 2))) return 0;
    const token = this.u32[(this.#ring >> 2) + (this.#tail & this.#mask)]!;
    this.#tail = (this.#tail + 1) >>> 0;
    if (token >= batchToken) return token;
    this.#unqueue(token >= auxiliaryToken ? this.auxiliaryCell(token - auxiliaryToken) : this.cell((token >>> 3) - 1, (token & 7) as Purpose));
    return token;
  }

  /** Asks to be roused by the next answer that somebody waits for. */
  arm(): void {
    Atomics.store(this.i32, (this.#lane >> 2) + 2, 1);
  }

  /** Reads a pointer that libca wrote to the scratch place. */
  scratchPointer(): Pointer {
    return this.u32[this.scratch >> 2]! + this.u32[(this.scratch >> 2) + 1]! * 0x1_0000_0000;
  }

  /** In the order of the sink's lane. */
  #tenureAndColumns({ timeNs, num, sequence, updates, severity, status }: ChannelColumns): NodeJS.TypedArray[] {
    return [this.#tenure.ended, this.#tenure.busy, timeNs, num, sequence, updates, severity, status];
  }

  #unqueue(cell: number): void {
    Atomics.store(this.u32, (cell >> 2) + 5, 0);
  }

  setPointer(at: number, pointer: Pointer): void {
    this.#pointer(at, pointer);
  }

  #pointer(at: number, pointer: Pointer): void {
    this.u32[at >> 2] = pointer % 0x1_0000_0000;
    this.u32[(at >> 2) + 1] = Math.floor(pointer / 0x1_0000_0000);
  }
}

/** Of a request, as the sink names them. */
export const RequestState = { free: 0, queued: 1, sent: 2, givenUp: 3, done: 4, refused: 5 } as const;

/** Status of a cell before its answer. */
export const unanswered = -1;
/** Status of the cell of a channel that is connected. */
export const connectionUp = 6;
/** O_NONBLOCK and O_CLOEXEC. */
const nonBlocking = 0o2004000;
