/**
 * Which IOC every row belongs to. A table, not state: one 32-bit number per row, so that 50,000
 * channels over hundreds of IOCs cost no object each. Lookup is one array read; the rows of one IOC
 * are found by a scan, which only restarts and detail views need.
 */

/** What changed hands: where rows were before, null = unresolved. */
export interface Move {
  /** Rows that were not there before. */
  readonly joined: Int32Array;
  readonly left: ReadonlyMap<string | null, Int32Array>;
  /** IOCs that have no channel any more. */
  readonly emptied: readonly string[];
}

const absent = -1;
const unresolved = 0;

export class Roster {
  readonly #indexOfRow: Int32Array;
  /** Name by index; 0 is the unresolved set. */
  readonly #names: (string | null)[] = [null];
  readonly #indexOf = new Map<string, number>();
  readonly #counts: number[] = [0];

  constructor(capacity: number) {
    this.#indexOfRow = new Int32Array(capacity).fill(absent);
  }

  /** undefined: nobody here watches the row; null: its IOC is not known. */
  iocOf(row: number): string | null | undefined {
    return this.#names[this.#indexOfRow[row] ?? absent];
  }

  count(ioc: string | null): number {
    return this.#counts[this.#index(ioc) ?? -1] ?? 0;
  }

  rowsOf(ioc: string | null): Int32Array {
    const index = this.#index(ioc);
    const rows = new Int32Array(index === undefined ? 0 : this.#counts[index]!);
    for (let row = 0, found = 0; found < rows.length; row++) if (this.#indexOfRow[row] === index) rows[found++] = row;
    return rows;
  }

  assign(rows: Int32Array, ioc: string | null): Move {
    return this.#move(rows, this.#index(ioc) ?? this.#add(ioc!));
  }

  remove(rows: Int32Array): Move {
    return this.#move(rows, absent);
  }

  /**
   * Positions in `rows` by IOC, in order of first appearance; undefined = not watched here. A group
   * that is the whole batch, which is the ordinary case, comes without positions.
   */
  groups(rows: Int32Array): { ioc: string | null | undefined; positions: Int32Array | undefined }[] {
    const first = this.#indexOfRow[rows[0]!] ?? absent;
    if (rows.length > 0 && rows.every((row) => (this.#indexOfRow[row] ?? absent) === first)) return [{ ioc: this.#names[first], positions: undefined }];
    const indexes = new Map<number, number[]>();
    let last = Number.NaN;
    let bucket: number[] = [];
    for (let i = 0; i < rows.length; i++) {
      const index = this.#indexOfRow[rows[i]!] ?? absent;
      if (index !== last) {
        last = index;
        bucket = indexes.get(index) ?? [];
        indexes.set(index, bucket);
      }
      bucket.push(i);
    }
    return [...indexes].map(([index, positions]) => ({ ioc: this.#names[index], positions: Int32Array.from(positions) }));
  }

  #index(ioc: string | null): number | undefined {
    return ioc === null ? unresolved : this.#indexOf.get(ioc);
  }

  #add(ioc: string): number {
    const index = this.#names.push(ioc) - 1;
    this.#indexOf.set(ioc, index);
    this.#counts.push(0);
    return index;
  }

  #move(rows: Int32Array, to: number): Move {
    const joined: number[] = [];
    const left = new Map<number, number[]>();
    for (const row of rows) {
      if (row < 0 || row >= this.#indexOfRow.length) throw new RangeError(`row ${row} is outside the columns, which have ${this.#indexOfRow.length} rows`);
      const from = this.#indexOfRow[row]!;
      if (from === to) continue;
      this.#indexOfRow[row] = to;
      joined.push(row);
      if (to !== absent) this.#counts[to]!++;
      if (from === absent) continue;
      this.#counts[from]!--;
      const leaving = left.get(from);
      if (leaving) leaving.push(row);
      else left.set(from, [row]);
    }
    const emptied: string[] = [];
    for (const index of left.keys()) if (index !== unresolved && this.#counts[index] === 0) emptied.push(this.#names[index]!);
    return { joined: Int32Array.from(joined), left: new Map([...left].map(([index, gone]) => [this.#names[index]!, Int32Array.from(gone)])), emptied };
  }
}
