/**
 * Promises that wait for a CA thread. A thread answers by the deadline; should it not (it died, or
 * is stuck), the request is settled here a little later, as unanswered.
 */
import { ReadOutcome, unansweredColumns, type ValueColumns } from '../../../contracts/values.ts';
import { type IocAddress, WriteOutcome, type WriteResult } from '../../port.ts';
import { type PackedValues, unpackValues } from '../packed-values.ts';
import type { Report } from '../thread-messages.ts';
import { Spares } from './spares.ts';

/** What a thread may be late, being busy with others. */
const graceMs = 500;

interface Pending {
  readonly ioc: IocAddress;
  readonly rows: Int32Array;
  readonly timer: NodeJS.Timeout | undefined;
  /** Settles without the thread. */
  readonly unanswered: (why: 'late' | 'died') => void;
}

interface PendingRead extends Pending { readonly resolve: (values: ValueColumns) => void }
interface PendingWrite extends Pending { readonly resolve: (result: WriteResult) => void }
interface PendingProbe extends Pending { readonly resolve: (alive: boolean) => void }

export class Requests {
  readonly #reads = new Map<number, PendingRead>();
  readonly #writes = new Map<number, PendingWrite>();
  readonly #probes = new Map<number, PendingProbe>();
  readonly #spares = new Spares();
  #nextId = 1;

  read(ioc: IocAddress, rows: Int32Array, deadlineMs: number, send: (id: number, into: PackedValues) => void): Promise<ValueColumns> {
    return new Promise((resolve) => {
      const id = this.#nextId++;
      const unanswered = (why: 'late' | 'died'): void => {
        this.#reads.delete(id);
        resolve(unansweredColumns(rows, why === 'late' ? ReadOutcome.timeout : ReadOutcome.disconnected));
      };
      const timer = setTimeout(() => unanswered('late'), deadlineMs + graceMs);
      this.#reads.set(id, { ioc, rows, timer, unanswered, resolve });
      send(id, this.#spares.take(rows));
    });
  }

  /** A write has a deadline per put, kept by the thread; only the thread's death settles it here. */
  write(ioc: IocAddress, rows: Int32Array, send: (id: number) => void): Promise<WriteResult> {
    return new Promise((resolve) => {
      const id = this.#nextId++;
      const unanswered = (): void => {
        this.#writes.delete(id);
        const outcome = new Uint8Array(rows.length).fill(WriteOutcome.lost);
        resolve({ outcome, code: new Uint16Array(rows.length) });
      };
      this.#writes.set(id, { ioc, rows, timer: undefined, unanswered, resolve });
      send(id);
    });
  }

  alive(ioc: IocAddress, deadlineMs: number, send: (id: number) => void): Promise<boolean> {
    return new Promise((resolve) => {
      const id = this.#nextId++;
      const unanswered = (): void => {
        this.#probes.delete(id);
        resolve(false);
      };
      const timer = setTimeout(unanswered, deadlineMs + graceMs);
      this.#probes.set(id, { ioc, rows: new Int32Array(0), timer, unanswered, resolve });
      send(id);
    });
  }

  settle(report: Report & { is: 'read' | 'written' | 'alive' }): void {
    if (report.is === 'read') this.#take(this.#reads, report.id)?.resolve(this.#unpacked(report.values));
    else if (report.is === 'written') this.#take(this.#writes, report.id)?.resolve({ outcome: report.outcome, code: report.code });
    else this.#take(this.#probes, report.id)?.resolve(report.alive);
  }

  /** The memory of these values may be written over. */
  recycle(values: ValueColumns): void {
    this.#spares.giveBack(values);
  }

  /** The thread of these IOCs is gone. */
  died(iocs: ReadonlySet<IocAddress>): void {
    for (const pending of this.#all()) {
      if (!iocs.has(pending.ioc)) continue;
      clearTimeout(pending.timer);
      pending.unanswered('died');
    }
  }

  /** Settles whatever is left. */
  stop(): void {
    for (const pending of this.#all()) {
      clearTimeout(pending.timer);
      pending.unanswered('died');
    }
  }

  #unpacked(packed: PackedValues): ValueColumns {
    const values = unpackValues(packed);
    this.#spares.lend(values, packed);
    return values;
  }

  #all(): Pending[] {
    return [...this.#reads.values(), ...this.#writes.values(), ...this.#probes.values()];
  }

  #take<Waiting extends Pending>(from: Map<number, Waiting>, id: number): Waiting | undefined {
    const pending = from.get(id);
    from.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }
}
