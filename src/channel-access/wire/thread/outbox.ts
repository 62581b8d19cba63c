/**
 * Reports on their way to the main thread. Rows of the same kind that follow each other for one IOC
 * become one report; everything that one turn of the event loop yields goes in one message.
 */
import type { MessagePort, Transferable } from 'node:worker_threads';
import type { IocAddress } from '../../port.ts';
import type { Report } from '../thread-messages.ts';

type Batched = 'connected' | 'access';

export class Outbox {
  readonly #port: MessagePort;
  #reports: Report[] = [];
  #transfers: Transferable[] = [];
  #scheduled = false;
  readonly #open = new Map<IocAddress, { is: Batched; rows: number[] }>();

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** Adds one row to the batch of its kind and IOC. */
  row(is: Batched, ioc: IocAddress, row: number): void {
    const open = this.#open.get(ioc);
    if (open?.is === is) {
      open.rows.push(row);
      return;
    }
    if (open !== undefined) this.#close(ioc);
    this.#open.set(ioc, { is, rows: [row] });
    this.#schedule();
  }

  /** Adds a report after all that was said before of the same IOC. */
  report(report: Report, transfers: readonly Transferable[] = []): void {
    if ('ioc' in report) this.#close(report.ioc);
    else this.#closeAll();
    this.#reports.push(report);
    this.#transfers.push(...transfers);
    this.#schedule();
  }

  flush(): void {
    this.#scheduled = false;
    this.#closeAll();
    if (this.#reports.length === 0) return;
    const reports = this.#reports;
    const transfers = this.#transfers;
    this.#reports = [];
    this.#transfers = [];
    this.#port.postMessage(reports, transfers);
  }

  #closeAll(): void {
    for (const ioc of [...this.#open.keys()]) this.#close(ioc);
  }

  #close(ioc: IocAddress): void {
    const open = this.#open.get(ioc);
    if (open === undefined) return;
    this.#open.delete(ioc);
    this.#reports.push({ is: open.is, ioc, rows: Int32Array.from(open.rows) });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }
}
