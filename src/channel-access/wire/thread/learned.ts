/** Which channels of an IOC have been described, until the main thread is told. */
import type { ThreadContext } from './context.ts';

export class Learned {
  readonly #context: Pick<ThreadContext, 'columns' | 'metas' | 'outbox'>;
  readonly #ioc: string;
  #rows: number[] = [];

  constructor(context: Pick<ThreadContext, 'columns' | 'metas' | 'outbox'>, ioc: string) {
    this.#context = context;
    this.#ioc = ioc;
  }

  /** Shows a description in the columns. Whether it is news. */
  keep(row: number, hash: bigint): boolean {
    const { metaHash } = this.#context.columns;
    if (metaHash[row] === hash) return false;
    metaHash[row] = hash;
    this.#rows.push(row);
    return true;
  }

  report(): void {
    if (this.#rows.length === 0) return;
    const rows = Int32Array.from(this.#rows);
    this.#rows = [];
    this.#context.outbox.report({ is: 'described', ioc: this.#ioc, rows, metas: this.#context.metas.takeFresh() }, [rows.buffer]);
  }

  drop(): void {
    this.#rows = [];
  }
}
