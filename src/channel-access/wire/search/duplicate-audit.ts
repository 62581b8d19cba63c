/**
 * Asking each name only until somebody answers is quick, but would hide a PV that two IOCs serve.
 * So names that were found before every destination had been asked are asked there afterwards: once,
 * when nothing else is searched, and slowly (500 datagrams a second, about 17,000 names).
 */
import type { Destination } from './destination.ts';
import { IdQueue } from './id-queue.ts';
import type { NameTable } from './name-table.ts';
import { SearchFrame } from './messages.ts';

const pauseMs = 20;
const framesPerTurn = 10;
/** Connecting what was found comes first. */
const quietMs = 1_000;
const chunkSize = 512;

export class DuplicateAudit {
  readonly #table: NameTable;
  readonly #destinations: readonly Destination[];
  readonly #cids = new IdQueue();
  #chunk: Int32Array = new Int32Array(0);
  #destination = 0;
  #position = 0;
  #nextMs = 0;

  constructor(table: NameTable, destinations: readonly Destination[]) {
    this.#table = table;
    this.#destinations = destinations;
  }

  add(cid: number): void {
    this.#cids.push(cid);
  }

  /** Returns in how many ms it wants its next turn; undefined when nothing is left. */
  turn(now: number, busy: boolean): number | undefined {
    if (this.#cids.size === 0 && this.#chunk.length === 0) return undefined;
    if (busy) this.#nextMs = now + quietMs;
    else if (this.#nextMs === 0) this.#nextMs = now + quietMs;
    if (now >= this.#nextMs) {
      for (let sent = 0; sent < framesPerTurn && this.#sendOne(); sent++);
      this.#nextMs = now + pauseMs;
    }
    if (this.#cids.size === 0 && this.#chunk.length === 0) {
      this.#nextMs = 0;
      return undefined;
    }
    return this.#nextMs - now;
  }

  #sendOne(): boolean {
    for (;;) {
      if (this.#destination >= this.#destinations.length || this.#chunk.length === 0) {
        for (const cid of this.#chunk) if (this.#isFound(cid)) this.#table.audited(this.#table.slotOfCid(cid >>> 0));
        this.#chunk = this.#cids.take(chunkSize, (cid) => this.#isFound(cid));
        this.#destination = 0;
        this.#position = 0;
        if (this.#chunk.length === 0) return false;
      }
      const destination = this.#destinations[this.#destination]!;
      const frame = destination.isReady() ? this.#fill(destination.numbered) : undefined;
      if (frame !== undefined && frame.cids.length > 0) {
        destination.send(frame);
        return true;
      }
      this.#destination++;
      this.#position = 0;
    }
  }

  #fill(numbered: boolean): SearchFrame {
    // No request has the number 0: nobody waits for the answer.
    const frame = new SearchFrame(numbered ? 0 : undefined);
    for (; this.#position < this.#chunk.length; this.#position++) {
      const cid = this.#chunk[this.#position]! >>> 0;
      const slot = this.#table.slotOfCid(cid);
      if (!this.#isFound(cid) || this.#table.destination(slot) === this.#destination) continue;
      if (!frame.add(this.#table.name(slot), cid)) break;
    }
    return frame;
  }

  #isFound(cid: number): boolean {
    const slot = this.#table.slotOfCid(cid >>> 0);
    return slot >= 0 && this.#table.isFound(slot);
  }
}
